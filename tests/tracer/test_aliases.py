"""Which places hold the same object: against a walk through all that is visible, at every event."""

from __future__ import annotations

import itertools
import json
import textwrap
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytrace_mono.errors import TraceFormatError
from pytrace_mono.tracer import Limits, Sandbox, Trace, record
from pytrace_mono.tracer import aliases as aliases_module
from pytrace_mono.tracer import recorder as recorder_module
from pytrace_mono.tracer.labels import labels_at
from pytrace_mono.tracer.recorder import Recorder
from pytrace_mono.tracer.scope import PROGRAM_FILE, Scope

PRELUDE = """
class P:
    def __init__(self, tag):
        self.tag = tag
class S:
    __slots__ = ("tag", "held")
    def __init__(self, tag):
        self.tag = tag
def give(p, q):
    return p if len(p) > len(q) else q
def same(p):
    return p
def fresh(p):
    r = [T(), p]
    return r
def nest(p, q):
    r = give(p, q)
    r.append(q)
    p = [T()]
    return [T(), p, r]
def swap():
    global a, b
    a, b = b, a
def drop(p):
    global c
    del p[1:]; c = [T()]
def gen(p):
    yield p
    r = [T()]
    yield r
def shares(p):
    kept = p
    def inner(q):
        nonlocal kept
        kept = q
        return kept
    inner([T()]); return inner(p)
"""
START = """
a = [T()]
b = [T()]
c = [T(), a]
d = e = {"tag": T()}
o, s = P(T()), S(T())
"""
STATEMENTS = """
{x} = {y}
{x} = [T()]
{x} = {y} = [T()]
{x} = {y} = None; {x} = {y} = [T()]
{x} = {y} = None; {x} = [T()]; {y} = [T()]
d = e = {{"tag": T()}}
d = e = None; d = e = {{"tag": T()}}
d = e = None; d = same({{"tag": T()}})
{x} = {y} = None; {x} = same([T()]); {y} = {x}
{x}, {y} = {y}, {x}
{x}.append({y})
{x}[1:] = [{y}, {y}]
{x}[1:] = [[T()]] * 2
{x}[1:] = (), ({y}, [T()])
del {x}[1:]; {x}[1:] = [[T()]] * 2
del {x}[1:]
{x} = {y}[1] if len({y}) > 1 and type({y}[1]) is list else {y}
{x} = list({y})
d["k"] = {x}
d["k"] = d
d.pop("k", None)
o.held = {x}
o.held = o
o = P(T()); o.held = {x}
s.held = {x}
s = S(T())
{x} = give({x}, {y})
{x} = fresh({y})
{x} = nest({y}, {x})
swap()
drop({x})
for {x} in gen({y}): pass
{x} = shares({y})
[{y} for _ in range(2)]
len(str(len({x}))), {y}[:1]
"""
NAMES = st.sampled_from("abc")
STATEMENT = st.builds(
    lambda text, x, y: text.format(x=x, y=y),
    st.sampled_from(STATEMENTS.strip().splitlines()),
    NAMES,
    NAMES,
)
BODY = st.lists(STATEMENT, min_size=1, max_size=12).map("\n".join)


def as_function(body: str) -> str:
    """The same statements on local variables; what the functions do to globals is then another's."""
    inner = textwrap.indent(START + body + "\nreturn a", "    ")
    return f"{PRELUDE}{START}def f():\n{inner}\nf()\n"


def as_module(body: str) -> str:
    return f"{PRELUDE}{START}{body}\n"


def tag_of(value: Any) -> int:
    if type(value) is list:
        return int(value[0])
    return int(value["tag"] if type(value) is dict else value.tag)


def slots(value: Any) -> list[tuple[str, Any]]:
    if type(value) in (list, tuple):
        return [(f"[{i}]", part) for i, part in enumerate(value)]
    if type(value) is dict:
        return [(f"[{key!r}]", part) for key, part in value.items()]
    names = ("tag", "held") if type(value).__name__ == "S" else ()
    if type(value).__name__ == "P":
        names = tuple(vars(value))
    return [(f".{name}", getattr(value, name)) for name in names if hasattr(value, name)]


def is_watched(value: Any) -> bool:
    return type(value) in (list, dict) or type(value).__name__ in ("P", "S")


