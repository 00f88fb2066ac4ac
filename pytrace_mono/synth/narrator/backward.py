"""Reverse Deduction: from the output back through the lines that made it, to an input.

The recording is sliced backwards: from the ``return`` that fired to the variables in it, to the
statements that changed those, to the conditions that let these statements run, until only parameters
are left. Every statement made is about the recorded run, which is one that gives the output.
"""

from __future__ import annotations

import ast

from pytrace_mono.synth.narrator.conditions import branch_taken, came_out, opposite
from pytrace_mono.synth.narrator.origins import Origins
from pytrace_mono.synth.narrator.slicing import Slice
from pytrace_mono.synth.narrator.source import Loop, Source, is_constant, names_read, own_nodes
from pytrace_mono.synth.narrator.story import Activation, Visit, loop_values
from pytrace_mono.synth.narrator.values import is_short, show
from pytrace_mono.synth.narrator.wording import Voice, code, label, listing
from pytrace_mono.tracer.types import Snapshot

_MOST_BULLETS = 12
_MOST_OF_HELPER = 4


class Deduction:
    """Argues from the output of one activation back to its arguments.

    Args:
        source: the program.
        voice: chooses between phrasings.
        activation: the run of the function in question.
        output: what it returned.
    """

    def __init__(
        self, source: Source, voice: Voice, activation: Activation, output: Snapshot
    ) -> None:
        self._source = source
        self._voice = voice
        self._output = output
        self._slice = Slice(source, voice, activation)
        self._origins = Origins(self._slice, self._inside)

    def lines(self, witness: str, another: bool) -> list[str]:
        """The bullets, the last one choosing ``witness`` (source of the Call) as the input.

        ``another`` says that there is at least one more input that gives the output.
        """
        last = self._slice.visits[-1] if self._slice.visits else None
        if last is not None and isinstance(last.statement, ast.Return):
            self._from_return(last, last.statement)
            self._path_to(last)
        else:
            ends = f"{label(last.line)} is the last line to run. " if last is not None else ""
            call = code(f"{self._slice.function.name}(...)")
            self._slice.say(
                f"{ends}No `return` hands over a value, so {call} gives "
                f"{show(self._output)} whenever it runs to its end."
            )
            if last is not None:
                self._path_to(last)
        self._explain(_MOST_BULLETS)
        self._slice.say(self._choice(witness, another))
        return [f"- {bullet}" for bullet in self._slice.bullets]

    def _explain(self, most: int) -> None:
        while self._slice.waiting and len(self._slice.bullets) < most:
            self._origins.explain(self._slice.waiting.pop(0))

    def _inside(self, call: Activation) -> list[str]:
        """How a helper came to its value: the first bullets of a deduction of its own."""
        assert call.value is not None
        return Deduction(self._source, self._voice, call, call.value).of_helper()

    def of_helper(self) -> list[str]:
        """The bullets about a helper whose value has been said; helpers of its own stay closed."""
        self._origins.descend = None
        last = self._slice.visits[-1] if self._slice.visits else None
        if last is None or not isinstance(last.statement, ast.Return):
            return []
        value = last.statement.value
        if value is None or is_constant(value):
            self._slice.say(f"{label(last.line)} is the `return` that this takes.")
        elif isinstance(value, ast.Name):
            self._from_return(last, last.statement)
        else:
            text = f"{label(last.line)} hands back {code(ast.unparse(value))}."
            self._slice.say(text + self._slice.parts(last, value, self._output))
            self._slice.want(value)
        self._path_to(last)
        self._explain(_MOST_OF_HELPER)
        return self._slice.bullets[:_MOST_OF_HELPER]

    def _from_return(self, visit: Visit, statement: ast.Return) -> None:
        place, output = label(visit.line), self._output.text
        value = statement.value
        if value is None or is_constant(value):
            self._constant_return(visit, statement)
        elif isinstance(value, ast.Name):
            lead = self._voice.choose(
                f"{visit.line}{output}",
                f"What comes back is {code(value.id)}, so at the end",
                f"{code(value.id)} is handed back as it stands, so there",
            )
            self._slice.say(f"{place} {lead} {self._equals(value.id, self._output)}.")
        else:
            expression = ast.unparse(value)
            bullet = f"{place} What comes back is {code(expression)}"
            bullet += f", and it has to be {show(self._output)}."
            bullet += self._side_of(visit, value)
            bullet += self._slice.parts(visit, value, self._output)
            self._slice.say(bullet)
        self._origins.inner_calls(visit)
        self._slice.want(value)

    def _side_of(self, visit: Visit, value: ast.expr) -> str:
        """Which side of ``a if test else b`` it has to be, as a sentence."""
        if not isinstance(value, ast.IfExp) or visit.calls:
            return ""
        holds = came_out(value.test, self._slice.clauses.known(visit))
        if holds is None:
            return ""
        wanted = ast.unparse(value.test) if holds else opposite(value.test)
        chosen = value.body if holds else value.orelse
        return f" That is {code(ast.unparse(chosen))}, which takes {code(wanted)}."

    def _constant_return(self, visit: Visit, statement: ast.Return) -> None:
        given = "None" if statement.value is None else ast.unparse(statement.value)
        rivals = [
            node
            for node in ast.walk(self._slice.function)
            if isinstance(node, ast.Return) and node is not statement
        ]
        same = [n for n in rivals if n.value is not None and ast.unparse(n.value) == given]
        only = "Only this line hands back" if not same else "This line hands back"
        if any(n.value is not None and not is_constant(n.value) for n in rivals):
            only = "This line hands back"
        self._slice.say(
            f"{label(visit.line)} {only} {code(given)}, so it is the `return` to get to."
            if only.startswith("Only")
            else f"{label(visit.line)} {only} {code(given)}; another may too, but this one was reached."
        )

    def _equals(self, name: str, value: Snapshot) -> str:
        if value.exact and len(value.text) <= 200:
            return code(f"{name} == {value.text}")
        return f"{code(name)} is {show(value)}"

    def _path_to(self, visit: Visit) -> None:
        """The conditions that had to hold for the run to come to this visit."""
        passed: list[str] = []
        end = next(i for i, v in enumerate(self._slice.visits) if v is visit)
        for test in self._slice.visits[:end]:
            statement = test.statement
            if not isinstance(statement, ast.If) or statement in self._slice.told:
                continue
            if len(self._slice.source.loops_around[statement]) > 0:
                continue
            around = self._slice.is_inside(visit.statement, statement)
            leaves = isinstance(statement.body[-1], (ast.Return, ast.Raise))
            if around or (leaves and not branch_taken(test)):
                self._slice.told.add(statement)
                holds = branch_taken(test)
                wanted = ast.unparse(statement.test) if holds else opposite(statement.test)
                passed.append(f"{label(statement.lineno)} {code(wanted)}")
                self._slice.want(statement.test)
        if passed:
            what = "this condition" if len(passed) == 1 else "these conditions"
            self._slice.say(f"The run gets there only under {what}: {listing(passed)}.")
        if visit.statement is None:
            return
        loops = self._slice.source.loops_around[visit.statement]
        self._past_loops(visit, end)
        if loops:
            self._stopped_inside(visit, loops[0])

    def _past_loops(self, visit: Visit, end: int) -> None:
        """Loops that were over by then must not have answered, or been broken off, before."""
        passed = dict.fromkeys(v.statement for v in self._slice.visits[:end])
        for loop in passed:
            if not isinstance(loop, Loop) or len(self._slice.source.loops_around[loop]) > 1:
                continue
            in_else = any(self._slice.is_inside(visit.statement, s, True) for s in loop.orelse)
            if not in_else and self._slice.is_inside(visit.statement, loop):
                continue
            self._origins.must_not_run(_returns(loop.body), "would answer too soon")
            if in_else:
                breaks = [n for n in ast.walk(loop) if isinstance(n, ast.Break)]
                self._origins.must_not_run(breaks, f"would keep {label(visit.line)} from running")
            elif _returns(loop.orelse):
                place = label(loop.orelse[0].lineno)
                self._slice.say(
                    f"The loop at {label(loop.lineno)} must not come to its end, where {place} "
                    "answers." + self._origins.broken_off(loop)
                )

    def _stopped_inside(self, visit: Visit, loop: Loop) -> None:
        """The run left from inside a loop: say in which iteration, and what let it."""
        headers = [v for v in self._slice.visits if v.statement is loop]
        guards = [
            node
            for node in ast.walk(loop)
            if isinstance(node, ast.If) and self._slice.is_inside(visit.statement, node)
        ]
        bullet = f"This happened inside the loop at {label(loop.lineno)}"
        if headers and isinstance(loop, (ast.For, ast.AsyncFor)):
            bullet += f", in iteration {len(headers)}"
            state = [
                f"{code(name)} was {show(value)}"
                for name, value in loop_values(headers[-1]).items()
                if is_short(value)
            ]
            bullet += f", when {listing(state)}" if state else ""
        conditions = []
        for guard in guards:
            asked = [v for v in self._slice.visits if v.statement is guard]
            if asked:
                holds = branch_taken(asked[-1])
                wanted = ast.unparse(guard.test) if holds else opposite(guard.test)
                conditions.append(f"{label(guard.lineno)} {code(wanted)}")
                self._slice.told.add(guard)
                self._slice.want(guard.test)
        if conditions:
            bullet += f"; it took {listing(conditions)}"
        self._slice.say(bullet + ".")
        self._origins.feed(loop)

    def _choice(self, witness: str, another: bool) -> str:
        read = {
            name
            for visit in self._slice.visits
            if visit.statement is not None
            for name in names_read(_header_only(visit.statement))
        }
        arguments = self._slice.activation.arguments
        pairs = [
            (name, f"{name} = {arguments[name].text}")
            for name in self._slice.parameters
            if name in arguments
        ]
        # The arguments of a decorator's function are not those of the function that it wraps.
        wrapped = self._slice.activation.name != witness.partition("(")[0].rpartition(".")[2]
        free = [code(name) for name, _ in pairs if name not in read]
        text = ""
        if free and len(free) < len(pairs) and not wrapped:
            verb = "is" if len(free) == 1 else "are"
            text = f"{listing(free)} {verb} never read on this way and could be anything. "
        if wrapped or not pairs or sum(len(pair) for _, pair in pairs) > 400:
            return f"{text}An input that meets all of this is {code(witness)}."
        chosen = listing([code(pair) for _, pair in pairs])
        lead = self._voice.choose(
            witness,
            "All of this is met by",
            "An input that meets every point is",
            "One input that does all of this is",
        )
        if another:
            lead = self._voice.choose(
                witness,
                "This does not settle the input; the simplest that was found is",
                "More than one input does this; a simple one is",
            )
        return f"{text}{lead} {chosen}."


def _returns(block: list[ast.stmt]) -> list[ast.stmt]:
    """The ``return`` statements in a block, not those of functions defined in it."""
    return [n for statement in block for n in _walk(statement) if isinstance(n, ast.Return)]


def _walk(statement: ast.stmt) -> list[ast.AST]:
    return [statement, *own_nodes(statement)]


def _header_only(statement: ast.stmt) -> ast.AST:
    """What a compound statement itself reads, without its body."""
    if isinstance(statement, (ast.If, ast.While)):
        return statement.test
    if isinstance(statement, (ast.For, ast.AsyncFor)):
        return statement.iter
    if isinstance(statement, ast.Match):
        return statement.subject
    if isinstance(statement, (ast.With, ast.AsyncWith)):
        return ast.Tuple([item.context_expr for item in statement.items], ast.Load())
    if isinstance(statement, ast.Try):
        return ast.Pass()
    return statement
