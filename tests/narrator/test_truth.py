"""What the Narrator says is held, claim by claim, against the recording it was told from.

Nothing of the Narrator is used for the checking: its text is read back with the patterns below, the
recording is taken apart anew (visits of lines, passes of loops, branches taken), and each claim must
fit some visit of the line that it names. Going forward, the claims must fit in the order in which they
are told.
"""

from __future__ import annotations

import ast
import builtins
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytrace_mono import tasks
from pytrace_mono.records import Problem
from pytrace_mono.synth import Completion, Narrator, Prompt, synthesize
from pytrace_mono.tracer import Snapshot, Trace

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "examples" / "programs"
MORE = ROOT.parent / "shared" / "data"
SAMPLE = 150

# ------------------------------------------------------------------------------- the program


Loop = ast.For | ast.AsyncFor | ast.While
Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, Loop, ast.With, ast.AsyncWith, ast.Try, ast.Match, Function, ast.ClassDef)
INNER_FRAMES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


class Program:
    """Statements by line, what holds them, and functions by the line they are entered at."""

    def __init__(self, source: str) -> None:
        self.at: dict[int, tuple[ast.stmt, int]] = {}
        self.parent: dict[ast.AST, ast.AST] = {}
        self.functions: dict[int, Function] = {}
        self.bound: set[str] = set()
        tree = ast.parse(source)
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self.parent[child] = node
            self._bind(node)
        for node in ast.walk(tree):  # outer ones first: `if x: y` on one line is the `if`
            if isinstance(node, ast.stmt):
                self._place(node)

    def _bind(self, node: ast.AST) -> None:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self.bound.add(node.id)
        elif isinstance(node, (Function, ast.ClassDef)):
            self.bound.add(node.name)
        elif isinstance(node, ast.arg):
            self.bound.add(node.arg)

    def _place(self, node: ast.stmt) -> None:
        first, last = node.lineno, node.end_lineno or node.lineno
        if isinstance(node, BLOCKS):
            last = node.lineno
            if isinstance(node, ast.Match):
                last = node.subject.end_lineno or last
            else:
                last = max(last, min(part.lineno for part in node.body) - 1)
            decorators = getattr(node, "decorator_list", [])
            first = min([first, *(decorator.lineno for decorator in decorators)])
        for line in range(first, last + 1):
            self.at.setdefault(line, (node, node.lineno))
        if isinstance(node, Function):
            self.functions.update(dict.fromkeys(range(first, node.lineno + 1), node))
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            line = part.lineno if isinstance(part, ast.ExceptHandler) else part.pattern.lineno
            for inner in range(line, max(line + 1, part.body[0].lineno)):
                self.at[inner] = (node, line)

    def contains(self, outer: ast.AST, inner: ast.AST | None) -> bool:
        while inner is not None and inner is not outer:
            inner = self.parent.get(inner)
        return inner is outer

    def in_body(self, statement: ast.stmt | None, block: Sequence[ast.stmt]) -> bool:
        return statement is not None and any(self.contains(part, statement) for part in block)

    def loops(self, statement: ast.stmt) -> list[Loop]:
        """The loops whose header or body a statement is part of, outermost first."""
        found: list[Loop] = []
        inner: ast.AST = statement
        node: ast.AST | None = statement
        while node is not None:
            if isinstance(node, Loop) and (node is statement or inner in node.body):
                found.append(node)
            if isinstance(node, (Function, ast.ClassDef)) and node is not statement:
                break
            inner, node = node, self.parent.get(node)
        return found[::-1]

    def merges(self, statement: ast.stmt) -> bool:
        """Whether steps that follow each other are one execution of the statement."""
        if isinstance(statement, (ast.Try, ast.Match)):
            return False
        if isinstance(statement, BLOCKS):
            header = [line for line, (held, _) in self.at.items() if held is statement]
            return len(header) > 1
        several = (statement.end_lineno or 0) > statement.lineno
        return several or any(isinstance(node, INNER_FRAMES) for node in ast.walk(statement))


@cache
def own_names(function: Function) -> frozenset[str]:
    """Names of a function's own variables."""
    found = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
    elsewhere: set[str] = set()
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        if isinstance(node, (Function, ast.ClassDef)):
            found.add(node.name)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        waiting.extend(ast.iter_child_nodes(node))
    return frozenset(found - elsewhere)


# ----------------------------------------------------------------------------- the recording


@dataclass(eq=False)
class Frame:
    """One activation, as it was recorded."""

    function: str
    definition: Function | None
    arguments: dict[str, Snapshot]
    depth: int
    caller: Visit | None
    own: dict[str, Snapshot] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    yields: list[Snapshot] = field(default_factory=list)
    ending: str | None = None
    value: Snapshot | None = None
    end: int = -1

    @property
    def name(self) -> str:
        return self.function.rsplit(".", 1)[-1]


@dataclass(eq=False)
class Visit:
    """One execution of a statement; ``end`` is the step at which what it did was seen."""

    label: int
    statement: ast.stmt
    frame: Frame
    before: dict[str, Snapshot]
    bound: frozenset[str]
    changes: dict[str, Snapshot] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    raised: list[Snapshot] = field(default_factory=list)
    end: int = -1
    next: Visit | None = None
    passes: dict[ast.stmt, tuple[Round, int]] = field(default_factory=dict)

    @property
    def after(self) -> dict[str, Snapshot]:
        values = {**self.before, **self.changes}
        return {name: value for name, value in values.items() if name not in self.deleted}


@dataclass(eq=False)
class Round:
    """One run of a loop: how many passes it made, and the header visit that ended it."""

    loop: Loop
    frame: Frame
    visits: list[Visit] = field(default_factory=list)
    count: int = 0
    exit: Visit | None = None
    counted: bool = True


