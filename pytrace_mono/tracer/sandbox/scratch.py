"""A folder that programs may write to, private to each run: emptied as soon as the run has ended.

At level ``isolated`` it is a small file system in memory, which nothing outside can see and which is
gone with its warm parent whatever ends that. Elsewhere it is a temporary directory.
"""

from __future__ import annotations

import os

MOUNTED_AT = "/scratch"
"""Where it is at level ``isolated``."""

BYTES = 16 * 1024 * 1024
"""Largest file; at level ``isolated`` also all files together."""

FILES = 4096
"""How many files and directories, at level ``isolated``."""


class Scratch:
    """One warm parent's folder; its children use it one after another.

    Args:
        mounted: it has been mounted at :data:`MOUNTED_AT`.

    Attributes:
        path: where it is.
        outside: the same where it does not vanish with its warm parent, or None.
    """

    def __init__(self, mounted: bool) -> None:
        import tempfile  # Not at the top: every fork of a warm parent without a folder would be dearer.

        self._mounted = mounted
        self.path = MOUNTED_AT if mounted else tempfile.mkdtemp(prefix="pytrace-mono-")
        self.outside = None if mounted else self.path
        tempfile.tempdir = None  # Programs are to look for it themselves, and find this one.
        os.environ["TMPDIR"] = self.path

    def empty(self) -> None:
        """Remove what a program left, however deep and whatever its permissions.

        Raises:
            OSError: something cannot be removed; no other program may see it.
        """
        os.makedirs(self.path, exist_ok=True)  # At level ``guard`` a program can remove it.
        serial = 0
        # Each round lifts one level of what is below to the top: no path is ever longer than two.
        while names := os.listdir(os.fsencode(self.path)):
            for name in names:
                path = os.path.join(os.fsencode(self.path), name)
                if os.path.islink(path) or not os.path.isdir(path):
                    os.unlink(path)
                    continue
                os.chmod(path, 0o700)
                for inner in os.listdir(path):
                    below = os.path.join(path, inner)
                    if os.path.islink(below) or not os.path.isdir(below):
                        os.unlink(below)
                        continue
                    os.chmod(below, 0o700)  # It is written to when it changes its parent.
                    serial += 1
                    os.rename(below, os.path.join(os.fsencode(self.path), b".%d" % serial))
                os.rmdir(path)

    def remove(self) -> None:
        """Remove the folder itself, at the end of the warm parent."""
        if not self._mounted:
            import shutil

            self.empty()
            shutil.rmtree(self.path)
