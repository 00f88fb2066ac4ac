"""An oracle for the recorder: looks at every visible variable at every event, and remembers texts only.

It shares with the recorder how a value is written (:class:`Snapshotter`) and nothing else: no copies,
no caches, no looking at what a line could have changed. It must be slow and easy to believe.

The contract that :func:`differences` checks, step by step:

* kind, line, function, frame, depth, ``deleted`` and ``value`` are the same;
* a variable is in ``changes`` where it is new, or where its text within the limits is another, and
  its text there is what the oracle wrote (**shown**);
* it is also in ``changes``, and in ``changed_beyond_preview``, where its text within the limits is
  the same but its text without any limits is another (**hidden**);
* nothing else is in ``changes``, but for a variable whose text is not exact and that has other
  objects in it, all of which look the same even without limits (**alike**). Whether such a one is
  told is left open.

Visible are: the local, cell and free variables of a function; the names in the body of a module or
class; and the globals that the code names, where it writes them or where they are data.

A program is run twice in this process, so it must do the same twice, must not look at its own
finalizers, and must not reach the recursion limit.
"""

from __future__ import annotations

import contextlib
import dis
import gc
import inspect
import io
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from recorded import record_source, run

from pytrace_mono.tracer import classes
from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.scope import PROGRAM_FILE
from pytrace_mono.tracer.snapshot import Snapshotter

_BY_INTERPRETER = frozenset(
    "__module__ __qualname__ __firstlineno__ __static_attributes__ __classdict__ __classcell__"
    " __annotations__ __annotate__ __conditional_annotations__ __builtins__".split()
)
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_LOOPS = {"FOR_ITER", "SEND", "YIELD_FROM", "END_ASYNC_FOR", "CLEANUP_THROW", "END_SEND"}
_ROOM = 20_000
_WRAPPER = "async_generator_wrapped_value"


class Unlimited:
    """In place of :class:`Limits`: everything of a value is written (500 levels deep)."""

    max_chars = max_items = max_int_bits = 10**9
    max_depth = 500


@dataclass
class OracleStep:
    """What one Step must say."""

    kind: str
    line: int
    function: str
    frame: int
    depth: int
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    hidden: dict[str, dict[str, Any]] = field(default_factory=dict)
    alike: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    value: dict[str, Any] | None = None

    @property
    def place(self) -> tuple[str, int, str, int, int]:
        return self.kind, self.line, self.function, self.frame, self.depth


@dataclass
class Look:
    """A variable as it was seen: its text within the limits and without, and what it consists of."""

    snapshot: dict[str, Any]
    whole: tuple[str, str]
    parts: list[Any]


class Full(Exception):
    """One step more than ``max_steps``: what the last one changed has been looked at by then."""


class Oracle:
    """Records the frames of one file between :meth:`start` and :meth:`stop`, up to ``max_steps``."""

    def __init__(self, limits: Limits, file: str = PROGRAM_FILE) -> None:
        self.steps: list[OracleStep] = []
        self.frames = 0
        self._max_steps = limits.max_steps
        self.full = False
        self._file = file
        self.layouts = classes.Layouts()
        self.within = Snapshotter(limits)
        self.without = Snapshotter(Unlimited())  # type: ignore[arg-type]

    def start(self) -> None:
        sys.settrace(self._on_call)

    def stop(self) -> None:
        sys.settrace(None)

    def _on_call(self, frame: FrameType, event: str, arg: object) -> Any:
        if frame.f_code.co_filename != self._file or self.full:
            return None
        known = _watcher_of(frame)
        watcher = known or Watcher(self, frame)
        try:
            with_room(watcher.resumed if known else watcher.called, frame)
        except Full:
            return None
        return watcher.trace

    def step(self, kind: str, line: int, watcher: Watcher, frame: FrameType) -> OracleStep:
        depth = 0
        outer = frame.f_back
        while outer is not None:
            depth += _watcher_of(outer) is not None
            outer = outer.f_back
        if len(self.steps) >= self._max_steps:
            self.full = True
            raise Full
        step = OracleStep(kind, line, watcher.function, watcher.number, depth)
        self.steps.append(step)
        return step