class Run:
    """A Trace taken apart into frames, visits and rounds of loops."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.program = Program(trace.program)
        self.frames: dict[int, Frame] = {}
        self.visits: list[Visit] = []
        self.rounds: list[Round] = []
        self._anywhere: dict[str, Snapshot] = {}
        self._owners: dict[str, set[int]] = {}
        self._stack: list[Frame] = []
        earlier: dict[int, Frame] = {}
        for step in trace.steps[: trace.call_start]:
            self._note(step.frame if step.function != "<module>" else -1, step.changes)
            if step.kind == "call":  # a generator made by the setup may go on in the Call
                earlier[step.frame] = Frame(step.function, None, {}, step.depth, None)
            if step.frame in earlier:
                earlier[step.frame].own.update(step.changes)
        for index, step in enumerate(trace.steps[trace.call_start :]):
            if step.file is None:
                if step.frame in earlier:
                    self.frames.setdefault(step.frame, earlier[step.frame])
                self._take(index, step)
        self.visits.sort(key=lambda visit: visit.end)
        for frame in self.frames.values():
            self._count_passes(frame)

    def _take(self, index: int, step: Any) -> None:
        if step.kind == "call":
            definition = self.program.functions.get(step.line)
            if definition is not None and definition.name != step.function.rsplit(".", 1)[-1]:
                definition = None
            open_frames = [f for f in self._stack if f.visits and not f.name.startswith("<")]
            caller = open_frames[-1].visits[-1] if open_frames else None
            frame = Frame(step.function, definition, dict(step.changes), step.depth, caller)
            frame.own = dict(step.changes)
            self._note(id(frame), step.changes)
            self.frames[step.frame] = frame
            self._stack.append(frame)
            return
        frame = self.frames[step.frame]
        if step.kind == "exception":
            if frame.visits:
                frame.visits[-1].raised.append(step.value)
            return
        if step.kind == "resume":
            frame.own.update(step.changes)
            self._stack.append(frame)
            return
        self._settle(frame, index)
        if step.kind == "line":
            self._line(frame, step)
            return
        if step.kind == "yield":
            frame.yields.append(step.value)
        frame.ending, frame.value, frame.end = step.kind, step.value, index
        if frame in self._stack:
            del self._stack[self._stack.index(frame) :]

    def _settle(self, frame: Frame, index: int) -> None:
        if not frame.visits or (frame.ending == "yield" and frame.visits[-1].end == frame.end):
            return
        visit = frame.visits[-1]
        visit.end = index
        frame.own.update(visit.changes)
        self._note(id(frame), visit.changes)
        for name in visit.deleted:
            frame.own.pop(name, None)

    def _note(self, owner: int, changes: Any) -> None:
        """Keep what other frames may see; a name that several of them bind is not told apart."""
        self._anywhere.update(changes)
        for name in changes:
            self._owners.setdefault(name, set()).add(owner)

    def _seen_by(self, frame: Frame) -> dict[str, Snapshot]:
        own = own_names(frame.definition) if frame.definition else frozenset()
        seen = {
            name: value
            for name, value in self._anywhere.items()
            if name not in own and (-1 in self._owners[name] or len(self._owners[name]) == 1)
        }
        return {**seen, **frame.own}

    def _line(self, frame: Frame, step: Any) -> None:
        statement, label = self.program.at.get(step.line, (None, 0))
        if statement is None:
            return
        last = frame.visits[-1] if frame.visits else None
        again = last is not None and last.statement is statement
        if not (again and self.program.merges(statement)):
            last = Visit(label, statement, frame, self._seen_by(frame), frozenset(frame.own))
            frame.visits.append(last)
            self.visits.append(last)
        assert last is not None
        last.changes.update(step.changes)
        last.deleted.extend(step.deleted)

    def _count_passes(self, frame: Frame) -> None:
        for visit, follower in zip(frame.visits, frame.visits[1:], strict=False):
            visit.next = follower
        active: dict[Loop, Round] = {}
        for visit in frame.visits:
            around = self.program.loops(visit.statement)
            active = {loop: running for loop, running in active.items() if loop in around}
            for loop in around:
                running = active.get(loop)
                if running is None:
                    running = active[loop] = Round(loop, frame)
                    self.rounds.append(running)
                running.visits.append(visit)
                self._advance(running, visit)
                visit.passes[loop] = (running, running.count)
                if running.exit is visit:
                    del active[loop]

    def _advance(self, running: Round, visit: Visit) -> None:
        loop, first = running.loop, running.loop.body[0]
        endless = isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant)
        if first.lineno == loop.lineno or (endless and isinstance(first, Loop)):
            running.counted = False
        elif endless:
            running.count += visit.statement is first and visit.label == first.lineno
        elif visit.statement is loop:
            if visit.next is not None and self.program.in_body(visit.next.statement, loop.body):
                running.count += 1
            elif not visit.raised:
                running.exit = visit

    def outcome(self, visit: Visit) -> bool | None:
        """How the test of an ``if`` or ``while`` came out; None where the lines do not tell."""
        statement = visit.statement
        if not isinstance(statement, (ast.If, ast.While)):
            return None
        if statement.body[0].lineno == statement.lineno:
            try:
                return bool(self.evaluate(ast.unparse(statement.test), visit.before))
            except Unknown:
                return None
        if visit.next is None:
            return None if visit.raised or isinstance(statement, ast.While) else False
        return self.program.in_body(visit.next.statement, statement.body)

    def evaluate(self, expression: str, names: dict[str, Snapshot]) -> Any:
        return evaluated(expression, names, self.program.bound)

    def main(self, entry_point: str) -> Frame | None:
        """The activation that the Call is about."""
        name = entry_point.rsplit(".", 1)[-1]
        found = [f for f in self.frames.values() if f.name == name and f.definition is not None]
        return next((f for f in reversed(found) if f.depth == 0), found[0] if found else None)


class Unknown(Exception):
    """An expression that cannot be evaluated from what was recorded."""


PURE = """abs all any bin bool bytes chr complex dict divmod enumerate filter float frozenset hex int
isinstance len list map max min oct ord pow range repr reversed round set sorted str sum tuple type
zip""".split()


def evaluated(expression: str, names: dict[str, Snapshot], bound: set[str]) -> Any:
    """The value of an expression over recorded values, by Python itself.

    Raises:
        Unknown: it needs a value that was not recorded exactly, or it raises.
    """
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError as error:
        raise Unknown(str(error)) from None
    inner = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    inner |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    scope: dict[str, Any] = {"__builtins__": {}}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise Unknown("an attribute that is not a method of a plain value")
        if not isinstance(node, ast.Name) or node.id in inner:
            continue
        if node.id in names:
            if not names[node.id].exact:
                raise Unknown(f"{node.id} is not exact")
            scope[node.id] = ast.literal_eval(names[node.id].text)
        elif node.id in PURE and node.id not in bound:
            scope[node.id] = getattr(builtins, node.id)
        else:
            raise Unknown(f"{node.id} is not known")
    try:
        return eval(compile(tree, "<claim>", "eval"), scope)  # noqa: S307 - pure, see above
    except Exception as error:
        raise Unknown(f"{type(error).__name__}: {error}") from None


def reads_as(value: Any, text: str) -> bool:
    """Whether a text is how Python writes a value; members of a set in any order."""
    if repr(value) == text:
        return True
    try:
        again = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return type(again) is type(value) and bool(again == value)


# ---------------------------------------------------------------------------------- the text

LATE = 10**9
C = r"«(\d+)»"
V = (
    r"(an? (?:string|list|tuple|dict|set) of \w+ \w+"
    r"(?:,? beginning «\d+»(?: and ending «\d+»)?)?|a «\d+» beginning «\d+»|«\d+»)"
)
WORDS = "no one two three four five six seven eight nine ten eleven twelve".split()
TIMES = r"(once|twice|\w+ times)"


def counted(word: str) -> int:
    """ "twice", "three times" and "13" as numbers."""
    word = word.removesuffix(" times")
    word = {"once": "one", "twice": "two"}.get(word, word)
    return WORDS.index(word) if word in WORDS else int(word)


def masked(text: str) -> tuple[str, list[str]]:
    """A sentence with «n» in place of each piece of inline code, and the pieces."""
    pieces: list[str] = []

    def keep(match: re.Match[str]) -> str:
        inner = match.group(2)
        padded = len(match.group(1)) > 1 and inner.startswith(" ") and inner.endswith(" ")
        pieces.append(inner[1:-1] if padded else inner)
        return f"«{len(pieces) - 1}»"

    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", keep, text), pieces


@dataclass
class Bullet:
    """One line of a section and where it stands.

    ``label`` is the last line label of the bullet above it, ``frames`` are the activations it may be
    about, and ``until`` is the step at which the pass of the loop that it is in was over.
    """

    text: str
    indent: int
    template: str
    pieces: list[str]
    label: int
    frames: list[Frame]
    until: int

    def code(self, index: str) -> str:
        return self.pieces[int(index)]

    def shows(self, phrase: str) -> Callable[[Snapshot | None], bool]:
        """Whether a phrase for a value fits a Snapshot."""
        inner = [self.code(n) for n in re.findall(C, phrase)]
        size = re.match(r"an? (string|list|tuple|dict|set) of (\w+) ", phrase)

        def fits(snapshot: Snapshot | None) -> bool:
            if snapshot is None:
                return False
            if size is None and len(inner) == 1:
                cut = inner[0].endswith("...") and snapshot.text.startswith(inner[0][:-3])
                return snapshot.text == inner[0] or cut
            if size is None:
                return snapshot.type == inner[0] and snapshot.text.startswith(inner[1])
            value = ast.literal_eval(snapshot.text)
            kind = {"string": "str"}.get(size[1], size[1])
            if type(value).__name__ != kind or len(value) != counted(size[2]):
                return False
            ends = [ast.literal_eval(text) for text in inner]
            begins = not ends or value[: len(ends[0])] == ends[0]
            return begins and (len(ends) < 2 or value[-len(ends[1]) :] == ends[1])

        return fits


def section(text: str, *titles: str) -> list[str]:
    """The lines below a heading."""
    found: list[str] = []
    inside = False
    for line in text.split("[/MONOLOGUE]")[0].splitlines():
        if line.startswith("### "):
            inside = line.removeprefix("### ") in titles
        elif inside and line.strip():
            found.append(line)
    return found


# -------------------------------------------------------------------------------- the claims


@dataclass
class Report:
    """What was read: claims by kind, false ones, and sentences in which nothing was recognised."""

    read: Counter[str] = field(default_factory=Counter)
    unchecked: Counter[str] = field(default_factory=Counter)
    false: list[str] = field(default_factory=list)
    bullets: int = 0
    silent: list[str] = field(default_factory=list)
    texts: int = 0

    def add(self, kind: str, told: bool | None, where: str, bullet: Bullet, why: str) -> None:
        if told is None:
            self.unchecked[kind] += 1
            return
        self.read[kind] += 1
        if not told:
            self.false.append(f"{where}\n    {kind}: {why}\n    in: {bullet.text.strip()[:400]}")


Handler = Callable[["Reader", Bullet, int, "re.Match[str]"], "bool | None"]
PATTERNS: dict[str, list[tuple[str, re.Pattern[str], Handler]]] = {"forward": [], "backward": []}


def claim(direction: str, kind: str, pattern: str) -> Callable[[Handler], Handler]:
    """Register what checks the claims of one shape; it answers None where it cannot say."""

    def register(handler: Handler) -> Handler:
        for one in ("forward", "backward") if direction == "both" else (direction,):
            PATTERNS[one].append((kind, re.compile(pattern), handler))
        return handler

    return register


class Runs:
    """The Run of each Trace, made once."""

    def __init__(self) -> None:
        self._made: dict[int, Run] = {}

    def of(self, trace: Trace) -> Run:
        run = self._made.get(id(trace))
        if run is None:
            run = self._made[id(trace)] = Run(trace)  # holds the Trace, so the id stays its own
        return run


class Reader:
    """Reads one monologue against its recording."""

    def __init__(self, prompt: Prompt, text: str, report: Report, runs: Runs) -> None:
        self.prompt = prompt
        self.text = text
        self.report = report
        self.runs = runs
        self.run = runs.of(prompt.trace)
        self.main = self.run.main(prompt.entry_point)
        self.where = f"{prompt.problem.id} {prompt.direction} {prompt.call.call[:120]}"
        self.cursor = -1
        self.opened: dict[int, Round] = {}
        self.history: tuple[str, list[Visit]] = ("", [])

    def read(self) -> None:
        self.report.texts += 1
        self._overview()
        self._properties()
        title = (
            "Execution Simulation" if self.prompt.direction == "forward" else "Reverse Deduction"
        )
        outermost = [f for f in self.run.frames.values() if f.depth == 0]
        if self.prompt.direction == "backward":
            if self.main is None:
                return
            outermost = [self.main]
        above: list[Bullet] = []
        for line in section(self.text, title):
            indent = (len(line) - len(line.lstrip())) // 2
            above = [bullet for bullet in above if bullet.indent < indent]
            frames = above[-1].frames if above and indent else outermost
            if self.prompt.direction == "backward":
                self.main = self._helper(above[-1]) if above and indent else outermost[0]
                frames = [self.main]
            label = above[-1].label if above and indent else 0
            until = above[-1].until if above and indent else LATE
            bullet = Bullet(line, indent, *masked(line), label, frames, until)
            self._bullet(bullet)
            if not line.endswith(":"):  # a call told in one line: what is below may be its caller's
                bullet.frames = [*frames, *(f for f in bullet.frames if f not in frames)]
            above.append(bullet)

    def _helper(self, bullet: Bullet) -> Frame:
        """The activation that the bullets below a helper's call are about."""
        calls = re.findall(rf"{C} had to give", bullet.template)
        return self.called(bullet.code(calls[0]), None, bullet)[0]

    def _bullet(self, bullet: Bullet) -> None:
        """All claims of a bullet, in the order of the words; a call opens what is about it."""
        found: list[tuple[int, str, re.Match[str], Handler]] = []
        for kind, pattern, handler in PATTERNS[self.prompt.direction]:
            found += [(m.start(), kind, m, handler) for m in pattern.finditer(bullet.template)]
        labels = [(m.start(), int(m[1])) for m in re.finditer(r"\[L(\d+)\]", bullet.template)]
        given = bullet.label
        self.report.bullets += 1
        if not found:
            self.report.silent.append(f"{self.where}: {bullet.text.strip()[:200]}")
        for start, kind, match, handler in sorted(found, key=lambda item: item[:2]):
            label = next((n for at, n in reversed(labels) if at <= start), given)
            told = handler(self, bullet, label, match)
            self.report.add(kind, told, self.where, bullet, self._words(bullet, label, match))
        bullet.label = labels[-1][1] if labels else given

    @staticmethod
    def _words(bullet: Bullet, label: int, match: re.Match[str]) -> str:
        words = re.sub(C, lambda m: f"`{bullet.code(m[1])}`", match[0])
        return f"[L{label}] {words}"

    def at(self, bullet: Bullet, label: int) -> Iterator[Visit]:
        """The visits of a line that a claim may be about: not before what was told last."""
        for visit in self.run.visits:
            in_time = self.cursor <= visit.end <= bullet.until
            if visit.label == label and in_time and visit.frame in bullet.frames:
                yield visit

    def some(self, bullet: Bullet, label: int, fits: Callable[[Visit], bool | None]) -> bool | None:
        """Whether a claim fits a visit; what is told next cannot lie before it."""
        answers: set[bool | None] = set()
        for visit in self.at(bullet, label):
            answer = fits(visit)
            if answer:
                if self.prompt.direction == "forward":
                    self.cursor = visit.end
                return True
            answers.add(answer)
        return None if None in answers else False

    def valued(self, expression: str, shows: str, bullet: Bullet, visit: Visit) -> bool | None:
        """Whether an expression had the value that a phrase shows, before a visit."""
        fits = bullet.shows(shows)
        if expression in visit.before:
            return fits(visit.before[expression])
        try:
            value = self.run.evaluate(expression, visit.before)
        except Unknown:
            return None
        text = bullet.code(match[1]) if (match := re.fullmatch(C, shows)) else None
        if text is not None:
            return reads_as(value, text)
        return fits(Snapshot(repr(value), type(value).__name__, True))

    def called(self, text: str, label: int | None, bullet: Bullet) -> list[Frame]:
        """The activations that a call, written out, may be; those of one statement where known."""
        found = []
        for frame in self.run.frames.values():
            from_here = label is None or (
                frame.caller is not None
                and frame.caller.label == label
                and frame.caller.frame in bullet.frames
                and frame.caller.end >= self.cursor
            )
            if from_here and is_written(text, frame):
                found.append(frame)
        return found

    def _overview(self) -> None:
        """Counters must count what the text says they count."""
        for line in section(self.text, "Understanding the Function"):
            bullet = Bullet(line, 0, *masked(line), 0, [], LATE)
            for match in re.finditer(
                rf"{C} counts how often \[L(\d+)\] is reached", bullet.template
            ):
                self.report.add(
                    "counter", self._counts(bullet, match), self.where, bullet, match[0]
                )

    def _counts(self, bullet: Bullet, match: re.Match[str]) -> bool | None:
        name, label = bullet.code(match[1]), int(match[2])
        if self.main is None or not self.main.visits or self.main.ending != "return":
            return None
        values = [v.changes[name] for v in self.main.visits if name in v.changes]
        if not values or not all(value.exact for value in values):
            return None
        reached = sum(visit.label == label for visit in self.main.visits)
        return bool(ast.literal_eval(values[-1].text) == reached)

    def _properties(self) -> None:
        """Each predicate is evaluated by Python on every known Call."""
        for line in section(self.text, "Key Properties and Constraints"):
            bullet = Bullet(line, 0, *masked(line), 0, [], LATE)
            self.report.bullets += 1
            predicate = bullet.pieces[-1]
            for trace in self.prompt.traces or (self.prompt.trace,):
                told = self._is_true_of(predicate, trace)
                words = f"`{predicate}` of {trace.call}"
                self.report.add("property", told, self.where, bullet, words)

    def _is_true_of(self, predicate: str, trace: Trace) -> bool | None:
        main = self.runs.of(trace).main(self.prompt.entry_point)
        if main is None or main.value is None or main.ending != "return":
            return None
        result = free_names(predicate) - set(main.arguments)
        known = {**main.arguments, **dict.fromkeys(result, main.value)}
        try:
            return evaluated(predicate, known, set()) is True
        except Unknown:
            return None


