"""A loop in bullets: how it begins, the passes that show something new, how it ends."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby

from pytrace_mono.synth.narrator.clauses import Clauses
from pytrace_mono.synth.narrator.conditions import again, branch_taken, sides_of, verdict
from pytrace_mono.synth.narrator.detail import Detail, path_of, told_passes
from pytrace_mono.synth.narrator.sentences import Item
from pytrace_mono.synth.narrator.source import Loop
from pytrace_mono.synth.narrator.story import (
    Activation,
    Node,
    Round,
    Visit,
    has_inline_body,
    loop_values,
    visits,
)
from pytrace_mono.synth.narrator.values import is_short, python_value, show
from pytrace_mono.synth.narrator.wording import Voice, code, label, listing, number, sentence, times
from pytrace_mono.tracer.types import Snapshot

TellBody = Callable[[Sequence[Node], Iterable[str], int], list[Item]]
"""Tells the body of an iteration: (nodes, what has been told, depth of loops) -> bullets."""
TellCalls = Callable[[Visit], tuple[list[Item], str]]
"""Tells the calls of a visit: (bullets for those gone into, what the others gave)."""


class Loops:
    """Tells the loops of one activation.

    Args:
        clauses: writes single clauses.
        voice: chooses between phrasings.
        activation: where the loops ran.
        detail: how many passes are told.
        tell_body: tells what an iteration did.
        tell_calls: tells what a header called.
    """

    def __init__(
        self,
        clauses: Clauses,
        voice: Voice,
        activation: Activation,
        detail: Detail,
        tell_body: TellBody,
        tell_calls: TellCalls,
    ) -> None:
        self._clauses = clauses
        self._voice = voice
        self._activation = activation
        self._detail = detail
        self._tell_body = tell_body
        self._tell_calls = tell_calls

    def round(self, node: Round, loop_depth: int, *, brief: bool) -> list[Item]:
        """One run of a loop, after what its header called; ``brief`` leaves its passes out."""
        count = len(node.iterations)
        called: list[Item] = []
        given = ""
        headers = _all_headers(node)
        if not isinstance(node.loop, ast.While) and headers is not None:
            called, given = self._tell_calls(headers)
        opening = f"{label(node.line)} {self._opening(node, count)}"
        if self._is_suspended_in(node):
            opening = re.sub("; it runs .*", "", opening)
        if given:
            opening = f"{label(node.line)} {given}. {sentence(opening.partition('] ')[2])}"
        if has_inline_body(node.loop):
            return [*called, Item(sentence(opening) + (self._outcome(node) or " Nothing changes."))]
        if count == 0 or brief:
            state = self._outcome(node) if count else ""
            return [*called, Item(sentence(opening) + state)]
        most = self._detail.outer if loop_depth == 0 else self._detail.inner
        told = set(told_passes(node.iterations, most))
        inner: list[Item] = []
        steady = self._steady(node)
        for shown, run in groupby(range(count), key=told.__contains__):
            positions = list(run)
            if not shown:
                inner.append(self._skipped(node, positions[0], positions[-1] + 1, told))
                continue
            for position in positions:
                inner.append(self._iteration(node, position, loop_depth, steady))
        closing = self._closing(node, count) if loop_depth == 0 else ""
        if closing:
            inner.append(Item(closing))
        return [*called, Item(sentence(opening), inner)]

    def _steady(self, node: Round) -> set[str]:
        """Variables that the loop leaves alone."""
        first = next(visits([node]))
        changed = {name for visit in visits([node]) for name in visit.changes}
        return set(first.before) - changed

    def _is_suspended_in(self, node: Round) -> bool:
        """True for a loop that a generator has not finished yet: its passes are not all there."""
        if self._activation.ending not in ("yield", "await"):
            return False
        return list(visits([node]))[-1].follower is None

    def _opening(self, node: Round, count: int) -> str:
        loop = node.loop
        if node.goes_on:
            return _continued(loop)
        if has_inline_body(loop):  # the lines do not tell its passes
            if isinstance(loop, ast.While):
                return f"The loop goes on while {code(ast.unparse(loop.test))}"
            return f"The loop goes over {code(self._range(node) or ast.unparse(loop.iter))}"
        if isinstance(loop, ast.While):
            test = ast.unparse(loop.test)
            if isinstance(loop.test, ast.Constant):
                return f"The loop goes on until it is left from inside; it runs {times(count)}"
            if count == 0:
                assert node.last_check is not None
                known = self._clauses.known(node.last_check)
                return f"{verdict(loop.test, False, known)}, so the loop body never runs"
            return f"The loop goes on while {code(test)}; it runs {times(count)}"
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
            return f"The loop takes items from {code(iterable)}; it runs {times(count)}"
        numbers = self._range(node)
        if numbers is not None:
            target = code(ast.unparse(loop.target))
            return f"The loop takes {target} through {code(numbers)}; it runs {times(count)}"
        return f"The loop goes over {code(iterable)}; it runs {times(count)}"

    def _range(self, node: Round) -> str | None:
        """The loop's ``range`` with its bounds as numbers."""
        assert not isinstance(node.loop, ast.While)
        iterable = node.loop.iter
        if not isinstance(iterable, ast.Call) or ast.unparse(iterable.func) != "range":
            return None
        return self._clauses.known(next(visits([node]))).text(iterable)

    def _iteration(self, node: Round, index: int, loop_depth: int, steady: Collection[str]) -> Item:
        iteration = node.iterations[index]
        header = iteration.header
        told: list[str] = []
        lead = ""
        called: list[Item] = []
        if header is not None and isinstance(node.loop, ast.While):
            test, known = node.loop.test, self._clauses.known(header)
            called, given = self._tell_calls(header)
            lead = again(test, True, known, steady) if index else verdict(test, True, known)
            if given:
                lead += f", {'since' if ', since ' not in lead else 'and'} {given}"
            lead += ". "
            told = [ast.unparse(side) for side in sides_of(test, known)]
        elif header is not None:
            values = loop_values(header)
            pairs = [f"{name} = {value.text}" for name, value in values.items() if is_short(value)]
            told = list(values)
            lead = f"{listing([code(pair) for pair in pairs])}. " if pairs else ""
        items = self._tell_body(iteration.body, told, loop_depth + 1)
        which = f"teration {node.before + index + 1}:"
        which = f"The rest of i{which}" if node.is_interrupted and not index else f"I{which}"
        text = f"{which} {lead}"
        if called:
            return Item(which, [*called, Item(lead.strip()), *items])
        if items and not items[0].inner and not re.match(r"(\[L\d+\] )?In `", items[0].text):
            text += items[0].text
            return Item(text.strip(), items[1:])
        if not items and not lead:
            text += "nothing changes."
        return Item(text.strip(), items)

    def _skipped(self, node: Round, first: int, last: int, told: Collection[int]) -> Item:
        """What the iterations in the middle came to, without going through them."""
        middle = node.iterations[first:last]
        begin, end = node.before + first + 1, node.before + last
        span = f"Iterations {begin} to {end}" if end > begin else f"Iteration {end}"
        held = []
        for test in [s for s in node.loop.body if isinstance(s, ast.If)]:
            asked = [v for it in middle for v in visits(it.body) if v.statement is test]
            count = sum(branch_taken(v) for v in asked)
            if asked and count in (0, len(asked)):
                said = "holds every time" if count else "never holds"
                held.append(f"[L{test.lineno}] {code(ast.unparse(test.test))} {said}")
            elif asked:
                share = f"{count} of {len(asked)} times"
                held.append(f"[L{test.lineno}] {code(ast.unparse(test.test))} holds {share}")
        text = f"{span} {'goes' if last == first + 1 else 'go'} on"
        met = {path_of(node.iterations[position]) for position in told}
        if all(path_of(iteration) in met for iteration in middle):
            text += " in the same way"
        if held:
            text += f": {listing(held[:3])}"
        state = self._state(node, next(visits([_as_round(node, last)])).before)
        return Item(sentence(text) + (f" After that, {state}." if state else ""))

    def _outcome(self, node: Round) -> str:
        *_, final = visits([node])
        state = self._state(node, final.after)
        return f" In the end {state}." if state else ""

    def _state(self, node: Round, values: dict[str, Snapshot]) -> str:
        """``total is 12 and n is 3``: the variables the loop's body changes."""
        names: dict[str, None] = {}
        for visit in visits([node]):
            if visit.statement is not node.loop or has_inline_body(node.loop):
                names.update(dict.fromkeys(visit.changes))
        begun = next(visits([node])).before  # what outlives the loop says more than its helpers
        shown = [
            f"{code(name)} is {show(values[name])}"
            for name in sorted(names, key=lambda name: name not in begun)
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
            _, given = self._tell_calls(check)
            if given:
                reason += f", {'since' if ', since ' not in reason else 'and'} {given}"
            return sentence(f"{label(node.line)} Now {reason}, and the loop ends")
        ended = self._voice.choose(
            f"{node.line}{count}", "There is nothing left to take", "That was the last one"
        )
        return sentence(f"{ended}, and the loop ends")


def _size(value: Snapshot | None) -> int | None:
    if value is None or not value.exact:
        return None
    built = python_value(value)
    return len(built) if isinstance(built, (list, tuple, str, set, dict)) else None


def _continued(loop: Loop) -> str:
    """How a loop is taken up again that began before the Call."""
    if not isinstance(loop, ast.While):
        return f"The loop over {code(ast.unparse(loop.iter))} goes on"
    if isinstance(loop.test, ast.Constant):
        return "The loop, which only ends from inside, goes on"
    return f"The loop goes on while {code(ast.unparse(loop.test))}"


def _all_headers(node: Round) -> Visit | None:
    """The first header, with what all of them called: a generator goes on at each."""
    headers = [pass_.header for pass_ in node.iterations if pass_.header is not None]
    headers += [node.last_check] if node.last_check is not None else []
    if not headers:
        return None
    first = headers[0]
    calls = [call for header in headers for call in header.calls]
    return Visit(first.statement, first.line, first.before, calls=calls)


def _as_round(node: Round, position: int) -> Round:
    """The loop from one iteration on."""
    return Round(node.loop, node.iterations[position:], node.last_check)
