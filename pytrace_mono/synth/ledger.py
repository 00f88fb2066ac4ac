"""What a corpus asked, what it paid, and what became of every row: ``DIR/ledger.sqlite3``.

It outlives a run that is killed, and is added to by the next one. It is no part of the rows: two
equal corpora may have been paid in different ways.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from pytrace_mono.synth.corpus import LEDGER
from pytrace_mono.synth.database import Database
from pytrace_mono.synth.teacher import Usage
from pytrace_mono.verify.reasons import Reason

_VERSION = 3
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY,           -- of the request, as in the cache
    row TEXT NOT NULL,              -- id of the row it was asked for
    model TEXT NOT NULL,
    paid INTEGER NOT NULL,          -- 0: it came from the cache, paid for another corpus
    attempts INTEGER NOT NULL,      -- how often the request was sent
    seconds REAL NOT NULL,          -- of the attempt that was answered
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    estimated INTEGER NOT NULL,     -- 1: the endpoint counted no tokens, the numbers are ours
    cost REAL,                      -- dollars; NULL: the price is not known
    at REAL NOT NULL                -- seconds since 1970
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS failures (
    row TEXT NOT NULL, attempts INTEGER NOT NULL, message TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS rows (
    row TEXT PRIMARY KEY,
    stage TEXT NOT NULL,            -- asking, answered, parsed or kept: how far it came
    reason TEXT,                    -- why it was dropped there; NULL: kept, or still asking
    at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
    id TEXT PRIMARY KEY,            -- of the job at the endpoint
    ended TEXT,                     -- its last status; NULL: it is waited for
    at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batched (
    key BLOB PRIMARY KEY,           -- of a request that was put into a batch
    row TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revisions (
    key BLOB PRIMARY KEY,           -- of an answer that was asked to put something right
    row TEXT NOT NULL,
    mismatch TEXT NOT NULL          -- what was wrong
) WITHOUT ROWID
"""

_NOT_PARSED = frozenset(
    {
        Reason.EMPTY_COMPLETION,
        Reason.CUT_COMPLETION,
        Reason.NO_ANSWER,
        Reason.NO_MONOLOGUE,
    }
)


@dataclass(frozen=True)
class Totals:
    """Sums over all runs of one corpus.

    Attributes:
        paid: answers that were paid for.
        cached: answers that another corpus had paid for.
        failures: requests that failed on every attempt.
        usage: tokens of the paid answers.
        estimated: some of these tokens are estimates.
        cost: dollars for the paid answers whose price is known.
        unpriced: paid answers whose price is not known.
    """

    paid: int
    cached: int
    failures: int
    usage: Usage
    estimated: bool
    cost: float
    unpriced: int


