"""What came before in an input of any length, remembered without growing in memory."""

from __future__ import annotations

import hashlib
import sqlite3

from pytrace_mono.errors import StoreError


class Seen:
    """Names and contents that came before.

    They lie in a temporary file of SQLite's own, with no name and gone when this is: 100,000 of them
    take 16 MB in a dict, and 0.5 MB of its cache here.
    """

    def __init__(self) -> None:
        # Made and used by one thread, but perhaps thrown away by another.
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA cache_size = -500")  # KiB
        self._connection.execute(
            "CREATE TABLE seen (name BLOB PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID"
        )

    def add(self, name: str, content: str) -> bool | None:
        """Remember the first content of each name.

        Returns:
            None where the name is new, else whether it came with the same content.

        Raises:
            StoreError: the temporary file cannot be written.
        """
        key, value = _digest(name), _digest(content)
        try:
            added = self._connection.execute(
                "INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, value)
            ).rowcount
            if added:
                return None
            found = self._connection.execute("SELECT content FROM seen WHERE name = ?", (key,))
            return bool(found.fetchone()[0] == value)
        except sqlite3.Error as error:
            raise StoreError(
                f"the temporary file that finds duplicate rows: {error}; free the disk, or set "
                "SQLITE_TMPDIR to a directory with room"
            ) from None


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
