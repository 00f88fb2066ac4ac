"""Answers that were paid for, kept for every later run.

The raw body of every completion is stored under the digest of what was asked, before its monologue is
read: a change of the parser or the Verifier is replayed without a request.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytrace_mono.synth.database import Database

CACHE_VARIABLE = "PYTRACE_MONO_CACHE"
_VERSION = 3
_canonical = json.JSONEncoder(sort_keys=True).encode  # made once: json.dumps makes one each time
# A table WITHOUT ROWID keeps the bodies within its tree of keys, four to a page: three times the file,
# and three times the time to find one. Files of versions 1 and 2 have such a table, which is moved.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS bodies (
    key BLOB PRIMARY KEY,
    body BLOB NOT NULL,
    stored REAL NOT NULL DEFAULT (julianday('now'))
);
CREATE TABLE IF NOT EXISTS responses (key BLOB, body BLOB, stored REAL);
INSERT OR IGNORE INTO bodies SELECT key, body, stored FROM responses;
DROP TABLE responses;
CREATE TABLE IF NOT EXISTS formats (
    endpoint TEXT, model TEXT, format TEXT NOT NULL, PRIMARY KEY (endpoint, model)
) WITHOUT ROWID
"""


def default_directory() -> Path:
    """``PYTRACE_MONO_CACHE``, else ``pytrace_mono`` in the user's cache directory."""
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "pytrace_mono"


class Keys:
    """The digests under which answers are kept, of requests that differ in the chat alone.

    Each is the SHA-256 of ``{"endpoint", "request", "sample"}`` as canonical JSON, of which all but
    the chat is written once: the schema in it is longer than many a program.

    Args:
        endpoint: the address without secrets: two servers may give two models the same name.
        request: what is sent beside the messages. Key and timeout are no part of it.
    """

    def __init__(self, endpoint: str, request: Mapping[str, Any]) -> None:
        asked = {"endpoint": endpoint, "request": {**request, "messages": None}, "sample": None}
        # No value can look like the key of the chat: its quotes would be escaped.
        before, key, after = _canonical(asked).partition('"messages": ')
        self._before = before + key
        self._after = after.removeprefix("null").removesuffix("null}")

    def of(self, messages: Sequence[Mapping[str, str]], sample: int) -> bytes:
        """The digest for this chat.

        Args:
            messages: the turns.
            sample: which of several completions of the same request.
        """
        text = f"{self._before}{_canonical(messages)}{self._after}{sample}}}"
        return hashlib.sha256(text.encode()).digest()


class ResponseCache:
    """Bodies by key, in ``responses.sqlite3``.

    Args:
        directory: where; :func:`default_directory` where None or empty. Several runs may share it.

    Raises:
        StoreError: it cannot be used, or a newer version wrote it.
    """

    def __init__(self, directory: str | Path | None = None) -> None:
        place = Path(directory) if directory else default_directory()  # "" would be where we are
        self._database = Database(place / "responses.sqlite3", _VERSION, _SCHEMA)

    def get(self, key: bytes) -> bytes | None:
        """The body, or None where it was never stored."""
        found = self._database.execute("SELECT body FROM bodies WHERE key = ?", (key,))
        return found[0][0] if found else None

    def put(self, key: bytes, body: bytes) -> None:
        """Store a body; it is safe from SIGKILL when this returns.

        Raises:
            StoreError: the disk is full.
        """
        self._database.execute(
            "INSERT OR IGNORE INTO bodies (key, body) VALUES (?, ?)", (key, body)
        )

    def format_of(self, endpoint: str, model: str) -> str | None:
        """The format that an endpoint was found to take; None where nobody knows."""
        found = self._database.execute(
            "SELECT format FROM formats WHERE endpoint = ? AND model = ?", (endpoint, model)
        )
        return str(found[0][0]) if found else None

    def remember_format(self, endpoint: str, model: str, format: str) -> None:
        """Keep the format for every later run: it is part of what is asked, and so of the keys.

        Raises:
            StoreError: the disk is full.
        """
        self._database.execute(
            "INSERT OR REPLACE INTO formats VALUES (?, ?, ?)", (endpoint, model, format)
        )

    def close(self) -> None:
        """Close the file."""
        self._database.close()
