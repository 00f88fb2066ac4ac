"""Reverse Deduction: from the output back through the lines that made it, to an input.

The recording is sliced backwards: from the ``return`` that fired to the variables in it, to the
statements that changed those, to the conditions that let these statements run, until only parameters
are left. Every statement made is about the recorded run, which is one that gives the output.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from pytrace_mono.synth.narrator.clauses import Clauses, branch_taken, call_text
from pytrace_mono.synth.narrator.conditions import opposite
from pytrace_mono.synth.narrator.inside import steps_inside
from pytrace_mono.synth.narrator.source import (
    Function,
    Loop,
    Source,
    local_names,
    names_read,
    parameters,
)
from pytrace_mono.synth.narrator.story import Activation, Visit, visits
from pytrace_mono.synth.narrator.values import is_short, show
from pytrace_mono.synth.narrator.wording import (
    Voice,
    code,
    label,
    listing,
    number,
    times,
)
from pytrace_mono.tracer.types import Snapshot

_MOST_BULLETS = 12
_MOST_VALUES = 4


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
        assert activation.definition is not None
        self._source = source
        self._voice = voice
        self._clauses = Clauses(source, voice)
        self._activation = activation
        self._function: Function = activation.definition
        self._output = output
        self._visits = list(visits(activation.nodes))
        self._local = local_names(self._function)
        self._parameters = [p for p in parameters(self._function) if p not in ("self", "cls")]
        self._bullets: list[str] = []
        self._waiting: list[str] = []
        self._explained: set[str] = set()
        self._conditions_told: set[ast.stmt] = set()

    def lines(self, witness: str) -> list[str]:
        """The bullets, the last one choosing ``witness`` (source of the Call) as the input."""
        last = self._visits[-1] if self._visits else None
        if last is not None and isinstance(last.statement, ast.Return):
            self._from_return(last, last.statement)
        else:
            self._bullets.append(
                f"No `return` hands over a value, so {code(self._function.name)} gives "
                f"{show(self._output)} whenever it runs to its end."
            )
            if last is not None:
                self._path_to(last)
        while self._waiting and len(self._bullets) < _MOST_BULLETS:
            self._explain(self._waiting.pop(0))
        self._bullets.append(self._choice(witness))
        return [f"- {bullet}" for bullet in self._bullets]

    def _want(self, *nodes: ast.AST | None) -> None:
        """Put the local variables an expression reads on the list of what must be explained."""
        for node in nodes:
            for name in names_read(node) if node is not None else ():
                if name in self._local and name not in self._explained:
                    self._explained.add(name)
                    self._waiting.append(name)

    def _from_return(self, visit: Visit, statement: ast.Return) -> None:
        place, output = label(visit.line), self._output.text
        value = statement.value
        if value is None or isinstance(value, ast.Constant):
            self._constant_return(visit, statement)
        elif isinstance(value, ast.Name):
            lead = self._voice.choose(
                f"{visit.line}{output}",
                f"What comes back is {code(value.id)}, so at the end",
                f"{code(value.id)} is handed back as it stands, so there",
            )
            self._bullets.append(f"{place} {lead} {self._equals(value.id, self._output)}.")
        else:
            expression = ast.unparse(value)
            bullet = f"{place} What comes back is {code(expression)}"
            bullet += f", and it has to be {show(self._output)}."
            bullet += self._parts(visit, value)
            self._bullets.append(bullet)
        self._inner_calls(visit)
        self._want(value)
        self._path_to(visit)

    def _constant_return(self, visit: Visit, statement: ast.Return) -> None:
        given = "None" if statement.value is None else ast.unparse(statement.value)
        rivals = [
            node
            for node in ast.walk(self._function)
            if isinstance(node, ast.Return) and node is not statement
        ]
        same = [n for n in rivals if n.value is not None and ast.unparse(n.value) == given]
        only = "Only this line hands back" if not same else "This line hands back"
        if any(n.value is not None and not isinstance(n.value, ast.Constant) for n in rivals):
            only = "This line hands back"
        self._bullets.append(
            f"{label(visit.line)} {only} {code(given)}, so it is the `return` to get to."
        )

    def _parts(self, visit: Visit, value: ast.expr) -> str:
        known = self._clauses.known(visit)
        steps = steps_inside(value, known)
        if steps:
            return f" There {listing(steps)}."
        names = [n for n in names_read(value) if n in visit.before and n in self._local]
        shown = [f"{code(n)} was {show(visit.before[n])}" for n in names[:_MOST_VALUES]]
        return f" At that point {listing(shown)}." if shown else ""

    def _equals(self, name: str, value: Snapshot) -> str:
        if len(value.text) <= 200:
            return code(f"{name} == {value.text}")
        return f"{code(name)} is {show(value)}"

    def _inner_calls(self, visit: Visit) -> None:
        """Go down the calls that a statement needed, along the recursion if there is one."""
        calls = [call for call in visit.calls if call.ending == "return" and call.value is not None]
        if not calls:
            return
        own = [call for call in calls if call.function == self._activation.function]
        if not own:
            shown = [
                f"{code(call_text(call))} had to give {show(call.value)}"
                for call in calls[:3]
                if call.value is not None
            ]
            self._bullets.append(f"For that, {listing(list(dict.fromkeys(shown)))}.")
            return
        chain = _down(own[0])
        shown_chain = chain if len(chain) <= _MOST_VALUES else [*chain[:2], *chain[-1:]]
        texts = [f"{code(call_text(c))} gave {show(c.value)}" for c in shown_chain if c.value]
        bullet = f"Going down the recursion, {listing(texts)}"
        base = list(visits(chain[-1].nodes))
        if base and isinstance(base[-1].statement, ast.Return):
            bullet += f"; the last of these is the base case at {label(base[-1].line)}"
        self._bullets.append(bullet + ".")

    def _path_to(self, visit: Visit) -> None:
        """The conditions that had to hold for the run to come to this visit."""
        passed: list[str] = []
        end = next(i for i, v in enumerate(self._visits) if v is visit)
        for test in self._visits[:end]:
            statement = test.statement
            if not isinstance(statement, ast.If) or statement in self._conditions_told:
                continue
            if len(self._source.loops_around[statement]) > 0:
                continue
            around = self._is_inside(visit.statement, statement)
            leaves = isinstance(statement.body[-1], (ast.Return, ast.Raise))
            if around or (leaves and not branch_taken(test)):
                self._conditions_told.add(statement)
                holds = branch_taken(test)
                wanted = ast.unparse(statement.test) if holds else opposite(statement.test)
                passed.append(f"{label(statement.lineno)} {code(wanted)}")
                self._want(statement.test)
        if passed:
            what = "this condition" if len(passed) == 1 else "these conditions"
            self._bullets.append(f"The run gets there only under {what}: {listing(passed)}.")
        if visit.statement is None:
            return
        loops = self._source.loops_around[visit.statement]
        if loops:
            self._stopped_inside(visit, loops[0])

    def _stopped_inside(self, visit: Visit, loop: Loop) -> None:
        """The run left from inside a loop: say in which iteration, and what let it."""
        headers = [v for v in self._visits if v.statement is loop]
        guards = [
            node
            for node in ast.walk(loop)
            if isinstance(node, ast.If) and self._is_inside(visit.statement, node)
        ]
        bullet = f"This happened inside the loop at {label(loop.lineno)}"
        if headers:
            bullet += f", in iteration {len(headers)}"
            state = [
                f"{code(name)} was {show(value)}"
                for name, value in headers[-1].changes.items()
                if is_short(value)
            ]
            bullet += f", when {listing(state)}" if state else ""
        conditions = []
        for guard in guards:
            asked = [v for v in self._visits if v.statement is guard]
            if asked:
                holds = branch_taken(asked[-1])
                wanted = ast.unparse(guard.test) if holds else opposite(guard.test)
                conditions.append(f"{label(guard.lineno)} {code(wanted)}")
                self._conditions_told.add(guard)
                self._want(guard.test)
        if conditions:
            bullet += f"; it took {listing(conditions)}"
        self._bullets.append(bullet + ".")
        self._feed(loop)

    def _explain(self, name: str) -> None:
        """Where a variable's value came from."""
        makers = [v for v in self._visits if name in v.changes]
        if not makers:
            return  # a parameter that kept its value, or something outside the function
        feeding = [v for v in makers if isinstance(v.statement, (ast.For, ast.AsyncFor))]
        if feeding:
            assert isinstance(feeding[0].statement, (ast.For, ast.AsyncFor))
            self._feed(feeding[0].statement)
            makers = [v for v in makers if v not in feeding]
            if not makers:
                return
        if len(makers) == 1:
            self._made_once(name, makers[0])
        else:
            self._made_in_steps(name, makers)

    def _made_once(self, name: str, visit: Visit) -> None:
        value = _assigned_value(visit.statement)
        place = label(visit.line)
        after = visit.changes[name]
        if value is None or not self._assigns(visit.statement, name):
            self._bullets.append(f"{place} left {code(name)} as {show(after)}.")
            self._want(visit.statement)
        elif isinstance(value, ast.Constant) or not names_read(value):
            self._bullets.append(
                f"{place} {code(name)} was set to {show(after)} by the program itself."
            )
            self._rivals(name)
        else:
            bullet = f"{place} {code(name)} was made from {code(ast.unparse(value))}"
            bullet += f" and came to {show(after)}."
            self._bullets.append(bullet + self._parts(visit, value))
            self._inner_calls(visit)
            self._want(value)
        self._loop_around(visit)

    def _rivals(self, name: str) -> None:
        """Statements that would have changed the variable and must not have run."""
        ran = {id(v.statement) for v in self._visits}
        for statement in ast.walk(self._function):
            if not isinstance(statement, (ast.Assign, ast.AugAssign)) or id(statement) in ran:
                continue
            if not self._assigns(statement, name):
                continue
            place = label(statement.lineno)
            why = self._never_reached(statement)
            if why:
                self._bullets.append(f"{place} would have changed it, so it must not run: {why}.")

    def _never_reached(self, statement: ast.stmt) -> str:
        node: ast.AST | None = statement
        while node is not None and node is not self._function:
            node = self._source.parents.get(node)
            asked = [v for v in self._visits if v.statement is node]
            if not asked:
                continue
            if isinstance(node, ast.If):
                self._conditions_told.add(node)
                self._want(node.test)
                self._loop_around(asked[0])
                return f"{label(node.lineno)} {code(ast.unparse(node.test))} never let it through"
            if isinstance(node, Loop):
                self._conditions_told.add(node)
                source = node.test if isinstance(node, ast.While) else node.iter
                self._want(source)
                value = self._clauses.known(asked[0]).text(source)
                shown = f" was {code(value)} and" if value is not None else ""
                return f"{label(node.lineno)} {code(ast.unparse(source))}{shown} ran no pass"
        return ""

    def _made_in_steps(self, name: str, makers: Sequence[Visit]) -> None:
        first = makers[0]
        start = first.before.get(name)
        steps = list(makers)
        if start is None:  # the first one is where it starts
            start, steps = first.changes[name], steps[1:]
        lines = list(dict.fromkeys(label(v.line) for v in steps))
        if lines == [label(first.line)]:
            self._made_anew(name, makers)
            return
        began = f"{code(name)} starts as {show(start)}"
        if first is not steps[0]:
            began += f" at {label(first.line)}"
        ran = times(len(steps))
        only = f"only {lines[0]} changes it" if len(lines) == 1 else f"{listing(lines)} change it"
        bullet = f"{began}; after that {only}, {ran} in this run."
        bullet += self._history(name, steps)
        self._bullets.append(bullet)
        self._guards(steps)
        for visit in (first, *steps):
            self._want(_operand(visit.statement))
        self._loop_around(steps[-1])

    def _made_anew(self, name: str, makers: Sequence[Visit]) -> None:
        """One line sets the variable again and again; the last value is the one that counts."""
        last = makers[-1]
        value = _assigned_value(last.statement)
        bullet = f"{label(last.line)} sets {code(name)} anew, {times(len(makers))} in this run"
        if value is not None and names_read(value):
            bullet += f", from {code(ast.unparse(value))}"
        self._bullets.append(f"{bullet}; the last time to {show(last.changes[name])}.")
        self._want(_operand(last.statement))
        self._loop_around(last)

    def _history(self, name: str, steps: Sequence[Visit]) -> str:
        values = [step.changes[name] for step in steps]
        if any(len(v.text) > 120 for v in values):
            return f" It ends as {show(values[-1])}."
        backwards = [show(v) for v in reversed(values)]
        before = steps[0].before.get(name)
        if before is not None:
            backwards.append(show(before))
        if len(backwards) > _MOST_VALUES + 1:
            return (
                f" Going back from the end it was {backwards[0]}, before that {backwards[1]} and "
                f"{backwards[2]}, and so on back to {backwards[-1]}."
            )
        if len(backwards) < 3:
            return f" The end value is {backwards[0]}."
        return f" Going back from the end it was {listing(backwards, 'and at first')}."

    def _guards(self, steps: Sequence[Visit]) -> None:
        """The conditions inside the loop that chose which iterations changed the variable."""
        for statement in dict.fromkeys(v.statement for v in steps):
            node: ast.AST | None = statement
            while node is not None and not isinstance(node, (Loop, ast.FunctionDef)):
                node = self._source.parents.get(node)
                if not isinstance(node, ast.If) or node in self._conditions_told:
                    continue
                self._conditions_told.add(node)
                asked = [v for v in self._visits if v.statement is node]
                in_body = any(self._is_inside(statement, part, True) for part in node.body)
                held = sum(branch_taken(v) is in_body for v in asked)
                wanted = ast.unparse(node.test) if in_body else opposite(node.test)
                self._bullets.append(
                    f"{label(node.lineno)} chooses when {label(_line(statement))} runs: it needs "
                    f"{code(wanted)}, which was so in {number(held)} of {number(len(asked))} checks."
                )
                self._want(node.test)

    def _loop_around(self, visit: Visit) -> None:
        if visit.statement is not None:
            for loop in reversed(self._source.loops_around[visit.statement]):
                self._feed(loop)

    def _feed(self, loop: Loop) -> None:
        """What drove a loop: the values it took, or the condition that kept it going."""
        if loop in self._conditions_told:
            return
        self._conditions_told.add(loop)
        headers = [v for v in self._visits if v.statement is loop]
        if isinstance(loop, ast.While):
            if isinstance(loop.test, ast.Constant):
                return
            self._want(loop.test)
            passes = sum(1 for v in headers if v.follower is not None and self._enters(v, loop))
            self._bullets.append(
                f"{label(loop.lineno)} kept the loop going while {code(ast.unparse(loop.test))}, "
                f"for {number(passes)} {'pass' if passes == 1 else 'passes'}."
            )
            return
        taken = [v for v in headers if v.changes]
        names = [n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)]
        self._explained.update(names)
        target = code(ast.unparse(loop.target))
        iterable = code(ast.unparse(loop.iter))
        bullet = f"{label(loop.lineno)} took {target} from {iterable}"
        if len(names) == 1 and taken and len(self._source.loops_around[loop]) == 1:
            values = [v.after[names[0]] for v in taken if names[0] in v.after]
            if all(is_short(v) for v in values):
                shown = [code(v.text) for v in values]
                if len(shown) > 8:
                    shown = [*shown[:4], "...", shown[-1]]
                bullet += f": {', '.join(shown)}, in this order"
        self._bullets.append(bullet + ".")
        self._want(loop.iter)

    def _enters(self, header: Visit, loop: Loop) -> bool:
        return header.follower is not None and self._is_inside(header.follower.statement, loop)

    def _choice(self, witness: str) -> str:
        read = {
            name
            for visit in self._visits
            if visit.statement is not None
            for name in names_read(_header_only(visit.statement))
        }
        arguments = self._activation.arguments
        pairs = [
            (name, f"{name} = {arguments[name].text}")
            for name in self._parameters
            if name in arguments
        ]
        free = [code(name) for name, _ in pairs if name not in read]
        text = ""
        if free and len(free) < len(pairs):
            verb = "is" if len(free) == 1 else "are"
            text = f"{listing(free)} {verb} never read on this way and could be anything. "
        if not pairs or sum(len(pair) for _, pair in pairs) > 400:
            return f"{text}An input that meets all of this is {code(witness)}."
        chosen = listing([code(pair) for _, pair in pairs])
        lead = self._voice.choose(
            witness,
            "All of this is met by",
            "An input that meets every point is",
            "One input that does all of this is",
        )
        return f"{text}{lead} {chosen}."

    def _assigns(self, statement: ast.stmt | None, name: str) -> bool:
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        flat = [e for t in targets for e in (getattr(t, "elts", None) or [t])]
        return any(isinstance(t, ast.Name) and t.id == name for t in flat)

    def _is_inside(
        self, statement: ast.stmt | None, container: ast.AST, itself: bool = False
    ) -> bool:
        node: ast.AST | None = statement
        while node is not None and node is not container:
            node = self._source.parents.get(node)
        return node is not None and (itself or statement is not container)


def _down(call: Activation) -> list[Activation]:
    """The chain of calls of the same function below ``call``, following the first one each time."""
    chain = [call]
    while True:
        inner = [
            deeper
            for visit in visits(chain[-1].nodes)
            for deeper in visit.calls
            if deeper.function == call.function and deeper.ending == "return"
        ]
        if not inner or len(chain) > 200:
            return chain
        chain.append(inner[0])


def _assigned_value(statement: ast.stmt | None) -> ast.expr | None:
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return statement.value
    return None


def _operand(statement: ast.stmt | None) -> ast.AST | None:
    """The part of a statement that its effect depends on."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return statement
    return statement if isinstance(statement, ast.Expr) else None


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


def _line(statement: ast.stmt | None) -> int:
    return statement.lineno if statement is not None else 0
