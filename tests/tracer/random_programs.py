"""Small valid programs for Hypothesis: each one defines a few things and ends with a call of ``f``."""

from __future__ import annotations

import textwrap

from hypothesis import strategies as st

PRELUDE = """
import contextlib, dataclasses
G = [0]
COUNT = 0
class P:
    kind = "p"
    def __init__(self, x):
        self.x = x
        self.items = [x]
    def move(self, by=1):
        self.x += by
        self.items.append(self.x)
        return self
    @property
    def twice(self):
        return self.x * 2
class S:
    __slots__ = ("x", "items")
    def __init__(self, x):
        self.x = x
        self.items = {"x": x}
    def move(self, by=1):
        self.items[by] = self.x
        return self
@dataclasses.dataclass
class D:
    x: int
    items: list = dataclasses.field(default_factory=list)
    def move(self, by=1):
        self.items += [by]
        return self
def gen(n):
    got = None
    try:
        for i in range(n):
            got = yield i
            if got:
                n -= 1
    finally:
        G.append(n)
    return n
def delegate(n):
    result = yield from gen(n)
    yield result
@contextlib.contextmanager
def scope(items):
    items.append("in")
    try:
        yield items
    finally:
        items.append("out")
def helper(items, *rest, key=None, **named):
    items.append(len(rest))
    named["key"] = key
    return [*rest, *named]
def bump(by=1):
    global COUNT
    COUNT += by
    G[0] = COUNT
    return COUNT
def counter():
    n, log = 0, []
    def inc(by=1):
        nonlocal n
        n += by
        log.append(n)
        return n
    return inc, log
"""

START = """
i0, i1, i2 = 1, 2, 3
l0, l1 = [1, [2, 3]], ["a", 0]
d0, d1 = {"a": 1}, {1: [2]}
s0, t0 = {3, 1}, "ab"
o0, o1 = P(1), S(2)
big = [list(range(300)), {n: n for n in range(280)}]
w0 = P([0] * 270)
g0 = gen(3)
inc, log = counter()
"""

