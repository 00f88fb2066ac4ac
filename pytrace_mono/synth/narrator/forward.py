"""Execution Simulation: the story told from input to output, the middle of long loops left out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pytrace_mono.synth.narrator.clauses import (
    Clauses,
    branch_taken,
    call_text,
    returned,
)
from pytrace_mono.synth.narrator.conditions import sides_of, verdict
from pytrace_mono.synth.narrator.inside import steps_inside
from pytrace_mono.synth.narrator.source import Source
from pytrace_mono.synth.narrator.story import Activation, Iteration, Node, Round, Visit, visits
from pytrace_mono.synth.narrator.values import is_short, python_value, show
from pytrace_mono.synth.narrator.wording import (
    Voice,
    code,
    label,
    listing,
    number,
    sentence,
)
from pytrace_mono.tracer.types import Snapshot

_ITEMS = 60
"""Bullets after which inner calls and loops are only summed up."""
_CALL_DEPTH = 3


@dataclass
class Item:
    """One bullet and the bullets under it."""

    text: str
    inner: list[Item] = field(default_factory=list)


class Simulation:
    """Narrates activations forwards.

    Args:
        source: the program.
        voice: chooses between phrasings.
    """

    def __init__(self, source: Source, voice: Voice) -> None:
        self._source = source
        self._voice = voice
        self._clauses = Clauses(source, voice)
        self.left = _ITEMS
        self.told_calls: set[str] = set()
        self.told_functions: set[str] = set()

    def lines(self, roots: Sequence[Activation], main: Activation | None) -> list[str]:
        """The bullets of the whole Call, as Markdown lines.

        Args:
            roots: the outermost activations.
            main: the one the Call is about; the others are told as calls of their own.
        """
        items: list[Item] = []
        # A generator left over is closed when the interpreter drops it: no part of the answer.
        roots = [root for root in roots if not root.resumed]
        for root in roots:
            if root is not main and main is not None:
                items.append(self.call_item(root, 1))
            else:
                items.extend(self._activation(root, 0))
        return _markdown(items, 0)

    def _activation(self, activation: Activation, depth: int) -> list[Item]:
        teller = _Paragraphs(self, activation, depth)
        items = teller.of(activation.nodes)
        fell_off = activation.ending == "return" and not _ends_with_return(activation.nodes)
        if fell_off and activation.name != "__init__":
            value = activation.value
            if value is not None and value.text == "None":
                items.append(Item("The end of the body is reached, so `None` is returned."))
        return items

    def call_item(self, call: Activation, depth: int) -> Item:
        """What happened inside one call, with its result."""
        text = call_text(call)
        self.left -= 1
        self.told_calls.add(text)
        self.told_functions.add(call.function)
        inner = self._activation(call, depth)
        if not inner:
            return Item(sentence(f"{code(text)} {returned(call)}"))
        if len(inner) == 1 and not inner[0].inner:
            return Item(f"In {code(text)}: {inner[0].text}")
        return Item(f"In {code(text)}:", inner)


class _Paragraphs:
    """Turns the nodes of one activation into items, joining a condition with what followed."""

    def __init__(self, simulation: Simulation, activation: Activation, depth: int) -> None:
        self._simulation = simulation
        self._clauses = simulation._clauses
        self._source = simulation._source
        self._activation = activation
        self._depth = depth

    def of(
        self, nodes: Sequence[Node], told: Iterable[str] = (), loop_depth: int = 0
    ) -> list[Item]:
        items: list[Item] = []
        sentences = _Sentences(self._source, compact=loop_depth > 0)
        known = set(told)
        for node in nodes:
            if isinstance(node, Round):
                items.extend(sentences.flush())
                items.append(self._round(node, loop_depth))
                continue
            told_calls, given = self._calls(node)
            if told_calls:
                items.extend(sentences.flush())
                items.extend(told_calls)
            self._add(sentences, node, known, given)
            items.extend(sentences.ready())
            if node.changes:
                known = {text for text in known if text.isidentifier()} | set(node.changes)
            elif isinstance(node.statement, ast.If):
                known.update(ast.unparse(side) for side in sides_of(node.statement.test))
        items.extend(sentences.flush())
        self._simulation.left -= len(items)
        return items

    def _add(self, sentences: _Sentences, visit: Visit, told: set[str], given: str) -> None:
        """Pass on the clause of a visit; ``given`` says what the calls in it returned."""
        statement = visit.statement
        place = label(visit.line)
        if isinstance(statement, (ast.Return, ast.Expr)) and self._leaves_by(visit):
            text = self._leaving(visit)
            if text:
                lead = f"{given}; " if given else ""
                sentences.effect(visit, f"{place} {lead}{text}")
            return
        clause = self._clauses.of(visit, told)
        if clause is None:
            if given:
                sentences.effect(visit, f"{place} {given}")
        elif clause.condition:
            why = f", since {given}" if given else ""
            sentences.condition(visit, clause.text + why, clause.holds)
        else:
            lead = f"{place} {given}, so " if given else f"{place} "
            sentences.effect(visit, lead + clause.text.removeprefix(f"{place} "))

    def _leaves_by(self, visit: Visit) -> bool:
        return isinstance(visit.statement, ast.Return) or _yields(visit.statement)

    def _leaving(self, visit: Visit) -> str:
        """What a ``return`` or ``yield`` hands over."""
        statement, value = visit.statement, self._activation.value
        if visit.raised is not None and self._activation.ending == "unwind":
            return "the exception leaves the function"
        if isinstance(statement, ast.Return):
            if value is None or self._activation.ending != "return":
                return ""
            return self._returned(visit, statement, value)
        if self._activation.ending == "yield" and value is not None and visit.follower is None:
            return f"{show(value)} is yielded"
        return ""

    def _returned(self, visit: Visit, statement: ast.Return, value: Snapshot) -> str:
        if statement.value is None:
            return "the function returns `None`"
        plain = isinstance(statement.value, (ast.Constant, ast.Name))
        if plain:
            return f"the function returns {show(value)}"
        known = self._clauses.known(visit)
        steps = [] if visit.calls else steps_inside(statement.value, known)
        if steps:
            return f"{listing(steps)}; the function returns {show(value)}"
        filled = known.filled_in(statement.value)
        evaluated = known.text(statement.value)
        trusted = evaluated is None or evaluated == value.text
        if filled is None or visit.calls or not trusted or filled == value.text:
            expression = ast.unparse(statement.value)
            if len(expression) > 60 or isinstance(statement.value, (ast.BoolOp, ast.Compare)):
                return f"the function returns {show(value)}"
            return f"{code(expression)} is {show(value)}, and the function returns it"
        return f"the function returns {show(value)}, from {code(filled)}"

    def _calls(self, visit: Visit) -> tuple[list[Item], str]:
        """The program's own functions that a statement called.

        Returns:
            Items for those worth going into, and a phrase with what the others returned.
        """
        calls = [call for call in visit.calls if not call.resumed]
        if not calls or isinstance(visit.statement, (ast.ClassDef, ast.FunctionDef)):
            return [], ""
        told: list[Activation] = []
        given: dict[str, str] = {}
        for call in calls:
            text = call_text(call)
            if self._is_worth_telling(call, told):
                told.append(call)
            elif call.ending == "return" and call.value is not None:
                given[text] = f"{code(text)} gives {show(call.value)}"
        phrase = listing(list(given.values())[:3])
        if len(given) > 3:
            phrase += f" (and {number(len(given) - 3)} more such calls)"
        items = [self._simulation.call_item(call, self._depth + 1) for call in told]
        for item, call in zip(items, told, strict=True):
            handed_out = _later_values(call, visit.calls)
            if handed_out:
                item.inner.append(Item(f"Asked again, it hands out {handed_out}."))
        if len(items) == 1 and not items[0].inner:
            return [Item(f"{label(visit.line)} {items[0].text}")], phrase
        if not items:
            return [], phrase
        names = listing([code(call_text(call, 40)) for call in told])
        return [Item(f"{label(visit.line)} This calls {names}.", items)], phrase

    def _is_worth_telling(self, call: Activation, told: list[Activation]) -> bool:
        """The first call of each function, and one call further down a recursion."""
        simulation = self._simulation
        if simulation.left <= 0 or self._depth >= _CALL_DEPTH or call.definition is None:
            return False
        if any(other.function == call.function for other in told):
            return False
        if call.function not in simulation.told_functions:
            return True
        recursive = call.function == self._activation.function
        return recursive and call_text(call) not in simulation.told_calls

    def _round(self, node: Round, loop_depth: int) -> Item:
        count = len(node.iterations)
        opening = f"{label(node.line)} {self._opening(node, count)}"
        if self._is_suspended_in(node):
            opening = re.sub("; it runs .*", "", opening)
        if count == 0:
            return Item(sentence(opening))
        most = 6 if loop_depth == 0 else 4
        first = most // 2 if count > most else count
        if self._simulation.left < 5:
            return Item(sentence(opening) + self._outcome(node))
        inner: list[Item] = []
        for position, iteration in enumerate(node.iterations[:first], 1):
            inner.append(self._iteration(node, iteration, position, loop_depth))
        if first < count:
            inner.append(self._skipped(node, first, count - 1))
            inner.append(self._iteration(node, node.iterations[-1], count, loop_depth))
        closing = self._closing(node, count) if loop_depth == 0 else ""
        if closing:
            inner.append(Item(closing))
        return Item(sentence(opening), inner)

    def _is_suspended_in(self, node: Round) -> bool:
        """True for a loop that a generator has not finished yet: its passes are not all there."""
        if self._activation.ending not in ("yield", "await"):
            return False
        return list(visits([node]))[-1].follower is None

    def _opening(self, node: Round, count: int) -> str:
        loop = node.loop
        if isinstance(loop, ast.While):
            test = ast.unparse(loop.test)
            if isinstance(loop.test, ast.Constant):
                return f"The loop goes on until it is left from inside; it runs {_times(count)}"
            if count == 0:
                assert node.last_check is not None
                known = self._clauses.known(node.last_check)
                return f"{verdict(loop.test, False, known)}, so the loop body never runs"
            return f"The loop goes on while {code(test)}; it runs {_times(count)}"
        iterable = ast.unparse(loop.iter)
        if count == 0:
            numbers = self._range(node)
            shown = f", being {code(numbers)}," if numbers not in (None, iterable) else ""
            return f"{code(iterable)}{shown} has nothing to give, so the loop body never runs"
        if isinstance(loop.iter, ast.Name):
            first = next(visits([node])).before.get(loop.iter.id)
            size = _size(first)
            if size == count > 1:
                return f"The loop takes the {number(count)} items of {code(iterable)} one at a time"
            return f"The loop takes items from {code(iterable)}; it runs {_times(count)}"
        numbers = self._range(node)
        if numbers is not None:
            target = code(ast.unparse(loop.target))
            return f"The loop takes {target} through {code(numbers)}; it runs {_times(count)}"
        return f"The loop goes over {code(iterable)}; it runs {_times(count)}"

    def _range(self, node: Round) -> str | None:
        """The loop's ``range`` with its bounds as numbers."""
        assert not isinstance(node.loop, ast.While)
        iterable = node.loop.iter
        if not isinstance(iterable, ast.Call) or ast.unparse(iterable.func) != "range":
            return None
        return self._clauses.known(next(visits([node]))).text(iterable)

    def _iteration(self, node: Round, iteration: Iteration, position: int, loop_depth: int) -> Item:
        head = f"Iteration {position}"
        header = iteration.header
        told: list[str] = []
        lead = ""
        if header is not None and isinstance(node.loop, ast.While):
            lead = f"{verdict(node.loop.test, True, self._clauses.known(header))}. "
            told = [ast.unparse(side) for side in sides_of(node.loop.test)]
        elif header is not None:
            pairs = [f"{name} = {v.text}" for name, v in header.changes.items() if is_short(v)]
            told = list(header.changes)
            lead = f"{listing([code(pair) for pair in pairs])}. " if pairs else ""
        items = self.of(iteration.body, told, loop_depth + 1)
        text = f"{head}: {lead}"
        if items and not items[0].text.startswith("In "):
            text += items[0].text
            return Item(text.strip(), items[0].inner + items[1:])
        if not items and not lead:
            text += "nothing changes."
        return Item(text.strip(), items)

    def _skipped(self, node: Round, first: int, last: int) -> Item:
        """What the iterations in the middle came to, without going through them."""
        middle = node.iterations[first:last]
        span = f"Iterations {first + 1} to {last}" if last > first + 1 else f"Iteration {last}"
        held = []
        for test in [s for s in node.loop.body if isinstance(s, ast.If)]:
            asked = [v for it in middle for v in visits(it.body) if v.statement is test]
            count = sum(branch_taken(v) for v in asked)
            if asked and count in (0, len(asked)):
                every = "every time" if count else "never"
                held.append(f"[L{test.lineno}] {code(ast.unparse(test.test))} holds {every}")
            elif asked:
                share = f"{count} of {len(asked)} times"
                held.append(f"[L{test.lineno}] {code(ast.unparse(test.test))} holds {share}")
        text = f"{span} do the same with other values"
        if last == first + 1:
            text = f"{span} does the same with other values"
        if held:
            text += f": {listing(held[:3])}"
        state = self._state(node, next(visits([_as_round(node, last)])).before)
        return Item(sentence(text) + (f" After that, {state}." if state else ""))

    def _outcome(self, node: Round) -> str:
        final = list(visits([node]))[-1]
        state = self._state(node, final.after)
        return f" In the end {state}." if state else ""

    def _state(self, node: Round, values: dict[str, Snapshot]) -> str:
        """``total is 12 and n is 3``: the variables the loop's body changes."""
        names: dict[str, None] = {}
        for visit in visits([node]):
            if visit.statement is not node.loop:
                names.update(dict.fromkeys(visit.changes))
        shown = [
            f"{code(name)} is {show(values[name])}"
            for name in names
            if name in values and len(values[name].text) <= 200
        ]
        return listing(shown[:3])

    def _closing(self, node: Round, count: int) -> str:
        check = node.last_check
        if check is None:
            return ""
        if isinstance(node.loop, ast.While):
            known = self._clauses.known(check)
            reason = verdict(node.loop.test, False, known)
            return sentence(f"{label(node.line)} Now {reason}, and the loop ends")
        ended = self._simulation._voice.choose(
            f"{node.line}{count}", "There is nothing left to take", "That was the last one"
        )
        return sentence(f"{ended}, and the loop ends")


