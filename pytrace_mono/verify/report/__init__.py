"""The audit as a page: each monologue beside its program and recording, its claims by colour."""

from __future__ import annotations

import base64
import hashlib
import json
import string
from collections.abc import Sequence
from importlib import resources
from typing import Any

from pytrace_mono.tracer.types import Step
from pytrace_mono.verify.audit import Audited, Report

MOST_ROWS = 200
"""Monologues in one page; those that fail come first."""
_MOST_STEPS = 400


def html(report: Report, audited: Sequence[Audited]) -> str:
    """The page as the text of one HTML file, which loads nothing.

    Args:
        report: the counts.
        audited: the monologues to show; at most :data:`MOST_ROWS`, failing ones first.
    """
    folder = resources.files(__package__)
    parts = {n: folder.joinpath(f"page.{n}").read_text("utf-8") for n in ("html", "css", "js")}
    ordered = sorted(audited, key=lambda one: one.verdict.kept)[:MOST_ROWS]
    data = json.dumps({"report": report.to_dict(), "rows": [_row(one) for one in ordered]})
    return string.Template(parts["html"]).substitute(
        style=parts["css"],
        style_hash=_hash(parts["css"]),
        script=parts["js"],
        script_hash=_hash(parts["js"]),
        data=data.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"),
    )


def _row(one: Audited) -> dict[str, Any]:
    findings = one.checked.findings if one.checked is not None else ()
    unread = one.checked.reading.unread if one.checked is not None else ()
    return {
        "id": one.row.id,
        "direction": one.row.direction,
        "program": one.row.program,
        "call": one.trace.call if one.trace is not None else one.row.left,
        "kept": one.verdict.kept,
        "reason": str(one.verdict.reason or ""),
        "detail": one.verdict.detail,
        "text": one.monologue or one.row.response,
        "claims": [
            {
                "start": f.claim.start,
                "end": f.claim.end,
                "kind": f.claim.kind,
                "restated": getattr(f.claim.statement, "form", None),
                "status": f.status,
                "fact": f.fact,
                "step": f.step,
                "line": f.claim.place.line,
            }
            for f in findings
        ],
        "unread": [[u.start, u.end] for u in unread],
        "steps": [_step(step) for step in one.trace.steps[:_MOST_STEPS]] if one.trace else [],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind,
        "line": step.line,
        "function": step.function,
        "changes": {name: value.text[:300] for name, value in step.changes.items()},
        "value": step.value.text[:300] if step.value is not None else None,
    }


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