def free_names(predicate: str) -> set[str]:
    """Names of values, as against functions that are called and types that are asked about."""
    tree = ast.parse(predicate)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    asked = [call.args[1] for call in calls if ast.unparse(call.func) == "isinstance"]
    vocabulary = {id(node) for node in [*(call.func for call in calls), *asked]}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return {node.id for node in names if id(node) not in vocabulary}


def taken_whole(text: str, items: list[Any], statement: ast.stmt) -> bool:
    """Whether all the values of a generator expression were asked for: ``all`` stops at a false one."""
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.func, ast.Name):
            continue
        given, name = node.args[0], node.func.id
        if isinstance(given, ast.GeneratorExp) and ast.unparse(given)[1:-1] == text:
            if name in ("any", "all"):
                return all(bool(item) is (name == "all") for item in items[:-1])
            if name == "next":
                return len(items) <= 1
    return True


def was_reached(text: str, visit: Visit, run: Run) -> bool:
    """Whether a part of a statement was evaluated, and not on the side that a condition left out."""
    if isinstance(visit.statement, (ast.If, ast.While)):
        return True
    parts = [node for node in ast.walk(visit.statement) if isinstance(node, ast.expr)]
    found = [part for part in parts if ast.unparse(part) == text]
    return not found or any(_on_the_way(part, visit, run) for part in found)


