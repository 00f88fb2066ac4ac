"""One JSON row as a Problem; the forms are those of ``docs/problems.md``.

::

    {"id", "code", "entry_point", "calls": ["f(1)", {"call", "setup"?, "expected"?}, ...]}
    {"code", "call", "setup"?, "expected"?}
    {"code", "input", "output", "id"}         CRUXEval: the call is f(<input>)

``description`` (or ``text``) is optional in each. Fields we don't know are carried along.
"""

from __future__ import annotations

import json
import math
from typing import Any

from pytrace_mono.records import Call, Problem, stable_id
from pytrace_mono.verify.reasons import Reason


class RowError(ValueError):
    """A row is not a Problem; ``reason`` is the code under which it is counted."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def id_of(row: Any) -> str | None:
    """The row's own id, where it has one."""
    value = row.get("id") if isinstance(row, dict) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value else None


def problem_of(row: Any) -> Problem:
    """Read a row that ``json.loads`` returned.

    Raises:
        RowError: it is not a Problem in one of the forms.
        pydantic.ValidationError: a field has a wrong type.
    """
    if not isinstance(row, dict):
        raise RowError(Reason.BAD_ROW, f"a row must be a JSON object, not {_shown(row)}")
    code = row.get("code")
    if code is None or (isinstance(code, str) and not code.strip()):
        raise RowError(Reason.NO_CODE, "the row has no code")
    if not isinstance(code, str):
        raise RowError(Reason.BAD_ROW, f"code must be text, not {_shown(code)}")
    own_id = row.get("id")
    if own_id is not None and id_of(row) is None:
        raise RowError(Reason.BAD_ROW, f"id must be text or a whole number, not {_shown(own_id)}")
    entry_point = row.get("entry_point")
    if entry_point is not None and not _is_dotted_name(entry_point):
        raise RowError(Reason.BAD_ROW, f"entry_point must be a name, not {_shown(entry_point)}")
    calls, used = _calls(row, entry_point)
    description = row.get("description") or row.get("text") or None
    if description is not None and not isinstance(description, str):
        raise RowError(Reason.BAD_ROW, f"description must be text, not {_shown(description)}")
    used |= {"id", "code", "entry_point", "calls", "description"}
    others = {key: value for key, value in row.items() if key not in used}
    known = {
        "id": id_of(row) or stable_id(code, *((call.call, call.setup) for call in calls)),
        "code": code,
        "entry_point": entry_point or ("f" if "input" in used else None),
        "calls": calls,
        "description": description,
    }
    problem = Problem.model_validate({**others, **known})
    try:
        problem.model_dump_json().encode()
    except ValueError:  # json.loads lets the escape \ud800 through; no file can hold it
        raise RowError(Reason.BAD_ROW, "the row holds a lone surrogate, not text") from None
    return problem


def syntax_message(error: BaseException) -> str:
    """``not Python: line 3: '(' was never closed``."""
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno}: " if error.lineno else ""
        return f"not Python: {where}{error.msg}"
    return f"not Python: {error or type(error).__name__}"


def _calls(row: dict[str, Any], entry_point: str | None) -> tuple[tuple[Call, ...], set[str]]:
    """The stated Calls, and the names of the fields that were read for them."""
    calls = row.get("calls")
    if calls is not None:
        if not isinstance(calls, list):
            raise RowError(Reason.BAD_ROW, f"calls must be a list, not {_shown(calls)}")
        if not calls:
            raise RowError(Reason.NO_CALLS, "calls is empty")
        return tuple(_call(call, f"calls[{i}]") for i, call in enumerate(calls)), {"calls"}
    if row.get("call") is not None:
        used = {"call", "setup", "expected"}
        return (_call({key: row[key] for key in row if key in used}, "the row"),), used
    if "input" in row:
        if not isinstance(row["input"], str):
            raise RowError(Reason.BAD_ROW, f"input must be text, not {_shown(row['input'])}")
        stated = {"call": f"{entry_point or 'f'}({row['input']})", "expected": row.get("output")}
        return (_call(stated, "the row"),), {"input", "output"}
    raise RowError(Reason.NO_CALLS, "the row states no calls (no calls, call or input)")


def _call(stated: Any, where: str) -> Call:
    if isinstance(stated, str):
        stated = {"call": stated}
    if not isinstance(stated, dict):
        raise RowError(Reason.BAD_ROW, f"{where} must be text or an object, not {_shown(stated)}")
    text = stated.get("call")
    if not isinstance(text, str) or not text.strip():
        raise RowError(Reason.BAD_ROW, f"{where}: call must be an expression, not {_shown(text)}")
    setup = stated.get("setup")
    if setup is not None and not isinstance(setup, str):
        raise RowError(Reason.BAD_ROW, f"{where}: setup must be text, not {_shown(setup)}")
    known = {"call": text, "setup": setup or "", "expected": _expected(stated.get("expected"))}
    return Call.model_validate({**stated, **known})


def _expected(value: Any) -> str | None:
    """Text is taken as a Python literal; any other JSON value stands for itself; null is absent."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return None  # nan and infinity have no literal
    return repr(value)


def _is_dotted_name(value: Any) -> bool:
    return isinstance(value, str) and all(part.isidentifier() for part in value.split("."))


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
