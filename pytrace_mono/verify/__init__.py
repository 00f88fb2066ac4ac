"""Check what a teacher or a model says against what the program does.

A monologue is read into Claims (:mod:`~pytrace_mono.verify.claims`), each Claim is held against the
recording (:mod:`~pytrace_mono.verify.findings`), and the whole is kept or dropped for a
:class:`Reason`.
"""

from __future__ import annotations

from pytrace_mono.verify.checking import Evidence, check
from pytrace_mono.verify.claims import Claim, Place, Reading, Unread
from pytrace_mono.verify.findings import Checked, Finding, Scores
from pytrace_mono.verify.literals import LiteralCall, literal, literal_call, same_value
from pytrace_mono.verify.policy import Policy, judge
from pytrace_mono.verify.reasons import Reason
from pytrace_mono.verify.verifier import Verdict, verify_backward, verify_forward

__all__ = [
    "Checked",
    "Claim",
    "Evidence",
    "Finding",
    "LiteralCall",
    "Place",
    "Policy",
    "Reading",
    "Reason",
    "Scores",
    "Unread",
    "Verdict",
    "check",
    "judge",
    "literal",
    "literal_call",
    "same_value",
    "verify_backward",
    "verify_forward",
]
