"""The standard library's ``signal`` without the search in its enums, which costs more than the calls."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_signal = import_module("_signal")

set_handler, get_handler = _signal.signal, _signal.getsignal
set_mask = _signal.pthread_sigmask
wait: Any = getattr(_signal, "sigtimedwait", None)  # macOS has none.
BLOCK, UNBLOCK, DEFAULT = map(int, (_signal.SIG_BLOCK, _signal.SIG_UNBLOCK, _signal.SIG_DFL))
ALARM, PROFILE, TERMINATE, CHILD = map(
    int, (_signal.SIGALRM, _signal.SIGPROF, _signal.SIGTERM, _signal.SIGCHLD)
)