class _Sentences:
    """Collects clauses and joins them: conditions first, then what they let happen."""

    def __init__(self, source: Source, *, compact: bool) -> None:
        self._source = source
        self._compact = compact
        self._conditions: list[tuple[Visit, str, bool]] = []
        self._effects: list[str] = []
        self._starts = 0
        self._done: list[str] = []

    def condition(self, visit: Visit, text: str, holds: bool) -> None:
        if self._effects:
            self._finish()
        if self._conditions and self._conditions[-1][2]:
            previous = self._conditions[-1][0].statement
            if not self._inside(visit, previous):
                self._finish()
        self._conditions.append((visit, text, holds))

    def effect(self, visit: Visit, text: str) -> None:
        if self._conditions and not self._inside(visit, self._conditions[-1][0].statement):
            self._finish()
        begins = " starts as " in text
        joins = begins and self._starts == len(self._effects) < 3
        if self._effects and not self._conditions and not self._compact and not joins:
            self._finish()
        self._effects.append(text)
        self._starts += begins

    def ready(self) -> list[Item]:
        """Sentences that nothing can join any more, one bullet each; none inside an iteration."""
        if self._compact:
            return []
        if self._effects and self._conditions:
            self._finish()
        return self._take()

    def flush(self) -> list[Item]:
        self._finish()
        return self._take()

    def _take(self) -> list[Item]:
        done, self._done = self._done, []
        if self._compact:
            return [Item(" ".join(done))] if done else []
        return [Item(text) for text in done]

    def _finish(self) -> None:
        if self._conditions:
            text = "; ".join(text for _, text, _ in self._conditions)
            if self._effects:
                text += f", so {_joined(self._effects)}"
            elif not self._conditions[-1][2]:
                text += ", so nothing happens here" if self._compact else ", so the run goes on"
            self._done.append(sentence(text))
        elif self._effects:
            self._done.append(sentence(_joined(self._effects)))
        self._conditions, self._effects, self._starts = [], [], 0

    def _inside(self, visit: Visit, statement: ast.stmt | None) -> bool:
        node: ast.AST | None = visit.statement
        while node is not None and node is not statement:
            node = self._source.parents.get(node)
        return node is not None and visit.statement is not statement


