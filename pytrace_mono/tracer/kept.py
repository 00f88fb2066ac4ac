"""The built-ins as they were when the recorder was imported, for the recorder's own functions.

A program may replace what is in :mod:`builtins` (``builtins.len = ...``), and none of its code is to run
in the recorder. CPython looks up a built-in where the ``__builtins__`` of the function's module pointed
when the function was made; so each module that runs while a program is recorded sets that name to this
dict before it defines anything.
"""

from __future__ import annotations

import builtins
from typing import Any

BUILTINS: Any = dict(vars(builtins))
