"""Execution Simulation: the story told from input to output, the middle of long loops left out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from pytrace_mono.synth.narrator.calls import call_text, result_of, returned
from pytrace_mono.synth.narrator.clauses import Clauses
from pytrace_mono.synth.narrator.conditions import came_out, sides_of, verdict
from pytrace_mono.synth.narrator.detail import Detail
from pytrace_mono.synth.narrator.inside import steps_inside
from pytrace_mono.synth.narrator.loops import Loops
from pytrace_mono.synth.narrator.sentences import Item, Sentences, markdown
from pytrace_mono.synth.narrator.source import Source, is_constant, local_names, names_read
from pytrace_mono.synth.narrator.story import Activation, Node, Round, Visit, visits
from pytrace_mono.synth.narrator.values import is_short, show
from pytrace_mono.synth.narrator.wording import Voice, code, label, listing, number, sentence
from pytrace_mono.tracer.types import Snapshot

_ROOTS = 4
"""Outermost calls told; an expression such as `all(f(i) for i in ...)` may make hundreds."""
_HELD = 4
"""Variables told of a generator that goes on."""
_BRIEF = 5
"""Bullets left below which a loop is not gone through."""


class Simulation:
    """Narrates activations forwards.

    Args:
        source: the program.
        voice: chooses between phrasings.
        detail: how much is told.
    """

    def __init__(self, source: Source, voice: Voice, detail: Detail) -> None:
        self.source = source
        self.voice = voice
        self.detail = detail
        self.clauses = Clauses(source, voice)
        self.left = detail.bullets
        self.told_calls: set[str] = set()
        self.told_functions: set[str] = set()

    def lines(self, roots: Sequence[Activation], main: Activation | None) -> list[str]:
        """The bullets of the whole Call, as Markdown lines.

        Args:
            roots: the outermost activations.
            main: the one the Call is about; the others are told as calls of their own. None where
                the Call is an expression over several runs of the function.
        """
        items: list[Item] = []
        # A generator left over is closed when the interpreter drops it: no part of the answer.
        roots = [root for root in roots if root.earlier or not root.resumed]
        for root in roots[:_ROOTS]:
            if root.earlier:
                items.extend(self._going_on(root))
            elif root is main or (len(roots) == 1 and main is None):
                items.extend(self._activation(root, 0))
            else:
                items.append(self.call_item(root, 1))
        if len(roots) > _ROOTS:
            items.append(Item(f"{number(len(roots) - _ROOTS).capitalize()} more calls follow."))
        return markdown(items, 0)

    def _activation(self, activation: Activation, depth: int) -> list[Item]:
        teller = _Paragraphs(self, activation, depth)
        items = teller.of(activation.nodes)
        fell_off = activation.ending == "return" and not _ends_with_return(activation.nodes)
        gives = any(visit.yielded for visit in visits(activation.nodes))
        if fell_off and activation.name != "__init__" and not gives:
            value = activation.value
            if value is not None and value.text == "None":
                items.append(Item("The end of the body is reached, so `None` is returned."))
        return items

    def _going_on(self, generator: Activation) -> list[Item]:
        """A generator that began before the Call, from where it was left."""
        left = generator.earlier[-1]
        own = local_names(generator.definition) if generator.definition is not None else set()
        held = [
            f"{code(name)} is {show(value)}"
            for name, value in left.after.items()
            if name in own and (value.exact or is_short(value))
        ]
        text = f"{label(left.line)} The generator goes on where it was left"
        text += f"; there {listing(held[:_HELD])}." if held else "."
        for name, value in generator.arguments.items():
            text += f" {code(name)} becomes {show(value)}."
        return [Item(text), *self._activation(generator, 0)]

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
    """Turns the nodes of one activation into bullets, joining a condition with what followed."""

    def __init__(self, simulation: Simulation, activation: Activation, depth: int) -> None:
        self._simulation = simulation
        self._clauses = simulation.clauses
        self._source = simulation.source
        self._activation = activation
        self._depth = depth
        self._tested: dict[ast.expr, dict[str, Snapshot]] = {}
        self._loops = Loops(
            simulation.clauses,
            simulation.voice,
            activation,
            simulation.detail,
            self.of,
            self._calls,
        )

    def of(
        self, nodes: Sequence[Node], told: Iterable[str] = (), loop_depth: int = 0
    ) -> list[Item]:
        items: list[Item] = []
        sentences = Sentences(self._source, compact=loop_depth > 0)
        known = set(told)
        for node in nodes:
            if isinstance(node, Round):
                items.extend(sentences.flush())
                brief = self._simulation.left < _BRIEF
                items.extend(self._loops.round(node, loop_depth, brief=brief))
                known = set()  # what it changed has other values now
                continue
            told_calls, given = self._calls(node)
            if told_calls:
                items.extend(sentences.flush())
                items.extend(told_calls)
            test = node.statement.test if isinstance(node.statement, ast.If) else None
            self._add(sentences, node, known | self._same_as_before(node, test), given)
            items.extend(sentences.ready())
            if node.changes:
                known = {text for text in known if text.isidentifier()} | set(node.changes)
            elif test is not None:
                sides = sides_of(test, self._clauses.known(node))
                known.update(map(ast.unparse, sides))
        items.extend(sentences.flush())
        self._simulation.left -= len(items)
        return items

    def _same_as_before(self, visit: Visit, test: ast.expr | None) -> set[str]:
        """Variables in a test that are as they were when it was last told of."""
        if test is None:
            return set()
        now = {name: visit.before[name] for name in names_read(test) if name in visit.before}
        before, self._tested[test] = self._tested.get(test, {}), now
        return {name for name, value in now.items() if before.get(name) == value}

    def _add(self, sentences: Sentences, visit: Visit, told: set[str], given: str) -> None:
        """Pass on the clause of a visit; ``given`` says what the calls in it returned."""
        place = label(visit.line)
        if self._leaves_by(visit):
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
        if isinstance(visit.statement, ast.Assign):  # binds when it goes on
            return visit.yielded is not None and _yields(visit.statement)
        return isinstance(visit.statement, ast.Return) or _yields(visit.statement)

    def _leaving(self, visit: Visit) -> str:
        """What a ``return`` or ``yield`` hands over."""
        statement, value = visit.statement, self._activation.value
        if visit.raised is not None:
            leaves = self._activation.ending == "unwind" and visit.follower is None
            ending = ", which leaves the function" if leaves else ""
            return f"this raises {show(visit.raised)}{ending}"
        if isinstance(statement, ast.Return):
            if value is None or self._activation.ending != "return":
                return ""
            return self._returned(visit, statement, value)
        if visit.yielded is not None:
            return f"{show(visit.yielded)} is yielded"
        return ""

    def _returned(self, visit: Visit, statement: ast.Return, value: Snapshot) -> str:
        if statement.value is None:
            return "the function returns `None`"
        if isinstance(statement.value, ast.Name) or is_constant(statement.value):
            return f"the function returns {show(value)}"
        known = self._clauses.known(visit)
        if isinstance(statement.value, ast.IfExp) and not visit.calls:
            holds = came_out(statement.value.test, known)
            if holds is not None:
                chosen = statement.value.body if holds else statement.value.orelse
                why = verdict(statement.value.test, holds, known)
                origin = "" if is_constant(chosen) else f", from {code(ast.unparse(chosen))}"
                return f"{why}, so the function returns {show(value)}{origin}"
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
            elif (value := result_of(call)) is not None:
                given[text] = f"{code(text)} gives {show(value)}"
        phrase = listing(list(given.values())[:3])
        if len(given) > 3:
            phrase += f" (and {number(len(given) - 3)} more such calls)"
        items = [self._simulation.call_item(call, self._depth + 1) for call in told]
        for item, call in zip(items, told, strict=True):
            handed_out = _later_values(call, visit.calls)
            if handed_out:
                item.inner.append(Item(f"Asked again, it hands out {handed_out}."))
        if len(items) == 1:
            return [Item(f"{label(visit.line)} {items[0].text}", items[0].inner)], phrase
        if not items:
            return [], phrase
        names = listing([code(call_text(call, 40)) for call in told])
        return [Item(f"{label(visit.line)} This calls {names}.", items)], phrase

    def _is_worth_telling(self, call: Activation, told: list[Activation]) -> bool:
        """The first call of each function, and one call further down a recursion."""
        simulation = self._simulation
        if (
            simulation.left <= 0
            or self._depth >= simulation.detail.calls
            or call.definition is None
        ):
            return False
        if any(other.function == call.function for other in told):
            return False
        if call.function not in simulation.told_functions:
            return True
        recursive = call.function == self._activation.function
        return recursive and call_text(call) not in simulation.told_calls


def _later_values(generator: Activation, calls: list[Activation]) -> str:
    """What a generator yielded when the same statement asked it for more."""
    if generator.ending != "yield":
        return ""
    later = [
        show(call.value)
        for call in calls
        if call.resumed and call.frame == generator.frame and call.ending == "yield"
        if call.value is not None
    ]
    return listing([*later[:5], "so on"] if len(later) > 5 else later)


def _ends_with_return(nodes: list[Node]) -> bool:
    last = None
    for last in visits(nodes):  # noqa: B007 - the last one is meant
        pass
    return last is not None and isinstance(last.statement, ast.Return)


def _yields(statement: ast.stmt | None) -> bool:
    return isinstance(statement, (ast.Expr, ast.Assign)) and isinstance(
        statement.value, (ast.Yield, ast.YieldFrom)
    )
