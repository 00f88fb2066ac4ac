"""Check what a teacher or a model says against what the program does."""

from __future__ import annotations

from pytrace_mono.verify.literals import LiteralCall, literal, literal_call, same_value
from pytrace_mono.verify.reasons import Reason
from pytrace_mono.verify.verifier import Verdict, verify_backward, verify_forward

__all__ = [
    "LiteralCall",
    "Reason",
    "Verdict",
    "literal",
    "literal_call",
    "same_value",
    "verify_backward",
    "verify_forward",
]