class Watcher:
    """Follows one frame; lives in its ``f_trace``."""

    def __init__(self, oracle: Oracle, frame: FrameType) -> None:
        self.oracle = oracle
        code = frame.f_code
        self.function = getattr(code, "co_qualname", code.co_name)
        self.number = oracle.frames
        oracle.frames += 1
        self.owner = OracleStep("call", code.co_firstlineno, self.function, self.number, 0)
        self.seen: dict[str, Look] = {}
        self.suspended = self.raising = False
        # Asking for the locals of a running module's body again disturbs comprehensions in 3.12.
        optimized = code.co_flags & inspect.CO_OPTIMIZED
        self.namespace = None if optimized else frame.f_locals

    def called(self, frame: FrameType) -> None:
        self.settle(frame)
        count = frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount
        for flag in (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS):
            count += bool(frame.f_code.co_flags & flag)
        arguments = frame.f_code.co_varnames[:count]
        shown = {name: look.snapshot for name, look in self.seen.items() if name in arguments}
        self.owner = self.oracle.step("call", self.line(frame), self, frame)
        self.owner.shown = shown

    def resumed(self, frame: FrameType) -> None:
        line = self.line(frame)
        self.owner = OracleStep("", line, "", 0, 0)  # nobody's: others did it meanwhile
        self.settle(frame)
        self.owner = self.oracle.step("resume", line, self, frame)
        self.suspended = self.raising = False

    def line(self, frame: FrameType) -> int:
        return frame.f_lineno or self.owner.line

    def trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        if self.oracle.full:
            return None
        try:
            with_room(self.on_event, frame, event, arg)
        except Full:
            return None
        return self.trace

    def on_event(self, frame: FrameType, event: str, arg: Any) -> None:
        if self.suspended:
            self.resumed(frame)  # until 3.11, throw() and close() enter a frame without a call
        self.settle(frame)
        within = self.oracle.within
        if event == "line":
            self.raising = False
            self.owner = self.oracle.step("line", self.line(frame), self, frame)
        elif event == "exception":
            is_stop = issubclass(arg[0], (StopIteration, StopAsyncIteration))
            if is_stop and _instructions(frame.f_code).get(frame.f_lasti) in _LOOPS:
                return  # how a loop or an await ends
            self.raising = True
            step = self.oracle.step("exception", self.line(frame), self, frame)
            step.value = within.raised(arg[0], arg[1])
        elif event == "return":
            kind = self.leaving(frame, arg)
            self.suspended = kind in ("yield", "await")
            step = self.oracle.step(kind, self.line(frame), self, frame)
            if type(arg).__name__ == _WRAPPER:
                arg = gc.get_referents(arg)[0]
            if kind in ("return", "yield"):
                step.value = within.take(arg)

    def leaving(self, frame: FrameType, arg: Any) -> str:
        names = _instructions(frame.f_code)
        here, after = names.get(frame.f_lasti, ""), names.get(frame.f_lasti + 2)
        if here in ("RETURN_VALUE", "RETURN_CONST"):
            return "return"
        flags = frame.f_code.co_flags
        paused = "YIELD" in here or here == "RESUME" or after == "YIELD_FROM"
        if self.raising or not paused or not flags & _GENERATORS:
            return "unwind"
        if flags & inspect.CO_COROUTINE:
            return "await"
        wrapped = type(arg).__name__ == _WRAPPER
        return "await" if flags & inspect.CO_ASYNC_GENERATOR and not wrapped else "yield"

    def settle(self, frame: FrameType) -> None:
        """Write down what is different from the last look as the doing of ``self.owner``."""
        visible = dict(self.visible(frame))
        owner = self.owner
        for name, value in visible.items():
            whole = self.oracle.without.take(value)
            snapshot = self.oracle.within.take(value)
            made_of = [] if snapshot["exact"] else parts(self.oracle.layouts, value, set())
            look = Look(snapshot, (whole["text"], whole["type"]), made_of)
            before = self.seen.get(name)
            self.seen[name] = look
            for kind in (owner.shown, owner.hidden, owner.alike):
                if name in kind:
                    kind[name] = look.snapshot
            if before is None or before.snapshot != look.snapshot:
                told = owner.shown
            elif before.whole != look.whole:
                told = owner.hidden
            elif not look.snapshot["exact"] and not same(before.parts, look.parts):
                told = owner.alike
            else:
                continue
            if name not in owner.shown and (told is not owner.alike or name not in owner.hidden):
                owner.hidden.pop(name, None)
                owner.alike.pop(name, None)
                told[name] = look.snapshot
            if name in owner.deleted:
                owner.deleted.remove(name)
        for name in [name for name in self.seen if name not in visible]:
            del self.seen[name]
            owner.deleted.append(name)
            for kind in (owner.shown, owner.hidden, owner.alike):
                kind.pop(name, None)

    def visible(self, frame: FrameType) -> Iterator[tuple[str, Any]]:
        code = frame.f_code
        if self.namespace is None:
            names = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
            yield from (
                (n, v) for n, v in frame.f_locals.items() if n in names and n.isidentifier()
            )
        else:
            for name, value in list(self.namespace.items()):
                if type(name) is str and name not in _BY_INTERPRETER and name.isidentifier():
                    yield name, value
            if self.namespace is frame.f_globals:
                return
        for name, written in _globals_of(code).items():
            if name in frame.f_globals:
                value = frame.f_globals[name]
                if written or name in self.seen or not _is_vocabulary(value):
                    yield name, value


def with_room(function: Any, *args: Any) -> None:
    """Call with room on the stack, and for ints of any size, as the rendering without limits needs."""
    depth, digits = sys.getrecursionlimit(), sys.get_int_max_str_digits()
    sys.setrecursionlimit(depth + _ROOM)
    sys.set_int_max_str_digits(0)
    try:
        function(*args)
    finally:
        sys.set_int_max_str_digits(digits)
        sys.setrecursionlimit(depth)


