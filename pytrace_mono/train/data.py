"""The documents of a run: rows as token sequences, split; the digests of the files they come from.

A document is BOS + prompt, then completion + EOS; the prompt is masked. Tokenizing the two jointly would
let a token reach across the boundary, which a model asked with the prompt alone never sees. Nothing is
cut short: a row that cannot be learnt from whole is dropped, and counted with its reason.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from pytrace_mono.errors import TrainingDataError
from pytrace_mono.train.config import TrainConfig
from pytrace_mono.train.rows import Row, TrainingTask, files_of, read_rows

IGNORED = -100
Drop = Literal["too_long", "no_label", "special_token"]
_BATCH = 256
_ROUND_TRIPS = 64


@dataclass(frozen=True)
class Document:
    """One encoded row.

    Attributes:
        task: what it teaches.
        tokens: BOS, prompt, completion, EOS; four bytes each, since a whole corpus is kept.
        prompt_tokens: how many at the front carry no label, BOS included; at least 1, since
            nothing comes before the first token that could predict it.
    """

    task: TrainingTask
    tokens: Sequence[int]
    prompt_tokens: int

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def labels(self) -> tuple[int, ...]:
        """The tokens, with :data:`IGNORED` for those of the prompt."""
        return (IGNORED,) * self.prompt_tokens + tuple(self.tokens[self.prompt_tokens :])


class Encoder:
    """Makes Documents and counts what it drops.

    Args:
        tokenizer: a ``transformers`` tokenizer, one with an EOS token.
        context: most tokens of a Document.

    Attributes:
        dropped: rows dropped, per task and reason: ``too_long``; ``no_label``, where the completion is
            blank; ``special_token``, where the text itself spells a control token such as EOS.

    Raises:
        TrainingDataError: the tokenizer has no EOS token.
    """

    def __init__(self, tokenizer: Any, context: int) -> None:
        if tokenizer.eos_token_id is None:
            raise TrainingDataError(
                "the tokenizer has no EOS token, so that a model could not learn where to stop; "
                "set `eos_token` in its tokenizer_config.json."
            )
        self.dropped: Counter[tuple[TrainingTask, Drop]] = Counter()
        self._tokenizer, self._context = tokenizer, context
        self._before = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        self._special = frozenset(tokenizer.all_special_ids)

    def require_round_trip(self, texts: Iterable[str]) -> None:
        """Stop before an hour is spent on a tokenizer that loses part of the code.

        A model trained with one that drops white space could not indent.

        Raises:
            TrainingDataError: a text is not the same after encoding and decoding.
        """
        for text in texts:
            tokens = self._tokenizer(text, add_special_tokens=False)["input_ids"]
            back = self._tokenizer.decode(tokens, clean_up_tokenization_spaces=False)
            if back != text:
                at = next(i for i in range(len(text) + 1) if text[: i + 1] != back[: i + 1])
                raise TrainingDataError(
                    "the tokenizer does not give back what it was given: at character "
                    f"{at}, {text[at : at + 20]!r} became {back[at : at + 20]!r}; look at its "
                    "tokenizer.json, or use another version of transformers."
                )

    def encode(self, rows: Sequence[Row]) -> Iterator[Document]:
        """The Documents of ``rows`` that can be learnt from, in order."""
        end = self._tokenizer.eos_token_id
        # verbose=False: the tokenizer's own warning about length; we count such rows.
        encode = partial(self._tokenizer, add_special_tokens=False, verbose=False)
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            prompts = encode([row.prompt for row in batch])["input_ids"]
            completions = encode([row.completion for row in batch])["input_ids"]
            for row, prompt, completion in zip(batch, prompts, completions, strict=True):
                tokens = array("i", [*self._before, *prompt, *completion, end])
                if not row.completion.strip() or not completion:
                    self.dropped[row.task, "no_label"] += 1
                elif not self._special.isdisjoint([*prompt, *completion]):
                    self.dropped[row.task, "special_token"] += 1
                elif len(tokens) > self._context:
                    self.dropped[row.task, "too_long"] += 1
                else:
                    yield Document(row.task, tokens, max(1, len(self._before) + len(prompt)))


@dataclass(frozen=True)
class Data:
    """The documents of a run.

    Attributes:
        train: to learn from.
        held_out: to evaluate on; none of their programs is in ``train`` where rows name theirs.
        dropped: rows that cannot be learnt from, per task and reason.
    """

    train: list[Document]
    held_out: list[Document]
    dropped: Counter[tuple[TrainingTask, Drop]]


def read_all(config: TrainConfig) -> list[Row]:
    """Every row of every file, in order."""
    return [row for path in config.data for row in read_rows(path)]


def load_data(config: TrainConfig, tokenizer: Any, rows: list[Row]) -> Data:
    """Encode and split.

    Raises:
        TrainingDataError: the tokenizer does not give back what it was given, or no row is left to
            learn from.
    """
    encoder = Encoder(tokenizer, config.context)
    texts = [text for row in rows[:_ROUND_TRIPS] for text in (row.prompt, row.completion)]
    encoder.require_round_trip(texts)
    held_out = list(encoder.encode([row for row in rows if _is_held_out(row, config)]))
    train = list(encoder.encode([row for row in rows if not _is_held_out(row, config)]))
    if not train:
        drops = ", ".join(f"{n} {task} {why}" for (task, why), n in encoder.dropped.items())
        raise TrainingDataError(
            f"{', '.join(map(str, config.data))}: no row to learn from among {len(rows)} "
            f"({len(held_out)} held out, dropped: {drops or 'none'}); the context is "
            f"{config.context} tokens."
        )
    counts = Counter(document.task for document in train)
    # As often as all epochs together show a task's rows.
    if not any(round(config.epochs * config.mix.get(t, 1.0) * n) for t, n in counts.items()):
        raise TrainingDataError(
            f"none of the {len(train)} rows to learn from is shown in {config.epochs} epochs with "
            f"mix={config.mix}; give larger weights, or leave them out."
        )
    return Data(train, held_out, encoder.dropped)


def digests_of(config: TrainConfig) -> dict[str, str]:
    """sha256 of every file of rows, by path."""
    files = [file for path in config.data for file in files_of(path)]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _is_held_out(row: Row, config: TrainConfig) -> bool:
    """By the group alone, so that more rows move none from one side to the other."""
    digest = hashlib.sha256(f"{config.seed}:{row.group}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < config.held_out * 2**64