def _joined(effects: list[str]) -> str:
    """A list of clauses; semicolons where commas inside them would make it hard to read."""
    if len(effects) > 1 and any(", " in re.sub(r"`[^`]*`", "", text) for text in effects):
        return f"{'; '.join(effects[:-1])}; and {effects[-1]}"
    return listing(effects)


def _markdown(items: list[Item], depth: int) -> list[str]:
    lines: list[str] = []
    for item in items:
        lines.append(f"{'  ' * depth}- {item.text}")
        lines.extend(_markdown(item.inner, depth + 1))
    return lines


def _later_values(generator: Activation, calls: list[Activation]) -> str:
    """What a generator yielded when the same statement asked it for more."""
    if generator.ending != "yield":
        return ""
    later = [
        show(call.value)
        for call in calls
        if call.resumed and call.function == generator.function and call.ending == "yield"
        if call.value is not None
    ]
    return listing([*later[:5], "so on"] if len(later) > 5 else later)


def _ends_with_return(nodes: list[Node]) -> bool:
    last = None
    for last in visits(nodes):  # noqa: B007
        pass
    return last is not None and isinstance(last.statement, ast.Return)


def _yields(statement: ast.stmt | None) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(
        statement.value, (ast.Yield, ast.YieldFrom)
    )


def _size(value: Snapshot | None) -> int | None:
    if value is None or not value.exact:
        return None
    built = python_value(value)
    return len(built) if isinstance(built, (list, tuple, str, set, dict)) else None


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{number(count)} times")


def _as_round(node: Round, position: int) -> Round:
    """The loop from one iteration on."""
    return Round(node.loop, node.iterations[position:], node.last_check)
