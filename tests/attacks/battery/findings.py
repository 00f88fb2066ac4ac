"""Attacks that succeed, as long as they do: where, and why. A line that is not true any more fails."""

from __future__ import annotations

_BOTH = ("confined", "isolated")
_WRITES = "whoever writes a frame to descriptor 3 first is believed"
_REACHES = "the harness's Report can be found and made to end the run"

KNOWN: dict[str, tuple[tuple[str, ...], str]] = {
    "file-exists": (("confined",), "Landlock does not cover stat: documented"),
    "forge-frame": (_BOTH, _WRITES),
    "forge-frame-and-return": (_BOTH, _WRITES),
    "forge-by-copy": (_BOTH, _WRITES),
    "forge-by-libc": (_BOTH, _WRITES),
    "forge-by-writev": (_BOTH, _WRITES),
    "forge-by-file": (_BOTH, _WRITES),
    "forge-at-timeout": (_BOTH, _WRITES),
    "forge-write": (_BOTH, "os.write is looked up when the result is written: the program's own"),
    "forge-builtins": (_BOTH, "the Snapshot's text is made by builtins.repr: the program's own"),
    "forge-by-frames": (_BOTH, _REACHES),
    "forge-by-traceback": (_BOTH, _REACHES),
    "forge-by-generator": (_BOTH, _REACHES),
    "forge-by-gc": (_BOTH, _REACHES),
    "forge-by-signal-handler": (_BOTH, _REACHES),
    "hide-by-self": (_BOTH, "the Recorder is the tracer's __self__, and stop() leaves it complete"),
    "hide-by-recorder": (_BOTH, "the Recorder can be found, and stop() leaves it complete"),
    "hide-by-code": (_BOTH, "a code object that names another file is out of scope, unsaid"),
}
"""Name of an attack -> the levels at which it succeeds, and why."""
