"""What each variable is *for*, read off the shape of the code."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from pytrace_mono.synth.narrator.source import Function, own_nodes, parameters
from pytrace_mono.synth.narrator.wording import code, label, listing


@dataclass(frozen=True)
class Role:
    """One variable's purpose.

    Attributes:
        name: the variable.
        text: a clause about it, such as "`total` adds up `x`".
    """

    name: str
    text: str


@lru_cache(maxsize=256)
def roles_of(function: Function) -> tuple[Role, ...]:
    """Purposes that the code's shape gives away, in order of first appearance; none is guessed."""
    reader = _Reader(function)
    names: dict[str, None] = {}
    for node in own_nodes(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault(node.id)
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            names.setdefault(ast.unparse(node.value))
    found = []
    for name in names:
        text = reader.role(name)
        if text is not None:
            found.append(Role(name, f"{code(name)} {text}"))
    return tuple(found)


class _Reader:
    def __init__(self, function: Function) -> None:
        self._function = function
        self._parameters = set(parameters(function))
        self._nodes = own_nodes(function)
        self._loops = [n for n in self._nodes if isinstance(n, (ast.For, ast.While))]
        self._looped = {id(n) for loop in self._loops for part in loop.body for n in ast.walk(part)}

    def role(self, name: str) -> str | None:
        for ask in (
            self._memo,
            self._ends,
            self._best_so_far,
            self._collector,
            self._counter_or_sum,
            self._memory,
            self._table,
            self._flag,
        ):
            text = ask(name)
            if text is not None:
                return text
        return None

    def _assigned(self, name: str) -> list[tuple[ast.stmt, ast.expr]]:
        """The statements that give the variable a value, and the value."""
        found: list[tuple[ast.stmt, ast.expr]] = []
        for node in self._nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target, value = node.targets[0], node.value
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                target, value = node.target, node.value
            else:
                continue
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=False))
            found += [(node, v) for t, v in pairs if isinstance(t, ast.Name) and t.id == name]
        return found

    def _start(self, name: str) -> ast.expr | None:
        """What the variable is before its loop."""
        before = [value for n, value in self._assigned(name) if id(n) not in self._looped]
        return before[0] if before else None

    def _augmented(self, name: str) -> list[ast.AugAssign]:
        return [
            n
            for n in self._nodes
            if isinstance(n, ast.AugAssign)
            and isinstance(n.target, ast.Name)
            and n.target.id == name
            and id(n) in self._looped
        ]

    def _calls(self, name: str, *methods: str) -> list[ast.Call]:
        return [
            n
            for n in self._nodes
            if isinstance(n, ast.Call)
            and isinstance(n.func, ast.Attribute)
            and n.func.attr in methods
            and isinstance(n.func.value, ast.Name)
            and n.func.value.id == name
        ]

    def _memo(self, name: str) -> str | None:
        for test in [n for n in self._nodes if isinstance(n, ast.If)]:
            asked = test.test
            if (
                isinstance(asked, ast.Compare)
                and isinstance(asked.ops[0], ast.In)
                and ast.unparse(asked.comparators[0]) == name
                and isinstance(test.body[0], ast.Return)
                and test.body[0].value is not None
                and ast.unparse(test.body[0].value) == f"{name}[{ast.unparse(asked.left)}]"
            ):
                return f"is a memo: {label(test.body[0].lineno)} hands out what it holds already"
        return None

    def _ends(self, name: str) -> str | None:
        """Two variables that a `while` compares and its body moves: a binary search's, say."""
        for loop in [n for n in self._loops if isinstance(n, ast.While)]:
            test = loop.test
            if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], (ast.Lt, ast.LtE)):
                continue
            left, right = ast.unparse(test.left), ast.unparse(test.comparators[0])
            moved = {
                n.id
                for part in loop.body
                for n in ast.walk(part)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }
            if left == name and {left, right} <= moved and len(test.ops) == 1:
                return f"and {code(right)} mark off what is still to be looked at"
        return None

    def _best_so_far(self, name: str) -> str | None:
        for node, value in self._assigned(name):
            if (
                isinstance(value, ast.Call)
                and isinstance(value.func, ast.Name)
                and value.func.id in ("max", "min")
                and len(value.args) == 2
                and any(isinstance(a, ast.Name) and a.id == name for a in value.args)
                and id(node) in self._looped
            ):
                size = "largest" if value.func.id == "max" else "smallest"
                other = next(a for a in value.args if ast.unparse(a) != name)
                return f"keeps the {size} {code(ast.unparse(other))} met so far"
        for test in [n for n in self._nodes if isinstance(n, ast.If) and id(n) in self._looped]:
            compare = test.test
            if not isinstance(compare, ast.Compare) or len(compare.ops) != 1:
                continue
            left, op, right = compare.left, compare.ops[0], compare.comparators[0]
            anew = [n for n, _ in self._assigned(name) if n in test.body]
            if anew and isinstance(op, ast.Gt) and ast.unparse(right) == f"len({name})":
                return "keeps the longest one met so far"
            for best, other, larger in ((right, left, ast.Gt), (left, right, ast.Lt)):
                if not isinstance(best, ast.Name) or best.id != name:
                    continue
                kept = [
                    n
                    for n in test.body
                    if isinstance(n, ast.Assign)
                    and ast.unparse(n.targets[0]) == name
                    and ast.unparse(n.value) == ast.unparse(other)
                ]
                if kept and isinstance(op, (ast.Lt, ast.Gt)):
                    size = "largest" if isinstance(op, larger) else "smallest"
                    return f"keeps the {size} {code(ast.unparse(other))} met so far"
        return None

    def _collector(self, name: str) -> str | None:
        start = self._start(name)
        added = [c for c in self._calls(name, "append") if id(c) in self._looped and c.args]
        if not isinstance(start, ast.List) or not added:
            return None
        if self._calls(name, "pop"):
            return "is a stack: what is put on last comes off first"
        changed = [
            n
            for n in self._nodes
            if isinstance(n, ast.Subscript)
            and isinstance(n.ctx, ast.Store)
            and ast.unparse(n.value) == name
        ]
        if changed:
            return (
                f"is built up at {label(added[0].lineno)} and changed at {label(changed[0].lineno)}"
            )
        everywhere = self._calls(name, "append", "extend", "insert")
        if start.elts or len(everywhere) > len(added):
            lines = dict.fromkeys(label(line) for line in sorted(c.lineno for c in everywhere))
            return f"is a list that grows at {listing(list(lines))}"
        items = list(dict.fromkeys(code(ast.unparse(call.args[0])) for call in added))
        if len(items) > 2 or any(len(item) > 50 for item in items):
            return "collects the parts of the answer"
        for test in [n for n in self._nodes if isinstance(n, ast.If)]:
            kept = [n for n in test.body if isinstance(n, ast.Expr) and n.value in added]
            if kept and len(added) == 1:
                return f"collects each {items[0]} for which {code(ast.unparse(test.test))}"
        return f"collects {' or '.join(items)}, in the order in which they come"

    def _counter_or_sum(self, name: str) -> str | None:
        changes = self._augmented(name)
        start = self._start(name)
        if not changes or start is None or name in self._parameters:
            return None
        everywhere = [
            n for n in self._nodes if isinstance(n, ast.AugAssign) and ast.unparse(n.target) == name
        ]
        lines = [n.lineno for n in self._nodes if isinstance(n, ast.stmt) and n is not changes[0]]
        if changes[0].lineno in lines:  # `if x: n += 1` on one line is reached more often
            return None
        if len({type(c.op) for c in everywhere}) > 1 or len(self._assigned(name)) > 1:
            return None
        change = changes[0]
        amount = ast.unparse(change.value)
        where = label(change.lineno)
        if isinstance(start, ast.Constant) and isinstance(start.value, str):
            if isinstance(change.op, ast.Add):
                return "is the text built up piece by piece"
            return None
        neutral = 1 if isinstance(change.op, ast.Mult) else 0
        if len(everywhere) > 1 or not isinstance(start, ast.Constant) or start.value != neutral:
            return None
        if isinstance(change.op, ast.Add) and amount == "1":
            used = {
                n.id
                for loop in self._loops
                if isinstance(loop, ast.While)
                for n in ast.walk(loop.test)
                if isinstance(n, ast.Name)
            }
            if name in used:
                return f"moves one step on at each visit of {where}"
            return f"counts how often {where} is reached"
        if len(amount) > 40:
            return None
        if isinstance(change.op, ast.Add):
            return f"adds up {code(amount)}"
        if isinstance(change.op, ast.Mult):
            return f"multiplies together {code(amount)}"
        if isinstance(change.op, (ast.BitXor, ast.BitOr)):
            operator = "^" if isinstance(change.op, ast.BitXor) else "|"
            return f"combines each {code(amount)} by {code(operator)}"
        return None

    def _memory(self, name: str) -> str | None:
        added = self._calls(name, "add")
        asked = any(
            isinstance(n, ast.Compare)
            and isinstance(n.ops[0], (ast.In, ast.NotIn))
            and ast.unparse(n.comparators[0]) == name
            for n in self._nodes
        )
        if added and asked:
            return "remembers what has been met"
        return None

    def _table(self, name: str) -> str | None:
        start = self._start(name)
        if not isinstance(start, (ast.Dict, ast.Call)):
            return None
        if isinstance(start, ast.Call) and ast.unparse(start.func) not in (
            "dict",
            "defaultdict",
            "collections.defaultdict",
        ):
            return None
        for node in self._nodes:
            target: ast.expr | None = node.target if isinstance(node, ast.AugAssign) else None
            if isinstance(node, ast.Assign):
                target = node.targets[0]
            if (
                isinstance(target, ast.Subscript)
                and ast.unparse(target.value) == name
                and isinstance(node, (ast.Assign, ast.AugAssign))
            ):
                value = ast.unparse(node.value)
                key = code(ast.unparse(target.slice))
                counts = (isinstance(node, ast.AugAssign) and value == "1") or (
                    value == f"{name}.get({ast.unparse(target.slice)}, 0) + 1"
                )
                if counts:
                    return f"counts how often each {key} comes"
                return f"keeps one entry for each {key}"
        return None

    def _flag(self, name: str) -> str | None:
        assigned = self._assigned(name)
        values = [value for _, value in assigned]
        if len(values) < 2 or not all(
            isinstance(v, ast.Constant) and isinstance(v.value, bool) for v in values
        ):
            return None
        first = ast.unparse(values[0])
        turned = next((n for n, value in assigned[1:] if ast.unparse(value) != first), None)
        if turned is None:
            return None
        return f"is a flag that is {code(first)} until {label(turned.lineno)} turns it"
