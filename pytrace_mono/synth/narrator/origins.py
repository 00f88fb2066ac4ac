"""Where a variable's value came from: who made it, who let that happen, and what drove the loop."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence

from pytrace_mono.synth.narrator.calls import call_text, result_of
from pytrace_mono.synth.narrator.conditions import branch_taken, opposite
from pytrace_mono.synth.narrator.series import grown, in_order, share
from pytrace_mono.synth.narrator.slicing import MOST_VALUES, Slice
from pytrace_mono.synth.narrator.source import (
    Loop,
    assigned_value,
    assigns,
    names_read,
    operand_of,
    owners_of,
)
from pytrace_mono.synth.narrator.story import Activation, Visit, loop_values, visits
from pytrace_mono.synth.narrator.values import is_short, show
from pytrace_mono.synth.narrator.wording import code, label, listing, number, times


class Origins:
    """Explains variables of a slice, putting what they depend on on its waiting list.

    Args:
        growing: the slice.
        descend: bullets on how a helper came to its value; None to leave helpers closed.
    """

    def __init__(
        self, growing: Slice, descend: Callable[[Activation], list[str]] | None = None
    ) -> None:
        self._slice = growing
        self.descend = descend
        self._entered: set[str] = set()

    def explain(self, name: str) -> None:
        """Where a variable's value came from."""
        makers = [v for v in self._slice.visits if name in v.changes]
        if not makers:  # a parameter that kept its value, or something outside the function
            self._kept(name)
            return
        feeding = [v for v in makers if isinstance(v.statement, (ast.For, ast.AsyncFor))]
        if feeding:
            assert isinstance(feeding[0].statement, (ast.For, ast.AsyncFor))
            self.feed(feeding[0].statement)
            return
        if len(makers) == 1:
            self._made_once(name, makers[0])
        else:
            self._made_in_steps(name, makers)

    def _kept(self, name: str) -> None:
        """A parameter that was assigned to, but never another value."""
        value = self._slice.activation.arguments.get(name)
        ran = {
            visit.line: visit
            for visit in self._slice.visits
            if isinstance(visit.statement, (ast.Assign, ast.AugAssign))
            and name in owners_of(visit.statement)
        }
        if value is None or not ran:
            return
        known = (code(value.text), f" == {value.text}`")
        if not any(text in bullet for text in known for bullet in self._slice.bullets):
            return  # it is what is looked for: quoting it would give it away
        lines = listing([label(line) for line in sorted(ran)])
        verb = "assigns" if len(ran) == 1 else "assign"
        self._slice.say(
            f"{code(name)} starts as {show(value)}; {lines} {verb} to it, but nothing new."
        )
        for visit in ran.values():
            self._loop_around(visit)

    def _made_once(self, name: str, visit: Visit) -> None:
        value = assigned_value(visit.statement, name)
        place = label(visit.line)
        after = visit.changes[name]
        if value is None or not assigns(visit.statement, name):
            self._slice.say(f"{place} left {code(name)} as {show(after)}.")
            self._slice.want(visit.statement)
        elif not names_read(value):
            self._slice.say(f"{place} {code(name)} was set to {show(after)} by the program itself.")
            self._rivals(name)
        else:
            bullet = f"{place} {code(name)} was made from {code(ast.unparse(value))}"
            bullet += f" and came to {show(after)}."
            self._slice.say(bullet + self._slice.parts(visit, value, after))
            self.inner_calls(visit)
            self._slice.want(value)
        self._loop_around(visit)

    def inner_calls(self, visit: Visit) -> None:
        """Go down the calls that a statement needed, along the recursion if there is one."""
        calls = [
            call
            for call in visit.calls
            if not call.resumed and (given := result_of(call)) is not None and given.exact
        ]
        if not calls:
            return
        own = [call for call in calls if call.function == self._slice.activation.function]
        if not own:
            shown = [
                f"{code(call_text(call))} had to give {show(call.value)}"
                for call in calls[:3]
                if call.value is not None
            ]
            inner = self._of_helper(calls[0])
            below = "".join(f"\n  - {bullet}" for bullet in inner)
            self._slice.say(f"For that, {listing(list(dict.fromkeys(shown)))}.{below}")
            return
        chain = _down(own[0])
        shown_chain = chain if len(chain) <= MOST_VALUES else [*chain[:2], *chain[-1:]]
        texts = [f"{code(call_text(c))} gave {show(c.value)}" for c in shown_chain if c.value]
        if len(shown_chain) < len(chain):
            texts[-1] = f"so on down to {texts[-1]}"
        bullet = f"Going down the recursion, {listing(texts)}"
        base = list(visits(chain[-1].nodes))
        if base and isinstance(base[-1].statement, ast.Return):
            bullet += f"; the last of these is the base case at {label(base[-1].line)}"
        self._slice.say(bullet + ".")

    def _of_helper(self, call: Activation) -> list[str]:
        """What lies below a helper's call, once for each helper."""
        if self.descend is None or call.definition is None or call.function in self._entered:
            return []
        self._entered.add(call.function)
        return self.descend(call)

    def _rivals(self, name: str) -> None:
        """Statements that would have changed the variable and must not have run."""
        rivals = [
            statement
            for statement in ast.walk(self._slice.function)
            if isinstance(statement, (ast.Assign, ast.AugAssign)) and assigns(statement, name)
        ]
        self.must_not_run(rivals, "would have changed it")

    def must_not_run(self, statements: Iterable[ast.stmt], what: str) -> None:
        """Say why some statements did not run, those together that one thing kept from it."""
        ran = {id(v.statement) for v in self._slice.visits}
        reasons: dict[str, list[str]] = {}
        for statement in statements:
            why = self._never_reached(statement) if id(statement) not in ran else ""
            if why:
                reasons.setdefault(why, []).append(label(statement.lineno))
        for why, places in reasons.items():
            they = "it" if len(places) == 1 else "they"
            self._slice.say(f"{listing(places)} {what}, so {they} must not run: {why}.")

    def _never_reached(self, statement: ast.stmt) -> str:
        node: ast.AST | None = statement
        while node is not None and node is not self._slice.function:
            inner, node = node, self._slice.source.parents.get(node)
            asked = [v for v in self._slice.visits if v.statement is node]
            if not asked:
                continue
            if isinstance(node, ast.If):
                self._slice.told.add(node)
                self._slice.want(node.test)
                self._loop_around(asked[0])
                in_body = inner in node.body
                if any(branch_taken(v) is in_body for v in asked):
                    return ""  # an exception came before it
                needed = ast.unparse(node.test) if in_body else opposite(node.test)
                failed = share(len(asked), len(asked))
                return f"{label(node.lineno)} {code(needed)} failed in {failed}"
            if isinstance(node, Loop):
                if any(self._enters(header, node) for header in asked):
                    return ""  # a `case` or `except` that was not taken
                self._slice.told.add(node)
                source = node.test if isinstance(node, ast.While) else node.iter
                self._slice.want(source)
                value = self._slice.clauses.known(asked[0]).text(source)
                shown = f" was {code(value)} and" if value is not None else ""
                return f"{label(node.lineno)} {code(ast.unparse(source))}{shown} ran no pass"
        return ""

    def _made_in_steps(self, name: str, makers: Sequence[Visit]) -> None:
        first = makers[0]
        start = first.before.get(name)
        steps = list(makers)
        if start is None:  # the first one is where it starts
            start, steps = first.changes[name], steps[1:]
        lines = [label(line) for line in sorted({v.line for v in steps})]
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
        once = steps[0].statement if len(steps) == 1 else None
        if isinstance(once, ast.Assign) and assigns(once, name):
            bullet += self._slice.parts(steps[0], once.value)
        self._slice.say(bullet)
        own = self._slice.activation.function
        if len(steps) == 1 or any(call.function == own for call in steps[-1].calls):
            self.inner_calls(steps[-1])
        self._guards(steps)
        for visit in (first, *steps):
            self._slice.want(operand_of(visit.statement))
        self._loop_around(steps[-1])

    def _made_anew(self, name: str, makers: Sequence[Visit]) -> None:
        """One line sets the variable again and again; the last value is the one that counts."""
        last = makers[-1]
        value = assigned_value(last.statement, name)
        # Every visit of the line, also those that set the value it had already.
        makers = [
            v for v in self._slice.visits if v.statement is last.statement and name in v.after
        ]
        bullet = f"{label(last.line)} sets {code(name)} {times(len(makers))} in this run"
        if value is not None and names_read(value):
            bullet += f", from {code(ast.unparse(value))}"
        before = makers[0].before.get(name)
        if len(makers) <= MOST_VALUES and all(is_short(v.after[name]) for v in makers):
            values = listing([show(v.after[name]) for v in makers])
            start = f"from {show(before)} on, " if before is not None else ""
            bullet += f": {start}to {values}."
        else:
            bullet += f"; the last time to {show(makers[-1].after[name])}."
        self._slice.say(bullet)
        self._slice.want(operand_of(last.statement))
        self._loop_around(last)

    def _history(self, name: str, steps: Sequence[Visit]) -> str:
        values = [step.changes[name] for step in steps]
        amounts = grown(name, steps)
        if amounts:
            return f" {amounts}"
        if any(len(v.text) > 120 for v in values):
            return f" It ends as {show(values[-1])}."
        backwards = [show(v) for v in reversed(values)]
        before = steps[0].before.get(name)
        if before is not None:
            backwards.append(show(before))
        if len(backwards) > MOST_VALUES + 1:
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
                inner, node = node, self._slice.source.parents.get(node)
                if isinstance(node, Loop) and inner in node.orelse and node not in self._slice.told:
                    self._slice.say(
                        f"{label(_line(statement))} stands in the `else` of the loop at "
                        f"{label(node.lineno)}: it runs only where no `break` ends that loop."
                    )
                    self._feed_quietly(node)
                if not isinstance(node, ast.If) or node in self._slice.told:
                    continue
                self._slice.told.add(node)
                asked = [v for v in self._slice.visits if v.statement is node]
                in_body = any(self._slice.is_inside(statement, part, True) for part in node.body)
                held = sum(branch_taken(v) is in_body for v in asked)
                wanted = ast.unparse(node.test) if in_body else opposite(node.test)
                self._slice.say(
                    f"{label(node.lineno)} chooses when {label(_line(statement))} runs: it needs "
                    f"{code(wanted)}, which was so in {share(held, len(asked))}."
                    + (_FREE if held < len(asked) and self._is_filter(node, inner) else "")
                )
                self._slice.want(node.test)

    def _is_filter(self, test: ast.If, kept: ast.AST) -> bool:
        """The loop does nothing but this test of the item, and that nothing but keep it."""
        loop = self._slice.source.parents[test]
        if not isinstance(loop, ast.For) or loop.body != [test] or test.orelse:
            return False
        changed = {n.id for n in ast.walk(kept) if isinstance(n, ast.Name)}
        target = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
        return test.body == [kept] and not (changed - target) & set(names_read(test.test))

    def _feed_quietly(self, loop: Loop) -> None:
        """Follow what drives a loop, and what breaks it off, without a bullet of its own."""
        self._slice.told.add(loop)
        self._slice.want(loop.test if isinstance(loop, ast.While) else loop.iter)
        self._slice.want(*[node.test for node in ast.walk(loop) if isinstance(node, ast.If)])

    def broken_off(self, loop: Loop) -> str:
        """Where and why a ``break`` ended the loop, as a sentence; of one that ran only once."""
        if len(self._slice.source.loops_around[loop]) > 1:
            return ""
        for visit in reversed(self._slice.visits):
            statement = visit.statement
            if not isinstance(statement, ast.Break):
                continue
            if self._slice.source.loops_around[statement][-1] is not loop:
                continue
            guard = self._slice.source.parents[statement]
            if not isinstance(guard, ast.If) or statement not in guard.body:
                return f" {label(visit.line)} broke it off."
            self._slice.told.add(guard)
            self._slice.want(guard.test)
            return (
                f" {label(visit.line)} broke it off, when {label(guard.lineno)} "
                f"{code(ast.unparse(guard.test))} held."
            )
        return ""

    def _loop_around(self, visit: Visit) -> None:
        if visit.statement is not None:
            for loop in reversed(self._slice.source.loops_around[visit.statement]):
                self.feed(loop)

    def feed(self, loop: Loop) -> None:
        """What drove a loop: the values it took, or the condition that kept it going."""
        if loop in self._slice.told:
            return
        self._slice.told.add(loop)
        headers = [v for v in self._slice.visits if v.statement is loop]
        if isinstance(loop, ast.While):
            if isinstance(loop.test, ast.Constant):
                return
            self._slice.want(loop.test)
            passes = sum(1 for v in headers if v.follower is not None and self._enters(v, loop))
            self._slice.say(
                f"{label(loop.lineno)} kept the loop going while {code(ast.unparse(loop.test))}, "
                f"for {number(passes)} {'pass' if passes == 1 else 'passes'}."
                + self.broken_off(loop)
            )
            return
        taken = [loop_values(v) for v in headers if self._enters(v, loop)]
        names = [n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)]
        self._slice.explained.update(names)
        target = code(ast.unparse(loop.target))
        bullet = f"{label(loop.lineno)} took {target} from {code(ast.unparse(loop.iter))}"
        if len(names) == 1 and taken and len(self._slice.source.loops_around[loop]) == 1:
            values = [bound[names[0]] for bound in taken if names[0] in bound]
            if all(is_short(v) for v in values):
                bullet += f": {in_order([code(v.text) for v in values])}"
        self._slice.say(bullet + "." + self.broken_off(loop))
        self._slice.want(loop.iter)

    def _enters(self, header: Visit, loop: Loop) -> bool:
        follower = header.follower
        return follower is not None and any(
            self._slice.is_inside(follower.statement, part, True) for part in loop.body
        )


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


_FREE = " The others leave no trace in the output, so nothing more is known of them."


def _line(statement: ast.stmt | None) -> int:
    return statement.lineno if statement is not None else 0