class Ledger:
    """The ledger of the corpus in ``directory``.

    Args:
        directory: of the corpus.
        reading: nothing will be written; then the directory need not be writable.

    Raises:
        StoreError: it cannot be used, or a newer version wrote it.
    """

    def __init__(self, directory: Path, *, reading: bool = False) -> None:
        self._database = Database(directory / LEDGER, _VERSION, _SCHEMA, reading=reading)

    def answered(
        self,
        key: bytes,
        row: str,
        model: str,
        usage: Usage,
        *,
        cost: float | None,
        estimated: bool,
        paid: bool,
        attempts: int,
        seconds: float,
    ) -> None:
        """Note an answer, once: one that is replayed was noted when it was paid."""
        tokens = (usage.prompt_tokens, usage.completion_tokens)
        self._database.execute(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key, row, model, paid, attempts, seconds, *tokens, estimated, cost, time.time()),
        )

    def revised(self, key: bytes, row: str, mismatch: str) -> None:
        """Note of an answer that it was asked to put this mismatch right."""
        self._database.execute(
            "INSERT OR IGNORE INTO revisions VALUES (?, ?, ?)", (key, row, mismatch)
        )

    def failed(self, row: str, attempts: int, message: str) -> None:
        """Note a request that got no answer."""
        self._database.execute(
            "INSERT INTO failures VALUES (?, ?, ?, ?)", (row, attempts, message, time.time())
        )

    def batched(self, key: bytes, row: str) -> None:
        """Note that a request is put into a batch."""
        self._database.execute("INSERT OR REPLACE INTO batched VALUES (?, ?)", (key, row))

    def row_of(self, key: bytes) -> str | None:
        """The row for which a request was put into a batch."""
        found = self._database.execute("SELECT row FROM batched WHERE key = ?", (key,))
        return str(found[0][0]) if found else None

    def batch(self, job: str, ended: str | None) -> None:
        """Note a job that is waited for, or how it ended."""
        self._database.execute(
            "INSERT OR REPLACE INTO batches VALUES (?, ?, ?)", (job, ended, time.time())
        )

    def batches(self) -> dict[str, str | None]:
        """Every job and how it ended; None while it is waited for."""
        return dict(self._database.execute("SELECT id, ended FROM batches"))

    def asking(self, row: str) -> None:
        """Note that a row is in work; one that stays so was in flight when a run ended."""
        self._fate(row, "asking", None)

    def ended(self, row: str, reason: Reason | None) -> None:
        """Note what became of a row: kept, or dropped for a reason."""
        if reason is None:
            stage = "kept"
        elif reason is Reason.TEACHER_ERROR:
            stage = "asking"
        else:
            stage = "answered" if reason in _NOT_PARSED else "parsed"
        self._fate(row, stage, None if reason is None else reason.value)

    def totals(self) -> Totals:
        """The sums so far."""
        failures = self._database.execute("SELECT count(*) FROM failures")[0][0]
        return self._sums("answers", failures)

    def _sums(self, answers: str, failures: int) -> Totals:
        paid, cached, prompt, completion, estimated, cost, unpriced = self._database.execute(
            "SELECT ifnull(sum(paid), 0), ifnull(sum(NOT paid), 0), "
            "ifnull(sum(paid * prompt_tokens), 0), ifnull(sum(paid * completion_tokens), 0), "
            "ifnull(max(paid * estimated), 0), ifnull(sum(paid * cost), 0), "
            f"ifnull(sum(paid AND cost IS NULL), 0) FROM {answers}"
        )[0]
        usage = Usage(prompt, completion)
        return Totals(paid, cached, failures, usage, bool(estimated), cost, unpriced)

    def revisions(self) -> Totals:
        """The part of the sums that was for revisions."""
        return self._sums("answers JOIN revisions USING (key)", failures=0)

    def stages(self) -> dict[str, int]:
        """Rows by how far they came: ``kept``, or where they ended."""
        return dict(
            self._database.execute("SELECT stage, count(*) FROM rows GROUP BY stage ORDER BY stage")
        )

    def latency(self) -> tuple[float, float, float] | None:
        """Seconds that a paid answer took: median, 95th percentile, longest; None without any."""
        count = self._database.execute("SELECT count(*) FROM answers WHERE paid")[0][0]
        if not count:
            return None
        median, high, longest = (
            self._database.execute(
                "SELECT seconds FROM answers WHERE paid ORDER BY seconds LIMIT 1 OFFSET ?", (at,)
            )[0][0]
            for at in ((count - 1) // 2, (count - 1) * 95 // 100, count - 1)
        )
        return median, high, longest

    def attempts(self) -> tuple[float, int]:
        """How often a paid request was sent: in the mean, and at most."""
        mean, most = self._database.execute(
            "SELECT ifnull(avg(attempts), 0), ifnull(max(attempts), 0) FROM answers WHERE paid"
        )[0]
        return mean, most

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _fate(self, row: str, stage: str, reason: str | None) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", (row, stage, reason, time.time())
        )


def told(totals: Totals) -> str:
    """The sums in one line, for a person."""
    return (
        f"{totals.paid} answers, {spent(totals)}; "
        f"{totals.cached} more from the cache, {totals.failures} requests failed"
    )


def spent(totals: Totals) -> str:
    """Tokens and dollars, for a person."""
    about = "about " if totals.estimated else ""
    tokens = f"{about}{totals.usage.prompt_tokens} + {totals.usage.completion_tokens} tokens"
    cost = f"${totals.cost:.4f}"
    if totals.unpriced:
        cost = "cost not known" if totals.unpriced == totals.paid else f"{cost} and more"
    return f"{tokens} (prompt + completion), {cost}"
