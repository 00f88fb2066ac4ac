"""A small SQLite file that survives SIGKILL and says in one message what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytrace_mono.errors import StoreError

_WAIT_SECONDS = 30.0


class Database:
    """One connection in WAL mode; every statement is a transaction of its own.

    A process that is killed loses nothing that ``execute`` returned from. (A machine that loses power
    may lose the last statements; the file stays whole.) Several processes may share the file.

    Args:
        path: the file; it and its directory are made.
        version: of the tables, kept in the file.
        schema: statements that make the tables of a new file.
        reading: nothing will be written; then the directory need not be writable.

    Raises:
        StoreError: the file cannot be opened or written, is no database, or is of a newer version.
    """

    def __init__(self, path: Path, version: int, schema: str, *, reading: bool = False) -> None:
        self.path = path
        # Where it cannot put its log, SQLite reads a file only as one that nobody changes.
        fixed = reading and path.exists() and not os.access(path.parent, os.W_OK)
        with self._told():
            if not fixed:
                path.parent.mkdir(parents=True, exist_ok=True)
            # One thread at a time uses it: the one that runs the event loop.
            self._connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?immutable={int(fixed)}",
                uri=True,
                timeout=_WAIT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            with self._told():
                self._open(version, "" if fixed else schema)
        except BaseException:  # Ctrl-C too: nobody else could close it
            self._connection.close()
            raise

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; what it selects comes back.

        Raises:
            StoreError: the disk is full, or the file is damaged or locked for too long.
        """
        try:  # what _told does, without a context manager: a replay comes through here twice
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._meaning(error) from None

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        self._connection.close()

    def _open(self, version: int, schema: str) -> None:
        run = self._connection.execute
        found = run("PRAGMA user_version").fetchone()[0]
        if found > version:
            raise StoreError(
                f"{self.path}: written by a newer pytrace_mono (format {found}, this one knows "
                f"{version}); upgrade pytrace_mono, or choose another place."
            )
        if not schema:
            return
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        # KiB. A run asks for each key once, and the system has the file in memory as well: with the
        # 2 MB of pages that SQLite would keep, an answer is found no sooner.
        run("PRAGMA cache_size = -500")
        if found < version:
            # IF NOT EXISTS in the schema: two processes may make the file at the same moment.
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version = {version}; COMMIT;"
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._meaning(error) from None

    def _meaning(self, error: Exception) -> StoreError:
        return StoreError(
            f"{self.path}: {error}; free the disk, mend the permissions, or choose another place"
        )
