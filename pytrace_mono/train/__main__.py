"""``python -m pytrace_mono.train`` is ``pytrace-mono train``, for launchers that take a module."""

import sys

from pytrace_mono.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