ints = st.sampled_from(["i0", "i1", "i2"])
lists = st.sampled_from(["l0", "l1", "log", "o0.items"])
names = st.sampled_from(["i0", "i1", "l0", "l1", "d0", "s0", "t0", "o0", "o1", "g0"])
values = st.sampled_from(
    "1 -7 True 1.0 -0.0 None 'x' (1,) [] [0] {} {'k':[1]} {1,2} 10**20 1<<5000 float('nan') i0 i1"
    " l0 l1 d0 d1 o0 o1 t0 P(3) S(4) D(5) len range(4) frozenset([1]) b'z' log lambda:0".split()
)
ATOMS = """
{i} = {v}
{i} = 1
{i} = i0 + 1
{i} += 2
{i}, i1 = i1, {i}
{l}.append({v})
{l}.append([{v}])
{l}[0] = {v}
{l}[-1] = {l}[0]
{l}.pop()
{l}.reverse()
{l}.sort(key=lambda v: type(v).__name__)
{l}.extend([1, 2])
{l} += [{v}]
{l}[1:1] = [{v}]
{l} = {l}
{l} = list({l})
{l} = [*l0, {v}]
l0 = l1
l1 = [l0, l0]
l1[0].append({v})
d0["b"] = {v}
d0.setdefault("z", []).append({v})
d0["z"].append(1)
d0.pop("a", None)
d0.update(c={v})
d0 = dict(d1)
d1 = d0
d1[1].append({v})
s0.add(7)
s0.discard(1)
s0 |= {{4, "m"}}
s0 = set(s0)
t0 += "c"
t0 = t0 * 3
o0.x = {v}
o0.items.append({v})
o0.extra = {v}
del o0.extra
o0 = P(1)
o1 = S(2)
o0 = D(2)
o0, o1 = o1, o0
o0.move().move(3)
o1.move({v})
w0.x[265] = {v}
w0.x.append({v})
w0.items.append(big)
big[0][290] = {v}
big[0].append(1)
big[0].pop()
big[1][270] = {v}
big[1]["new"] = [1]
big[1]["new"].append({v})
big = [big[0], big[1]]
big[0] = list(big[0])
l0.append(big)
del {n}
{n} = {v}
{i} = next(g0, -1)
{i} = g0.send({v})
g0 = delegate(2)
g0.close()
g0.throw(ValueError("t"))
l0 = list(gen(2))
l0 = [x for x in l1 if x]
l0 = [[x, y] for x in range(2) for y in "ab"]
d0 = {{x: [x] for x in range(3)}}
s0 = {{type(x).__name__ for x in l0}}
{i} = sum(x for x in range(4))
{i} = (lambda q: q + i1)(2)
{i} = inc(2)
{i} = bump()
G.append({v})
{l} = helper({l}, {v}, 2, key={v}, z=1)
{l} = helper(*[{l}, 1], **d0)
i0, *l0 = [{v}, 2, 3]
*l1, i1 = l0
t0 = f"{{type(i0).__name__}} {{len(l0)}}"
{i} = len([1,~    bump(),~    2])
if ({i} := len(l0)) > 1: l0 = l0[1:]
assert i0
raise ValueError({v})
return {v}
pass
"""
BLOCKS = """
for i0 in range(3):~{b}
for x in {l}:~{b}~    if i0: break
for x in list(l0):~{b}~else:~{b}
for i2, (k, w) in enumerate(list(d0.items())):~{b}
n = 3~while n:~    n -= 1~{b}
if i0:~{b}~else:~{b}
try:~{b}~except ValueError as e:~    l0.append(e)~{b}~else:~{b}~finally:~    i2 = 9
try:~{b}~except Exception:~{b}
try:~{b}~finally:~{b}
with scope({l}) as it:~{b}
with contextlib.suppress(Exception):~{b}
def inner(p, l0=l1):~    nonlocal i0~    i0 = p~{b}~    return l0~i1 = inner({v})
def pairs():~    yield i1~{b}~    yield l0~for y in pairs():~    d0["y"] = y
class C:~    a = [1]~    a.append(2)~    b = a~    def m(self): return self.a~l0.append(C().m())
match {n}:~    case [first, *rest]:~{2}~    case {{"k": q}}:~{2}~    case int() | str():~{2}
"""


def _lines(text: str) -> list[str]:
    return [line for line in text.strip().splitlines() if line]


def _fill(template: str) -> st.SearchStrategy[str]:
    return st.builds(
        lambda i, l, v, n: template.format(i=i, l=l, v=v, n=n).replace("~", "\n"),  # noqa: E741
        ints, lists, values, names,
    )  # fmt: skip


atoms = st.sampled_from(_lines(ATOMS)).flatmap(_fill)


def _block(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bodies = st.lists(inner, min_size=1, max_size=3).map("\n".join)

    def build(parts: tuple[str, list[str], str, str, str, str]) -> str:
        template, filled, i, l, v, n = parts  # noqa: E741
        left = list(filled)

        def body(depth: str) -> str:
            return textwrap.indent(left.pop(0), depth)

        while "{b}" in template:
            template = template.replace("{b}", _shield(body("    ")), 1)
        while "{2}" in template:
            template = template.replace("{2}", _shield(body("        ")), 1)
        text = template.format(i=i, l=l, v=v, n=n).replace("~", "\n")
        return text.replace("\1", "{").replace("\2", "}")

    return st.tuples(
        st.sampled_from(_lines(BLOCKS)),
        st.lists(bodies, min_size=4, max_size=4),
        ints, lists, values, names,
    ).map(build)  # fmt: skip


def _shield(text: str) -> str:
    """Braces of a body that is filled in already are not to be filled again."""
    return text.replace("{", "\1").replace("}", "\2")


statements = st.recursive(atoms, lambda inner: st.one_of(inner, _block(inner)), max_leaves=6)
programs = st.lists(statements, min_size=2, max_size=8).map(
    lambda body: (
        PRELUDE
        + "def f():\n"
        + textwrap.indent("\n".join([START.strip(), *body, "return l0"]), "    ")
        + "\n"
    )
)
"""Programs whose ``f()`` ends for sure; it may raise."""