def places_of(frame: FrameType) -> Iterator[tuple[Any, str, Any]]:
    """Each place of a frame as (what tells it apart, how it is written, what it holds)."""
    code, queue = frame.f_code, []
    entered: set[int] = set()
    if frame.f_locals is frame.f_globals or code.co_name == "<module>":
        visible = [(("global", n), n, v) for n, v in list(frame.f_globals.items())]
    else:
        shared = {*code.co_cellvars, *code.co_freevars}
        held = frame.f_locals
        names = dict.fromkeys([*code.co_varnames, *code.co_cellvars, *code.co_freevars])
        visible = [
            (("cell", n) if n in shared else (frame, n), n, held[n]) for n in names if n in held
        ]
        named = {n: frame.f_globals[n] for n in code.co_names if n in frame.f_globals}
        visible += [(("global", n), n, v) for n, v in named.items() if n not in held]
    queue = [(key, path, value) for key, path, value in visible if path[0] not in "_."]
    while queue:
        key, path, value = queue.pop(0)
        if is_watched(value):
            yield key, path, value
        elif type(value) is not tuple:
            continue
        if id(value) not in entered:
            entered.add(id(value))
            queue += [((id(value), slot), path + slot, part) for slot, part in slots(value)]


class Checked(aliases_module.Aliases):
    """Compares what was told with what is so, each time it has looked."""

    looks = 0

    def look(self, state: Any, frame: FrameType, *args: Any, **more: Any) -> None:
        super().look(state, frame, *args, **more)
        Checked.looks += 1
        told: dict[str, int] = {}
        for _, number, path, label in self.entries:
            if number == state.number:
                told[path] = label
        told = {path: label for path, label in told.items() if label is not None}
        own = list(places_of(frame))
        everywhere: dict[int, set[Any]] = {}
        caller: FrameType | None = frame
        while caller is not None:
            if caller.f_code.co_filename == PROGRAM_FILE:
                for key, _, value in places_of(caller):
                    everywhere.setdefault(id(value), set()).add(key)
            caller = caller.f_back
        expected = {path: value for _, path, value in own if len(everywhere[id(value)]) > 1}
        where = (frame.f_code.co_name, frame.f_lineno)
        assert told.keys() == expected.keys(), (where, told, expected)
        for path, label in told.items():
            tag = tag_of(expected[path])
            assert self.meaning.setdefault(label, tag) == tag, (where, path, label)
        ids = {id(value): told[path] for path, value in expected.items()}
        assert all(told[path] == ids[id(value)] for path, value in expected.items()), where

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.meaning: dict[int, int] = {}


def check(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "Aliases", Checked)
    recorder = Recorder(Limits(), Scope.of_files(PROGRAM_FILE), aliases=True)
    faults: list[Exception] = []
    # A defect would end the recording.
    monkeypatch.setattr(Recorder, "failed", lambda self, error: faults.append(error))
    namespace = {"__name__": "program", "T": itertools.count().__next__}
    code = compile(source, PROGRAM_FILE, "exec", dont_inherit=True)
    before = Checked.looks
    recorder.start()
    try:
        exec(code, namespace)  # noqa: S102
    finally:
        status = recorder.stop()
    assert not faults, faults
    assert status == {"state": "complete"} and Checked.looks > before + 5


@settings(max_examples=120, deadline=None)
@given(BODY)
def test_labels_are_those_of_a_walk_through_everything_in_a_module(body: str) -> None:
    """At each event: the same groups; and over time no label is given to a second object."""
    with pytest.MonkeyPatch.context() as patch:
        check(as_module(body), patch)


