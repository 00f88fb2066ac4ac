"""``python -m pytrace_mono`` is ``pytrace-mono``."""

import sys

from pytrace_mono.cli import main

if __name__ == "__main__":
    sys.exit(main())