def _on_the_way(part: ast.AST, visit: Visit, run: Run) -> bool:
    while part is not visit.statement:
        inner, part = part, run.program.parent[part]
        try:
            if isinstance(part, ast.IfExp) and inner is not part.test:
                test = bool(run.evaluate(ast.unparse(part.test), visit.before))
                if test is not (inner is part.body):
                    return False
            elif isinstance(part, ast.BoolOp):
                for earlier in part.values[: part.values.index(inner)]:  # type: ignore[arg-type]
                    if bool(run.evaluate(ast.unparse(earlier), visit.before)) is not isinstance(
                        part.op, ast.And
                    ):
                        return False
        except Unknown:
            continue
    return True


def is_expression(text: str) -> bool:
    try:
        ast.parse(text.replace("(...)", "()"), mode="eval")
    except SyntaxError:
        return False
    return True


def is_written(text: str, frame: Frame) -> bool:
    """Whether a call, written out, is the one that began this activation."""
    head, opened, rest = text.partition("(")
    if not is_named(head, frame):
        return False
    if not opened:  # a property
        return bool(frame.definition and frame.definition.decorator_list)
    if rest == "...)":
        return True
    receiver = () if f".{frame.function}".endswith(f".{head}") and "." in head else ("self", "cls")
    named = {a.arg for a in frame.definition.args.kwonlyargs} if frame.definition else set()
    given = [(n, value.text) for n, value in frame.arguments.items() if n not in receiver]
    shown = [text for name, text in given if name not in named]
    shown += [f"{name}={text}" for name, text in given if name in named]
    many = frame.definition and frame.definition.args.kwarg
    if many and many.arg in frame.arguments and not frame.arguments[many.arg].exact:
        # What was gathered by name has no literal, so all of it stands as one.
        stated = rest.endswith(f"**{frame.arguments[many.arg].text})")
        return stated and all(f"{name}=" in rest for name in named)
    plainly = rest == f"{', '.join(shown)})"
    stars = frame.definition and (frame.definition.args.vararg or frame.definition.args.kwarg)
    if not stars:
        return plainly
    try:
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        positional = [ast.literal_eval(argument) for argument in call.args]
        by_name = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        recorded = {n: ast.literal_eval(v.text) for n, v in frame.arguments.items() if v.exact}
    except (SyntaxError, ValueError):
        return plainly
    return bound(frame.definition, positional, by_name) == recorded


def is_named(head: str, frame: Frame) -> bool:
    """Whether what is called is this activation's function: `f`, `owner.f`, or its class."""
    if frame.name == "__init__" and frame.arguments:
        receiver = next(iter(frame.arguments.values()))
        return head in (receiver.type, frame.function)
    return head == frame.name or head.endswith(f".{frame.name}")


def bound(definition: Any, given: list[Any], named: dict[Any, Any]) -> dict[str, Any] | None:
    """The arguments as the call would bind them; defaults are left to be stated."""
    a = definition.args
    names = [argument.arg for argument in (*a.posonlyargs, *a.args) if argument.arg != "self"]
    found: dict[str, Any] = dict(zip(names, given, strict=False))
    if a.vararg:
        found[a.vararg.arg] = tuple(given[len(names) :])
    elif len(given) > len(names):
        return None
    rest = dict(named)
    for argument in (*a.args, *a.kwonlyargs):
        if argument.arg in rest:
            found[argument.arg] = rest.pop(argument.arg)
    if a.kwarg:
        found[a.kwarg.arg] = rest
    elif rest:
        return None
    return found


# ------------------------------------------------------------------ claims of a simulation


