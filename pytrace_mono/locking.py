"""One run at a time writes to a directory."""

from __future__ import annotations

import os
import platform
import time
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from pytrace_mono.errors import PytraceMonoError

HOLDER = ".running"  # who holds the lock, for the message; the lock itself is the kernel's


def lock(directory: Path, error: type[PytraceMonoError]) -> int:
    """Lock the directory until this process ends, however it ends: the kernel holds the lock.

    Args:
        directory: the directory.
        error: raised where another run holds it.

    Returns:
        what to give to :func:`unlock`.
    """
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        try:
            holder = (directory / HOLDER).read_text()
        except OSError:
            holder = "which has just begun or ended"
        raise error(
            f"{directory}: another run is writing here ({holder}); wait for it, or choose another "
            "directory."
        ) from None
    except (ImportError, OSError):
        pass  # not on this platform, or file system: two runs at once are then the user's care
    holder = f"process {os.getpid()} on {platform.node()} since {timestamp(time.time())}"
    with suppress(OSError):  # on a full disk the lock still holds
        (directory / HOLDER).write_text(holder)
    return descriptor


def unlock(directory: Path, descriptor: int) -> None:
    """Let others write."""
    (directory / HOLDER).unlink(missing_ok=True)
    os.close(descriptor)


def timestamp(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")