class Other(NamedTuple):
    """An object that is not held: that would keep a generator from being closed when it is dropped."""

    number: int


def parts(layouts: classes.Layouts, value: Any, met: set[int]) -> list[Any]:
    """The objects that a value is made of, itself first, in order; one that was ``met`` is left out."""
    kind = type(value)
    if kind in (int, str, float, bytes, complex, range, bool, type(None)):
        return [value]
    if _is_vocabulary(value):
        return [Other(id(value))]  # all that a module holds is no part of it
    if id(value) in met:
        return []
    met.add(id(value))
    is_plain = kind in (list, tuple, set, frozenset, dict)
    if is_plain:
        inner = [*value, *value.values()] if kind is dict else list(value)
    else:
        inner = [attribute for _, attribute in layouts.attributes(value, 10**9)[0]]
    found = [part for item in inner for part in parts(layouts, item, met)]
    is_held = is_plain and not any(type(part) is Other for part in found)
    return [value if is_held else Other(id(value)), *found]


def same(before: list[Any], now: list[Any]) -> bool:
    return len(before) == len(now) and all(
        a is b or (type(a) is type(b) is Other and a == b) for a, b in zip(before, now, strict=True)
    )


def _watcher_of(frame: FrameType) -> Watcher | None:
    watcher = getattr(frame.f_trace, "__self__", None)
    return watcher if type(frame.f_trace) is MethodType and type(watcher) is Watcher else None


def _is_vocabulary(value: object) -> bool:
    kinds = (FunctionType, BuiltinFunctionType, ModuleType)
    return type(value) in kinds or issubclass(type(value), type)


@cache
def _instructions(code: CodeType) -> dict[int, str]:
    return {i.offset: i.opname for i in dis.get_instructions(code)}


@cache
def _globals_of(code: CodeType) -> dict[str, bool]:
    """The globals that the code names, and: does it write them."""
    found: dict[str, bool] = {}
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL"):
            name = str(instruction.argval)
            found[name] = found.get(name, False) or instruction.opname != "LOAD_GLOBAL"
    return found


def look_at(source: str, call: str | None, limits: Limits) -> list[OracleStep]:
    oracle = Oracle(limits)
    random.seed(0)
    run(source, call, oracle.start, oracle.stop)
    return oracle.steps


def differences(source: str, call: str | None = None, limits: Limits | None = None) -> list[str]:
    """Where the recorder and the oracle disagree about a program; empty where all is well."""
    limits = limits or Limits()
    # Generators left over from another program would be closed, and recorded, in the middle of this.
    gc.collect()
    gc.disable()
    try:
        random.seed(0)
        recorded = record_source(source, call, limits)
        expected = look_at(source, call, limits)
    finally:
        gc.enable()
    found: list[str] = []
    if recorded.status["state"] != "complete" and len(recorded.rows) < limits.max_steps:
        found.append(f"the recording is {recorded.status}")
    for index, (row, step) in enumerate(zip(recorded.rows, expected, strict=False)):
        told = _told(row, step)
        found.extend(f"step {index} {step.place}: {text}" for text in told)
        if told and told[0].startswith("place"):
            break  # all that follows differs too
    if len(recorded.rows) != len(expected):
        found.append(f"{len(recorded.rows)} steps, and the oracle has {len(expected)}")
    return found


def _told(row: dict[str, Any], step: OracleStep) -> list[str]:
    place = (row["kind"], row["line"], row["function"], row["frame"], row["depth"])
    if sys.version_info < (3, 11):  # code objects have no qualified name yet
        place = (*place[:2], place[2].rpartition(".")[2], *place[3:])
    if place != step.place:
        return [f"place is {place}"]
    found = []
    if row.get("value") != step.value:
        found.append(f"value is {row.get('value')}, not {step.value}")
    if sorted(row["deleted"]) != sorted(step.deleted):
        found.append(f"deleted is {row['deleted']}, not {step.deleted}")
    changes = row["changes"]
    expected = {**step.alike, **step.hidden, **step.shown}
    for name, snapshot in changes.items():
        if name not in expected:
            found.append(f"{name} = {snapshot['text'][:80]} is told and did not change")
        elif snapshot != expected[name]:
            found.append(f"{name} is told as {snapshot}, not {expected[name]}")
    for name in [*step.shown, *step.hidden]:
        if name not in changes:
            how = "shown" if name in step.shown else "hidden"
            found.append(f"{name} = {expected[name]['text'][:80]} is not told ({how})")
    beyond = set(row.get("changed_beyond_preview", ()))
    if not set(step.hidden) <= beyond <= {*step.hidden, *step.alike}:
        found.append(f"changed_beyond_preview is {beyond}, not {set(step.hidden)}")
    return found


def main() -> None:
    """For other interpreters: JSON of (source, call, limits by name) in, and of differences out."""
    asked = json.load(sys.stdin)
    with contextlib.redirect_stdout(io.StringIO()):  # what the programs print
        told = [differences(source, call, Limits(**limits)) for source, call, limits in asked]
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