@settings(max_examples=120, deadline=None)
@given(BODY)
def test_labels_are_those_of_a_walk_through_everything_in_a_function(body: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        check(as_function(body), patch)


def test_an_address_that_is_used_again_has_a_label_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one line the object dies and another takes its address and all its places."""
    line = 'a = b = None; a = b = {"tag": T()}; same = id(a) == before'
    source = f'a = b = {{"tag": T()}}\nbefore = id(a)\n{line}\n'
    monkeypatch.setattr(recorder_module, "Aliases", Checked)
    recorder = Recorder(Limits(), Scope.of_files(PROGRAM_FILE), aliases=True)
    faults: list[Exception] = []
    monkeypatch.setattr(Recorder, "failed", lambda self, error: faults.append(error))
    namespace: dict[str, Any] = {"T": itertools.count().__next__}
    recorder.start()
    try:
        exec(compile(source, PROGRAM_FILE, "exec", dont_inherit=True), namespace)  # noqa: S102
    finally:
        recorder.stop()
    assert namespace["same"] and not faults
    labels = {(path, label) for _, _, path, label in recorder.aliases.entries}  # type: ignore[union-attr]
    assert labels == {("a", 1), ("b", 1), ("a", 2), ("b", 2)}


def test_labels_join_frames_and_lead_back_from_a_call() -> None:
    """A caller's variable and its callee's argument, an element and an attribute; and who lost it."""
    source = textwrap.dedent(
        """\
        class Node:
            def __init__(self, next):
                self.next = next
        def add(items, item):
            items.append(item)
            return items
        def f():
            a = []
            b = a
            n = Node(a)
            add(b, n)
            del b
            a = None
            return n
        """
    )
    with Sandbox(isolation="guard", workers=1, aliases=True) as box:
        trace = box.trace(source, "f()")
    assert trace.complete
    at = {(s.kind, s.line): labels_at(trace, i) for i, s in enumerate(trace.steps)}
    f = next(s.frame for s in trace.steps if s.function == "f")
    add = next(s.frame for s in trace.steps if s.function == "add")
    assert at["line", 8] == {f: {}}
    assert at["line", 9] == {f: {"a": 1, "b": 1}}
    assert at["line", 10] == {f: {"a": 1, "b": 1, "n.next": 1}}
    inside = at["line", 5]
    assert inside is not None
    assert inside[add] == {"items": 1, "item": 2, "items[0]": 2, "item.next": 1}
    assert inside[f] == {"a": 1, "b": 1, "n.next": 1, "n": 2}
    assert at["line", 11] == {f: {"a": 1, "b": 1, "a[0]": 2, "n": 2, "n.next": 1}}
    assert at["line", 12] == {f: {"a": 1, "a[0]": 2, "n": 2, "n.next": 1}}
    assert at["line", 13] == {f: {"n": 2, "n.next[0]": 2}}


def test_nobody_who_did_not_ask_gets_labels() -> None:
    with Sandbox(isolation="guard", workers=1) as box:
        assert box.trace("a = b = []\n").aliases is None
    with record() as recording:
        pass
    assert recording.trace.aliases is None


def test_a_live_block_tells_labels() -> None:
    with record(aliases=True) as recording:
        row = [0, 0]
        grid = [row, row]
        del row
    trace = recording.trace
    assert grid and trace.complete and Trace.from_json(trace.to_json()) == trace
    assert trace.aliases is not None
    mine = {"row", "grid[0]", "grid[1]"}
    told = [(a.place, a.label is None) for a in trace.aliases if a.place in mine]
    assert set(told) >= {("row", False), ("grid[0]", False), ("grid[1]", False), ("row", True)}


def test_too_many_changes_of_labels_are_told() -> None:
    source = "a = [[0]] * 200\nb = [[0]] * 200\nfor i in range(9):\n    a, b = [[0]] * 200, a\n"
    with Sandbox(Limits(max_steps=60), isolation="guard", workers=1, aliases=True) as box:
        trace = box.trace(source)
    assert trace.outcome.kind == "returned" and trace.steps[-1].kind == "return"
    assert trace.aliases is not None and len(trace.aliases) == 8 * 60
    assert (trace.status.state, trace.status.reason) == (
        "truncated",
        "more than 480 changes of labels",
    )


@pytest.mark.parametrize(
    "aliases",
    [
        [[0, 0, "a"]],
        [[0, 0, 1, 1]],
        [[9, 0, "a", 1]],
        [[0, 0, "a", "1"]],
        [[1, 0, "a", 1], [0, 0, "b", 1]],
        [[0, True, "a", 1]],
        "x",
    ],
)
def test_aliases_that_cannot_be_are_refused(aliases: object) -> None:
    with Sandbox(isolation="guard", workers=1, aliases=True) as box:
        row = json.loads(box.trace("a = b = []\n").to_json())
    Trace.from_json(json.dumps(row))
    row["aliases"] = aliases
    with pytest.raises(TraceFormatError):
        Trace.from_json(json.dumps(row))