@claim("forward", "bound", rf"{C} (starts as|becomes|is now) {V}(?:, from {C})?")
def _bound(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, verb, fits = bullet.code(match[1]), match[2], bullet.shows(match[3])

    def here(visit: Visit) -> bool | None:
        if not fits(visit.changes.get(name)) or (verb == "starts as" and name in visit.bound):
            return False
        if match[4] is None:
            return True
        try:
            value = reader.run.evaluate(bullet.code(match[4]), visit.before)
        except Unknown:
            return True
        return reads_as(value, visit.changes[name].text) or not visit.changes[name].exact

    return reader.some(bullet, label, here)


@claim("forward", "moved", rf"{C} goes from {V} to {V}(?:, (\w+(?: \w+)?) {C})?")
def _moved(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, old, new = bullet.code(match[1]), bullet.shows(match[2]), bullet.shows(match[3])
    sign = {"adding": "+", "taking away": "-", "multiplying by": "*"}.get(match[4] or "")

    def here(visit: Visit) -> bool | None:
        if not (old(visit.before.get(name)) and new(visit.changes.get(name))):
            return False
        if sign is None:
            return True
        sum_ = f"({visit.before[name].text}) {sign} ({bullet.code(match[5])})"
        try:
            return reads_as(evaluated(sum_, {}, set()), visit.changes[name].text)
        except Unknown:
            return None

    return reader.some(bullet, label, here)


@claim("forward", "stays", rf"{C} stays {V}")
def _stays(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, fits = bullet.code(match[1]), bullet.shows(match[2])
    return reader.some(
        bullet, label, lambda visit: name not in visit.changes and fits(visit.before.get(name))
    )


@claim("forward", "stored", rf"{C} is set to {V}")
def _stored(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    place, fits = bullet.code(match[1]), bullet.shows(match[2])

    def here(visit: Visit) -> bool | None:
        try:
            value = reader.run.evaluate(place, visit.after)
        except Unknown:
            return None
        return fits(Snapshot(repr(value), type(value).__name__, True)) or reads_as(
            value, bullet.pieces[int(re.findall(C, match[2])[0])]
        )

    return reader.some(bullet, label, here)


@claim("forward", "iteration", r"- Iteration (\d+): ((?:«\d+»(?:, | and )?)*)(?=\.|$| )")
def _iteration(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    number = int(match[1])
    pairs = [bullet.code(n).split(" = ", 1) for n in re.findall(C, match[2])]
    pairs = [pair for pair in pairs if len(pair) == 2 and pair[0].isidentifier()]

    unknown = False
    for visit in reader.run.visits:
        in_time = reader.cursor <= visit.end <= bullet.until
        here = next((r for loop, r in visit.passes.items() if loop.lineno == label), None)
        if here is None or not in_time or visit.frame not in bullet.frames:
            continue
        running, position = here
        unknown = unknown or not running.counted
        if not running.counted or position != number or running.exit is visit:
            continue
        if all(name in visit.after and visit.after[name].text == v for name, v in pairs):
            reader.cursor = began(reader, visit)
            reader.opened[bullet.indent] = running
            bullet.until = max(v.end for v in running.visits if v.passes[running.loop] == here)
            return True
    return None if unknown else False


def began(reader: Reader, header: Visit) -> int:
    """The step at which a header began: what it calls is told below its own bullet."""
    called = [f for f in reader.run.frames.values() if f.caller is header]
    return min([header.end, *(visit.end for frame in called for visit in frame.visits)])


def _opens(
    reader: Reader, bullet: Bullet, label: int, fits: Callable[[Round], bool]
) -> bool | None:
    rounds = [
        running
        for running in reader.run.rounds
        if running.loop.lineno == label
        and running.frame in bullet.frames
        and running.visits[0].end >= reader.cursor
    ]
    for running in sorted(rounds, key=lambda running: running.visits[0].end):
        if running.counted and fits(running):
            reader.cursor = began(reader, running.visits[0])
            reader.opened[bullet.indent + 1] = running
            return True
    return False if rounds and all(running.counted for running in rounds) else None


@claim("forward", "loop", rf"The loop [^.]*?; it runs {TIMES}")
def _runs(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    return _opens(reader, bullet, label, lambda running: running.count == counted(match[1]))


@claim("forward", "loop", r"The loop takes the (\w+) items of")
def _takes(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    return _opens(reader, bullet, label, lambda running: running.count == counted(match[1]))


@claim("forward", "loop", r"so the loop body never runs")
def _never(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    return _opens(reader, bullet, label, lambda running: running.count == 0)


@claim("forward", "loop end", r"There is nothing left to take|That was the last one")
def _ended(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    running = reader.opened.get(bullet.indent)
    return None if running is None else running.exit is not None


@claim(
    "forward",
    "middle",
    r"- Iterations? (\d+)(?: to (\d+))? (?:do the same|does the same|go on|goes on)(.*)$",
)
def _middle(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    running = reader.opened.get(bullet.indent)
    if running is None or not running.counted:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    inner = [v for v in running.visits if first <= v.passes[running.loop][1] <= last]
    later = [v for v in running.visits if v.passes[running.loop][1] > last]
    if not inner or not later:
        return False
    reader.cursor = later[0].end
    shares = re.finditer(
        rf"\[L(\d+)\] {C} (?:holds (every time|(\d+) of (\d+) times)|never holds)", match[3]
    )
    for share in shares:
        asked = [v for v in inner if v.label == int(share[1])]
        outcomes = [reader.run.outcome(v) for v in asked]
        if None in outcomes:
            return None
        held = int(share[4]) if share[4] else len(asked) if share[3] else 0
        if sum(map(bool, outcomes)) != held or int(share[5] or len(asked)) != len(asked):
            return False
    state = match[3].partition(" After that, ")[2]
    return _is_state(bullet, state, later[0].before)


def _is_state(bullet: Bullet, state: str, values: dict[str, Snapshot]) -> bool:
    said = re.findall(rf"{C} is {V}", state)
    return all(bullet.shows(shown)(values.get(bullet.code(name))) for name, shown in said)


@claim("forward", "state", rf" In the end ({C} is .*)$")
def _in_the_end(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    running = reader.opened.get(bullet.indent + 1)
    if running is None:
        return None
    reader.cursor = running.visits[-1].end
    return _is_state(bullet, match[1], running.visits[-1].after)


@claim("forward", "returned", rf"[Tt]he function returns {V}(?:, from {C})?")
@claim("forward", "returned", rf"«\d+» is {V}, and the function returns it()")
def _returned(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    fits = bullet.shows(match[1])
    for frame in sorted(bullet.frames, key=lambda frame: frame.end):
        last = frame.visits[-1] if frame.visits else None
        if (
            frame.ending != "return"
            or not reader.cursor <= frame.end <= bullet.until
            or not fits(frame.value)
        ):
            continue
        if last is None or last.label != label:
            continue
        reader.cursor = frame.end
        if not match[2] or frame.value is None:
            return True
        try:
            value = reader.run.evaluate(bullet.code(match[2]), last.before)
        except Unknown:
            return True
        return reads_as(value, frame.value.text)
    return False


@claim("forward", "yielded", rf"{V} is yielded")
def _yielded(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    fits = bullet.shows(match[1])
    return any(fits(value) for frame in bullet.frames for value in frame.yields)


@claim("forward", "handed out", r"Asked again, it hands out (.*)\.$")
def _handed_out(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    shown = [bullet.shows(phrase) for phrase in re.findall(V, match[1])]
    more = match[1].endswith("so on")
    for frame in bullet.frames:
        later = frame.yields[1:]
        if len(later) == len(shown) or (more and len(later) > len(shown)):
            return all(fits(value) for fits, value in zip(shown, later, strict=False))
    return False


@claim("forward", "inner call", rf"In {C}:")
def _inside(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    text = bullet.code(match[1])
    frames = reader.called(text, label, bullet) if label else []
    frames = frames or reader.called(text, None, bullet) if not label else frames
    named = text.partition("(")[0]
    bullet.frames = frames or [f for f in reader.run.frames.values() if is_named(named, f)]
    return bool(frames)


@claim("forward", "call", rf"{C} (?:gives|returns) {V}")
def _gives(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    text, fits = bullet.code(match[1]), bullet.shows(match[2])
    if not is_expression(text):  # a generator expression, without its parentheses

        def here(visit: Visit) -> bool | None:
            told = reader.valued(f"[{text}]", match[2], bullet, visit)
            items = ast.literal_eval(bullet.code(re.findall(C, match[2])[0])) if told else []
            return told and taken_whole(text, items, visit.statement)

        return reader.some(bullet, label, here)
    ended = [f for f in reader.called(text, label, bullet) if f.ending == "return"]
    return any(fits(given_by(frame, text)) for frame in ended)


def given_by(frame: Frame, call: str) -> Snapshot | None:
    """What a call gave: the object that was made where a class is called."""
    if frame.name == "__init__" and "__init__" not in call:
        return frame.own[next(iter(frame.arguments))]
    return frame.value


@claim("forward", "condition", rf"{C} (holds|fails)(?! every| \d+ of)")
def _condition(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    test, holds = bullet.code(match[1]), match[2] == "holds"
    ends = bullet.template[: match.start()].endswith("Now ")

    def here(visit: Visit) -> bool | None:
        statement = visit.statement
        if ends and not _is_exit(visit):
            return False
        if isinstance(statement, ast.Assert):
            return ast.unparse(statement.test) == test and holds is not bool(visit.raised)
        if not isinstance(statement, (ast.If, ast.While)) or ast.unparse(statement.test) != test:
            if test not in map(ast.unparse, inner_tests(visit)):
                return False
            try:
                return bool(reader.run.evaluate(test, visit.before)) is holds
            except Unknown:
                return None
        outcome = reader.run.outcome(visit)
        return None if outcome is None else outcome is holds

    return reader.some(bullet, label, here)


def inner_tests(visit: Visit) -> list[ast.expr]:
    """The tests of `a if test else b` in a statement."""
    return [node.test for node in ast.walk(visit.statement) if isinstance(node, ast.IfExp)]


def _is_exit(visit: Visit) -> bool:
    return any(running.exit is visit for running, _ in visit.passes.values())


@claim("forward", "membership", rf"{C} is (not )?in {C}")
def _member(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    inside = match[2] is None

    def here(visit: Visit) -> bool | None:
        test = getattr(visit.statement, "test", None)
        if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], (ast.In, ast.NotIn)):
            return False
        if ast.unparse(test.comparators[0]) != bullet.code(match[3]):
            return False
        item = reader.valued(ast.unparse(test.left), f"«{match[1]}»", bullet, visit)
        outcome = reader.run.outcome(visit)
        if item is None or outcome is None:
            return item if outcome is None else None
        return item and outcome is (inside is isinstance(test.ops[0], ast.In))

    return reader.some(bullet, label, here)


@claim("forward", "emptiness", rf"{C}(?: is {C}, which)? is (not )?(?:empty|zero)")
def _empty(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    full = match[3] is not None
    if match[2] and bool(ast.literal_eval(bullet.code(match[2]))) is not full:
        return False

    def here(visit: Visit) -> bool | None:
        test = ast.unparse(getattr(visit.statement, "test", ast.Constant(None)))
        asked = {bullet.code(match[1]): full, f"not {bullet.code(match[1])}": not full}
        return test in asked and reader.run.outcome(visit) is asked[test]

    return reader.some(bullet, label, here)


@claim("forward", "divisibility", rf"{C} is (even|odd|(?:not )?divisible by {C})")
def _divides(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    number = int(bullet.code(match[1]))
    divisor = int(bullet.code(match[3])) if match[3] else 2
    divisible = match[2] == "even" or match[2].startswith("divisible")

    def here(visit: Visit) -> bool | None:
        test = getattr(visit.statement, "test", None)
        outcome = reader.run.outcome(visit)
        if test is None and inner_tests(visit):
            test = inner_tests(visit)[0]
            outcome = bool(reader.run.evaluate(ast.unparse(test), visit.before))
        if not isinstance(test, ast.Compare) or not isinstance(test.left, ast.BinOp):
            return False
        left = reader.valued(ast.unparse(test.left.left), f"«{match[1]}»", bullet, visit)
        if left is None or outcome is None:
            return None
        return left and outcome is (divisible is isinstance(test.ops[0], ast.Eq))

    return (number % divisor == 0) is divisible and reader.some(bullet, label, here)


@claim("forward", "value", rf"(?<!After that, )(?<!, ){C} is {V}")
@claim("forward", "value", rf"{C}, ({C}), is matched against")
@claim("backward", "value", rf"(?:There|,|and) {C} is {V}")
def _value(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    """The parts of an expression, and the sides of a condition."""
    said = bullet.template[: match.start()]
    if "After that, " in said or " In the end " in said or not label:
        return None
    expression = bullet.code(match[1])
    before = reader.cursor

    def here(visit: Visit) -> bool | None:
        told = reader.valued(expression, match[2], bullet, visit)
        return told and (expression.isidentifier() or was_reached(expression, visit, reader.run))

    told = reader.some(bullet, label, here)
    reader.cursor = before  # the visit is found by what it did, not by what it read
    return told


TAKING = ("removes", "pops", "takes")


ITEM = (
    r"(?:^|[\] ])([Rr]emoves|[Pp]ops|[Tt]akes|[Aa]ppends|[Aa]dds|[Pp]uts|[Ii]nserts) "
    rf"{C}(?=: «|, so «|, which)"
)


@claim("forward", "moved item", ITEM)
def _item(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    verb, item = match[1].lower(), bullet.code(match[2])

    def here(visit: Visit) -> bool | None:
        call = getattr(visit.statement, "value", None)
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        owner = ast.unparse(call.func.value)
        try:
            old = list(reader.run.evaluate(owner, visit.before))
            new = list(reader.run.evaluate(owner, visit.after))
        except (Unknown, TypeError):
            return None
        if old == new:
            return verb not in TAKING or item not in map(repr, old)
        less, more = (old, new) if len(old) < len(new) else (new, old)
        gone = Counter(map(repr, more)) - Counter(map(repr, less))
        return list(gone) == [item] and (len(new) < len(old)) is (verb in TAKING)

    before = reader.cursor
    told = reader.some(bullet, label, here)
    reader.cursor = before
    return told


@claim("forward", "case", rf"[Tt]he case {C} (fits|does not fit)")
def _case(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    def here(visit: Visit) -> bool | None:
        cases = getattr(visit.statement, "cases", [])
        case = next((c for c in cases if c.pattern.lineno == label), None)
        if case is None or ast.unparse(case.pattern) != bullet.code(match[1]):
            return False
        entered = visit.next is not None and reader.run.program.in_body(
            visit.next.statement, case.body
        )
        return entered is (match[2] == "fits")

    return reader.some(bullet, label, here)


@claim("forward", "raised", rf"(?:[Tt]his raises {V}|{V} is raised)")
def _raised(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    fits = bullet.shows(match[1] or match[2])
    return reader.some(bullet, label, lambda visit: any(fits(value) for value in visit.raised))


@claim("forward", "skipped", r"so \[L(\d+)\] is skipped")
def _skipped(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    """The test that kept a line from running is the one that was told last."""
    body = int(match[1])
    last = next((v for v in reader.run.visits if v.end == reader.cursor), None)
    statement = last.statement if last is not None else None
    if last is None or not isinstance(statement, ast.If) or statement.body[0].lineno != body:
        return False
    outcome = reader.run.outcome(last)
    return None if outcome is None else not outcome


@claim("forward", "definition", rf"[Tt]he (inner function|class) {C} is defined")
def _defined(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    kind: Any = ast.ClassDef if match[1] == "class" else Function
    return reader.some(
        bullet,
        label,
        lambda visit: (
            isinstance(visit.statement, kind) and visit.statement.name == bullet.code(match[2])
        ),
    )


@claim("forward", "jump", r"«\d+» (ends the loop|ends the pass)")
def _jump(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    kind = ast.Break if match[1] == "ends the loop" else ast.Continue
    return reader.some(bullet, label, lambda visit: isinstance(visit.statement, kind))


@claim("forward", "arguments", r"^The call gives (.*)\.$")
def _arguments(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    if reader.main is None:
        return None
    given = reader.main.arguments
    if match[1] == "no arguments":
        return not given
    long = re.findall(rf"{C} is {V}", match[1])
    told = [bullet.shows(shown)(given.get(bullet.code(name))) for name, shown in long]
    for index in re.findall(C, re.sub(rf"{C} is {V}", "", match[1])):
        name, _, text = bullet.code(index).partition(" = ")
        told.append(name in given and given[name].text == text)
    return all(told) and len(told) == len(given)


@claim("forward", "setup", rf"^Before the call, {C} is run")
def _setup(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    return bullet.code(match[1]) == reader.prompt.call.setup.strip()


@claim("forward", "whole", rf"So {C} as a whole is {V}")
@claim("forward", "whole", rf"^{C} gives {V} in one go")
def _whole(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    same = bullet.code(match[1]) == reader.prompt.call.call
    return same and bullet.shows(match[2])(reader.prompt.trace.outcome.value)


@claim("forward", "fell off", r"The end of the body is reached, so «\d+» is returned")
def _fell_off(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    return any(
        frame.value is not None
        and frame.value.text == "None"
        and frame.visits
        and not isinstance(frame.visits[-1].statement, ast.Return)
        for frame in bullet.frames
    )


@claim("forward", "calls", r"This calls (.*)\.$")
def _calls(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    return all(
        reader.called(bullet.code(index), label, bullet) for index in re.findall(C, match[1])
    )


# ------------------------------------------------------------------- claims of a deduction


def _makers(reader: Reader, name: str) -> list[Visit]:
    frame = reader.main
    return [] if frame is None else [visit for visit in frame.visits if name in visit.changes]


def _in_main(reader: Reader, label: int) -> list[Visit]:
    return [] if reader.main is None else [v for v in reader.main.visits if v.label == label]


@claim("backward", "output", rf"^The output to reach is {V}")
def _output(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    return bullet.shows(match[1])(reader.prompt.trace.outcome.value)


@claim("backward", "equality", rf"so (?:at the end|there) {C}")
def _equality(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, sign, text = bullet.code(match[1]).partition(" == ")
    if not sign:
        return None
    last = _in_main(reader, label)[-1:]
    return bool(last) and name in last[0].before and last[0].before[name].text == text


@claim("backward", "result", rf"What comes back is {C}, and it has to be {V}")
def _result(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    last = _in_main(reader, label)[-1:]
    if not last or reader.main is None or not isinstance(last[0].statement, ast.Return):
        return False
    value = last[0].statement.value
    written = value is not None and ast.unparse(value) == bullet.code(match[1])
    return written and bullet.shows(match[2])(reader.main.value)


@claim("backward", "was", rf"{C} was {V}(?! by the program)")
def _was(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    if "This happened inside" in bullet.template:
        label = int(re.findall(r"\[L(\d+)\]", bullet.template)[0])
        visits = _in_main(reader, label)
        fits = bullet.shows(match[2])
        return any(fits(visit.after.get(bullet.code(match[1]))) for visit in visits)
    return reader.some(
        bullet, label, lambda visit: reader.valued(bullet.code(match[1]), match[2], bullet, visit)
    )


@claim("backward", "made", rf"{C} was made from {C} and came to {V}")
def _made(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, fits = bullet.code(match[1]), bullet.shows(match[3])

    def here(visit: Visit) -> bool | None:
        value = getattr(visit.statement, "value", None)
        parts = [value, *getattr(value, "elts", [])] if value is not None else []
        if isinstance(visit.statement, ast.AugAssign):
            parts = [ast.BinOp(visit.statement.target, visit.statement.op, visit.statement.value)]
        return bullet.code(match[2]) in map(ast.unparse, parts) and fits(visit.after.get(name))

    return reader.some(bullet, label, here)


@claim("backward", "made", rf"(?:left {C} as {V}|{C} was set to {V} by the program itself)")
def _left(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, shown = (match[1], match[2]) if match[1] else (match[3], match[4])
    fits = bullet.shows(shown)
    return any(fits(v.changes.get(bullet.code(name))) for v in _in_main(reader, label))


CHANGED = (
    rf"{C} starts as {V}(?: at \[L(\d+)\])?; after that (?:only )?"
    rf"((?:\[L\d+\](?:, | and )?)+) changes? it, {TIMES} in this run"
)


@claim("backward", "changes", CHANGED)
def _changed(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, starts = bullet.code(match[1]), bullet.shows(match[2])
    makers = _makers(reader, name)
    if not makers or reader.main is None:
        return False
    own = reader.main.own if reader.main.definition is None else own_names(reader.main.definition)
    if match[3]:
        at_first = makers[0].changes[name] if makers[0].label == int(match[3]) else None
        makers = makers[1:]
    else:
        first = makers[0]
        at_first = first.before.get(name) if name in first.bound or name not in own else None
    lines = {int(n) for n in re.findall(r"L(\d+)", match[4])}
    reader.history = (name, makers)
    return (
        starts(at_first)
        and {maker.label for maker in makers} == lines
        and len(makers) == counted(match[5])
    )


@claim("backward", "history", r"Going back from the end it was (.*?)\.(?= |$)")
def _history(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    _, makers = reader.history
    name = reader.history[0]
    if not makers:
        return None
    shown = [bullet.shows(phrase) for phrase in re.findall(V, match[1])]
    values = [maker.changes[name] for maker in reversed(makers)]
    first = makers[0].before.get(name)
    start = [first] if first is not None else []
    everything = [*values, *start]
    if "so on back to" in match[1]:
        everything = [*everything[: len(shown) - 1], everything[-1]]
    return len(shown) == len(everything) and all(
        fits(value) for fits, value in zip(shown, everything, strict=True)
    )


@claim("backward", "history", rf"(?:The end value is|It ends as) {V}")
def _ends_as(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, makers = reader.history
    return bool(makers) and bullet.shows(match[1])(makers[-1].changes[name])


@claim("backward", "history", r"What it appended was (.*?)\.$")
@claim(
    "backward", "history", r"(?:The amounts by which it moved were|Each time it moved by) (.*?)\.$"
)
def _amounts(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, makers = reader.history
    shown = [bullet.code(index) for index in re.findall(C, match[1])]
    if match[0].startswith("Each"):
        shown *= len(makers)
    moved = []
    for maker in makers:
        old, new = (ast.literal_eval(v[name].text) for v in (maker.before, maker.changes))
        moved.append(
            repr(
                new - old
                if isinstance(new, int)
                else new[len(old) :]
                if isinstance(new, str)
                else new[-1]
            )
        )
        if isinstance(new, list) and new[:-1] != old:
            return False
    return bool(makers) and moved == shown


@claim("backward", "undone", r"(?:Undoing that|Solved for what is inside): (.*?)\.$")
def _undone(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    def here(visit: Visit) -> bool | None:
        try:
            return all(
                reader.run.evaluate(bullet.code(index), visit.before)
                for index in re.findall(C, match[1])
            )
        except Unknown:
            return None

    return reader.some(bullet, label, here)


@claim("backward", "sets", rf"sets {C}(?: anew,)? {TIMES} in this run")
def _sets(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    """A statement that assigns sets its variable each time it runs, also to the same value."""
    name = bullet.code(match[1])
    makers = [visit for visit in _makers(reader, name) if visit.label == label]
    statement = makers[0].statement if makers else None
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    assigns = any(
        isinstance(node, ast.Name) and node.id == name
        for target in targets
        if target is not None
        for node in ast.walk(target)
        if isinstance(getattr(node, "ctx", None), ast.Store)
    )
    ran = _in_main(reader, label) if assigns else makers
    reader.history = (name, ran)
    return bool(makers) and len(ran) == counted(match[2])


@claim("backward", "sets", rf"in this run[^.]*?: (?:from {V} on, )?to ([^.;]*)\.$")
def _sets_to(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, makers = reader.history
    shown = [bullet.shows(phrase) for phrase in re.findall(V, match[2])]
    started = match[1] is None or bullet.shows(match[1])(makers[0].before.get(name))
    values = [maker.after.get(name) for maker in makers]
    return (
        started
        and len(shown) == len(values)
        and all(fits(value) for fits, value in zip(shown, values, strict=True))
    )


@claim("backward", "sets", rf"; the last time to {V}")
def _sets_last(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name, makers = reader.history
    return bool(makers) and bullet.shows(match[1])(makers[-1].after.get(name))


@claim("backward", "took", rf"took {C} from {C}: (.*?)(?:, in this order| alone)")
def _took(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    name = bullet.code(match[1])
    passes = [v for v in _in_main(reader, label) if isinstance(v.statement, Loop)]
    if any(not running.counted for visit in passes for running, _ in visit.passes.values()):
        return None
    values = [visit.after[name].text for visit in passes if not _is_exit(visit)]
    shown = [bullet.code(index) for index in re.findall(C, match[3])]
    if "..." in re.sub(C, "", match[3]):
        values = [*values[:4], values[-1]] if len(values) > 8 else values
    return values == shown


@claim("backward", "took", rf"took {C} from {C}")
def _takes_from(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    loops = [v.statement for v in _in_main(reader, label) if isinstance(v.statement, Loop)]
    return bool(loops) and all(
        not isinstance(loop, ast.While)
        and ast.unparse(loop.target) == bullet.code(match[1])
        and ast.unparse(loop.iter) == bullet.code(match[2])
        for loop in loops
    )


@claim("backward", "passes", r"kept the loop going while «\d+», for (\w+) pass(?:es)?")
def _kept(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    rounds = [r for r in reader.run.rounds if r.loop.lineno == label and r.frame is reader.main]
    if not all(running.counted for running in rounds):
        return None
    return sum(running.count for running in rounds) == counted(match[1])


@claim("backward", "broken off", rf"\[L(\d+)\] broke it off(?:, when \[L(\d+)\] {C} held)?")
def _broken(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    loop = int(re.findall(r"\[L(\d+)\]", bullet.template)[0])
    breaks = _in_main(reader, int(match[1]))
    ended = [
        visit
        for visit in breaks
        if isinstance(visit.statement, ast.Break)
        and any(held.lineno == loop and r.exit is None for held, (r, _) in visit.passes.items())
    ]
    if not ended or match[2] is None:
        return bool(ended)
    asked = _in_main(reader, int(match[2]))
    return _met(reader, asked[-1], bullet.code(match[3])) if asked else False


@claim("backward", "else of loop", r"\[L(\d+)\] stands in the «\d+» of the loop at \[L(\d+)\]")
def _stands(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    loops = [s for s, _ in reader.run.program.at.values() if isinstance(s, Loop)]
    statement = reader.run.program.at[int(match[1])][0]
    return any(
        loop.lineno == int(match[2]) and reader.run.program.in_body(statement, loop.orelse)
        for loop in loops
    )


EVERY = r"(?:all (\w+)|(both)) checks|its one check"
CHOOSES = (
    rf"\[L(\d+)\] chooses when \[L(\d+)\] runs: it needs {C}, "
    rf"which was so in (?:(\w+) of (\w+) checks|{EVERY})"
)


@claim("backward", "choice", CHOOSES)
def _chooses(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    asked = _in_main(reader, int(match[1]))
    outcomes = [_met(reader, visit, bullet.code(match[3])) for visit in asked]
    if None in outcomes:
        return None
    every = counted(match[6] or ("two" if match[7] else "one"))
    said = (counted(match[4]), counted(match[5])) if match[4] else (every, every)
    return (sum(map(bool, outcomes)), len(asked)) == said


def _met(reader: Reader, visit: Visit, wanted: str) -> bool | None:
    """Whether a condition, stated as it stands or turned round, was met at a visit of its test."""
    test = getattr(visit.statement, "test", None)
    if test is None:
        return False
    outcome = reader.run.outcome(visit)
    if ast.unparse(test) == wanted or outcome is None:
        return outcome
    try:
        value = bool(reader.run.evaluate(wanted, visit.before))
    except Unknown:
        return not outcome
    return value if value is not outcome else False


@claim(
    "backward", "gate", r"The run gets there only under (?:this condition|these conditions): (.*)$"
)
def _gates(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    answers: list[bool | None] = []
    for line, index in re.findall(rf"\[L(\d+)\] {C}", match[1]):
        visits = _in_main(reader, int(line))
        answers.append(bool(visits) and _met(reader, visits[-1], bullet.code(index)))
    return None if None in answers else all(answers)


@claim("backward", "iteration", r"inside the loop at \[L(\d+)\], in iteration (\d+)")
def _in_iteration(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    if reader.main is None or not reader.main.visits:
        return False
    around = reader.main.visits[-1].passes
    running = next((r for loop, r in around.items() if loop.lineno == int(match[1])), None)
    if running is None:
        return False
    return running[1] == int(match[2]) if running[0].counted else None


@claim("backward", "gate", r"; it took (\[L.*)\.$")
def _it_took(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    return _gates(reader, bullet, label, match)


@claim("backward", "call", rf"{C} (?:had to give|gave) {V}")
def _gave(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    fits = bullet.shows(match[2])
    return any(fits(f.value) for f in reader.called(bullet.code(match[1]), None, bullet))


@claim("backward", "base case", r"the last of these is the base case at \[L(\d+)\]")
def _base(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    calls = re.findall(rf"{C} gave", bullet.template[: match.start()])
    frames = reader.called(bullet.code(calls[-1]), None, bullet)
    return any(
        frame.visits
        and frame.visits[-1].label == int(match[1])
        and not any(f.caller and f.caller.frame is frame for f in reader.run.frames.values())
        for frame in frames
    )


@claim(
    "backward", "only", rf"his line hands back {C}|No «\d+» hands over a value, so «\d+» gives {C}"
)
def _hands_back(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    if reader.main is None or reader.main.value is None or not reader.main.visits:
        return False
    last = reader.main.visits[-1].statement
    if match[2]:
        silent = not isinstance(last, ast.Return) or last.value is None
        return silent and reader.main.value.text == bullet.code(match[2])
    value = last.value if isinstance(last, ast.Return) else None
    return reader.main.visits[-1].label == label and bullet.code(match[1]) == (
        ast.unparse(value) if value is not None else "None"
    )


@claim("backward", "only", rf"Only this line hands back {C}")
def _only(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    if reader.main is None or reader.main.definition is None:
        return False
    value = bullet.code(match[1])
    rivals = [
        node
        for node in ast.walk(reader.main.definition)
        if isinstance(node, ast.Return) and node.lineno != label
    ]
    return not any(
        value == "None" if node.value is None else ast.unparse(node.value) == value
        for node in rivals
    )


@claim(
    "backward",
    "not run",
    r"((?:\[L\d+\](?:, | and )?)+) would [^.:]*, so (?:it|they) must not run: "
    rf"\[L(\d+)\] {C} (?:(?:was [^.]* and )?ran no pass|failed in (?:{EVERY}))",
)
def _not_run(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    if any(_in_main(reader, int(line)) for line in re.findall(r"\d+", match[1])):
        return False
    asked = _in_main(reader, int(match[2]))
    if match[0].endswith("no pass"):
        rounds = [r for r in reader.run.rounds if r.loop.lineno == int(match[2])]
        return bool(asked) and not any(r.count for r in rounds if r.frame is reader.main)
    outcomes = [_met(reader, visit, bullet.code(match[3])) for visit in asked]
    if None in outcomes:
        return None
    return not any(outcomes) and len(asked) == counted(match[4] or ("two" if match[5] else "one"))


@claim(
    "backward",
    "witness",
    r"(?:All of this is met by|meets every point is|does all of this is|found is|simple one is) (.*)\.$",
)
def _witness(reader: Reader, bullet: Bullet, label: int, match: re.Match[str]) -> bool | None:
    if reader.main is None:
        return None
    pairs = [bullet.code(index).partition(" = ") for index in re.findall(C, match[1])]
    given = reader.main.arguments
    return all(name in given and given[name].text == text for name, _, text in pairs)


# ----------------------------------------------------------------------------------- the tests

KINDS = {
    "property": 1000,
    "bound": 700,
    "value": 500,
    "condition": 400,
    "iteration": 350,
    "returned": 200,
    "call": 150,
    "loop": 140,
    "was": 130,
    "changes": 90,
    "history": 90,
    "moved": 65,
    "made": 60,
    "sets": 50,
    "equality": 35,
    "choice": 35,
    "took": 30,
    "stays": 25,
    "middle": 15,
    "gate": 15,
    "passes": 10,
}
"""The shapes that must be there in numbers; about half of what was there when this was written."""


async def about_witness(prompt: Prompt, text: str) -> Prompt:
    """A deduction is about the run of the input that it chooses."""
    call = tasks.parse_answer(text, "backward").call
    if call is None or call == prompt.literal_call or prompt.rerun is None:
        return prompt
    trace = await prompt.rerun.trace(call)
    return replace(prompt, trace=trace, traces=(*prompt.traces, trace))


class Listener:
    """A Teacher that lets the Narrator speak and keeps what it was asked and said."""

    name = "listener"

    def __init__(self) -> None:
        self.narrator = Narrator()
        self.heard: list[tuple[Prompt, str]] = []

    async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
        said = await self.narrator.complete(prompt, n=n)
        if prompt.direction == "backward":
            prompt = await about_witness(prompt, said[0].text)
        self.heard.extend((prompt, completion.text) for completion in said)
        return said


def told_of(problems: Any, out: Path) -> Report:
    """Have every Call narrated in both directions, and read what was said."""
    listener = Listener()
    synthesize(problems, listener, out, format="jsonl")
    report = Report()
    runs = Runs()
    for prompt, text in listener.heard:
        Reader(prompt, text, report, runs).read()
    return report


def explained(report: Report) -> str:
    kinds = ", ".join(f"{kind} {count}" for kind, count in report.read.most_common())
    claims = "\n".join(sorted(report.false))
    return f"{len(report.false)} false of {report.read.total()} claims ({kinds}):\n{claims}"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return told_of(PROGRAMS, tmp_path_factory.mktemp("told") / "corpus")


def test_every_claim_about_the_example_programs_is_true(examples: Report) -> None:
    assert not examples.false, explained(examples)


def test_enough_claims_of_every_shape_are_read_for_the_check_to_mean_something(
    examples: Report,
) -> None:
    assert examples.texts > 300
    assert examples.read.total() > 6000, examples.read
    assert len(examples.silent) < 0.12 * examples.bullets, "\n".join(examples.silent)
    few = {kind: examples.read[kind] for kind in KINDS if examples.read[kind] < KINDS[kind]}
    assert not few
    assert examples.unchecked.total() < 0.2 * examples.read.total(), examples.unchecked


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["mbpp_train_calls.jsonl", "algorithms_calls.jsonl"])
def test_every_claim_about_a_sample_of_other_peoples_programs_is_true(
    name: str, tmp_path: Path
) -> None:
    path = MORE / name
    if not path.exists():
        pytest.skip(f"{name} is not there")
    report = told_of(sample(path), tmp_path / "corpus")
    assert report.read.total() > 2000
    assert not report.false, explained(report)


def sample(path: Path) -> list[Problem]:
    """The same problems each time, from all parts of a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    chosen = random.Random(0).sample(lines, min(SAMPLE, len(lines)))
    return [Problem.model_validate(json.loads(line)) for line in chosen]
