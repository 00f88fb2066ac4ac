"""Objects that fight back: nothing of theirs runs in the recorder, and nothing of it breaks."""

from __future__ import annotations

import builtins
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from recorded import record_source, run, untraced
from test_versions import INTERPRETERS, VERSIONS, _run

from pytrace_mono.tracer import record
from pytrace_mono.tracer.limits import Limits

# Every method of these classes writes into LOG that it ran; `main` makes and changes such objects.
HOSTILE = r"""
import enum, re, collections, dataclasses, array
LOG = []
def ran(what): LOG.append(what)
class Meta(type):
    def __hash__(cls): ran("meta.__hash__"); return 1
    def __eq__(cls, o): ran("meta.__eq__"); return True
    def __instancecheck__(cls, o): ran("instancecheck"); return True
    def __subclasscheck__(cls, o): ran("subclasscheck"); return True
    def __getattribute__(cls, n): ran("meta.getattribute " + n); return type.__getattribute__(cls, n)
    @property
    def __name__(cls): ran("meta.__name__"); return "lie"
class Evil(metaclass=Meta):
    def __init__(self): object.__setattr__(self, "x", 1)
    def _bad(name):
        def method(self, *a, **k):
            ran(name); raise RuntimeError(name)
        return method
    for _n in ("repr str eq ne hash bool len iter contains format getattr getattribute lt "
               "int index float bytes del_ sizeof reduce dir class_getitem "
               "next call get instancecheck").split():
        locals()["__%s__" % _n] = _bad(_n)
    del _n, _bad
    @property
    def __class__(self): ran("__class__"); return int
    @property
    def __dict__(self): ran("__dict__"); return {}
class S(str):
    def __hash__(self): ran("S.hash"); return str.__hash__(self)
    def __eq__(self, o): ran("S.eq"); return str.__eq__(self, o)
    def __repr__(self): ran("S.repr"); return "x"
    def __str__(self): ran("S.str"); return "x"
    def __format__(self, s): ran("S.format"); return "x"
    def __len__(self): ran("S.len"); return 10**9
    def __iter__(self): ran("S.iter"); return iter("x")
    def __getitem__(self, i): ran("S.getitem"); return "x"
    def rsplit(self, *a): ran("S.rsplit"); return ["x"]
    def encode(self, *a): ran("S.encode"); return b""
    def isidentifier(self): ran("S.isid"); return True
    def isascii(self): ran("S.isascii"); return True
class I(int):
    def __repr__(self): ran("I.repr"); return "x"
    def bit_length(self): ran("I.bits"); return 0
    def __hash__(self): ran("I.hash"); return 1
    def __index__(self): ran("I.index"); return 1
class Fl(float):
    def __repr__(self): ran("F.repr"); return "x"
class L(list):
    def __iter__(self): ran("L.iter"); return iter(())
    def __len__(self): ran("L.len"); return 10**9
    def __getitem__(self, i): ran("L.getitem"); return 1
    def __bool__(self): ran("L.bool"); return False
class D(dict):
    def items(self): ran("D.items"); return []
    def keys(self): ran("D.keys"); return []
    def get(self, *a): ran("D.get"); return None
    def copy(self): ran("D.copy"); return self
    def __iter__(self): ran("D.iter"); return iter(())
    def __len__(self): ran("D.len"); return 3
class St(set):
    def __iter__(self): ran("St.iter"); return iter(())
    def __len__(self): ran("St.len"); return 3
class T(tuple):
    _fields = (Evil(), Evil())
    def __len__(self): ran("T.len"); return 2
    def __iter__(self): ran("T.iter"); return iter(())
class T2(tuple):
    _fields = (S("a"), S("b"))
class By(bytes):
    def __repr__(self): ran("By.repr"); return "x"
    def __getitem__(self, i): ran("By.getitem"); return 1
class Ex(Exception):
    def __str__(self): ran("Ex.str"); return "x"
    def __repr__(self): ran("Ex.repr"); return "x"
    @property
    def args(self): ran("Ex.args"); return (1,)
    @property
    def __traceback__(self): ran("Ex.tb"); return None
class ExM(Exception, metaclass=Meta): pass
class StrEvil(Exception):
    __str__ = Evil()
class Foreign:
    __slots__ = ("a",)
class Borrow:
    a = Foreign.__dict__["a"]
    __dict__ = type.__dict__["__dict__"]
class DC:
    __dataclass_fields__ = Evil()
    def __init__(self): self.q = 1
class Perm(enum.Flag):
    R = 1
    W = 2
class BadEnum(enum.Enum):
    A = 1
    def __repr__(self): ran("enum.repr"); return "x"
    def __str__(self): ran("enum.str"); return "x"
    @property
    def name(self): ran("enum.name"); return "x"
class HashKey:
    on = False
    def __hash__(self):
        if HashKey.on: ran("key.hash")
        return 7
    def __eq__(self, o):
        if HashKey.on: ran("key.eq")
        return self is o
class DictAttr: pass
class Cyc: pass
def main():
    HashKey.on = False
    od = collections.OrderedDict(); od[HashKey()] = 1; od[HashKey()] = 2
    dk = {HashKey(): 1, HashKey(): 2}
    sk = {HashKey(), HashKey()}
    lo = collections.OrderedDict(a=1, b=2)
    pat = None
    HashKey.on = True
    e = Evil()
    es = [e, (e, e), {"k": e}]
    ek = S("hello"); i = I(5); f = Fl(1.5); l = L([1, 2]); d = D(a=1); st = St([1])
    t = T((1, 2)); t2 = T2((1, 2)); by = By(b"ab")
    en = BadEnum.A; pm = Perm.R | Perm.W
    b = Borrow(); dc = DC()
    da = DictAttr(); object.__setattr__(da, "__dict__", D(z=1))
    def fn(): pass
    fn.__name__ = S("fn"); fn.__qualname__ = S("fn")
    g = (q for q in ()); g.__name__ = S("g")
    K = type("K", (), {}); K.__qualname__ = S("K.k")
    k = K()
    for exc in (lambda: Ex(1), lambda: ExM(2), lambda: StrEvil("a"),
        lambda: KeyError(S("k")), lambda: OSError(2, S("m")),
        lambda: OSError(2, "no", "f.txt"), lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, S("r"))):
        try:
            raise exc()
        except BaseException as x:
            last = 1
    cy = []; cy.append(cy); cy2 = {}; cy2["a"] = [cy2]
    o = Cyc(); o.me = o; o.deep = [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]
    big = [10**6000, -10**6000, 2**4096]
    es.append(1)
    l.append(3); dict.__setitem__(d, "b", 2)
    od2 = collections.OrderedDict(); dict.__setitem__(od2, "a", 1)
    setattr(dc, "\ud800 x", 5)
    dc.__dict__[5] = 6
    w = array.array("i", [1]), bytearray(b"x"), memoryview(b"a"), collections.deque([1], 3), {}.keys()
    z = 1
    HashKey.on = False
    return z
"""
LOG = "(LOG.clear(), main(), list(LOG))[2]"


def test_no_code_of_hostile_objects_runs_in_the_recorder() -> None:
    """The log is that of the same program under a tracer that looks at nothing.

    Compared with that, and not with an untraced run, because until 3.11 CPython itself asks
    ``__subclasscheck__`` when it tells a trace function of an exception.
    """

    def nothing(frame: object, event: str, arg: object) -> Any:
        return nothing

    before = sys.gettrace()
    expected = run(HOSTILE, LOG, lambda: sys.settrace(nothing), lambda: sys.settrace(before))
    recorded = record_source(HOSTILE, LOG)
    assert isinstance(expected, list) and recorded.value == expected
    assert recorded.status == {"state": "complete"}


def test_hostile_objects_are_shown_as_what_they_are() -> None:
    """The stored values, under the true names of their classes."""
    texts = dict(
        pair
        for _, changes in record_source(HOSTILE, LOG).changes("main")
        for pair in changes.items()
    )
    assert texts["e"] == "<Evil object>"
    assert texts["ek"] == "S('hello')" and texts["i"] == "I(5)" and texts["f"] == "Fl(1.5)"
    assert texts["l"] == "L([1, 2, 3])" and texts["d"] == "D({'a': 1, 'b': 2})"
    assert texts["t"] == "T((1, 2))" and texts["st"] == "St({1})" and texts["by"] == "By(b'ab')"
    assert texts["en"] == "BadEnum.A" and texts["b"] == "<Borrow object>"
    assert texts["fn"] == "<function fn>" and texts["K"] == "<class K.k>"
    assert texts["big"] == "[<int of 19932 bits>, <int of 19932 bits>, <int of 4097 bits>]"


@pytest.mark.parametrize(
    "make",
    [
        "[[] for _ in range(30_000)]",
        "[[i] for i in range(3_000)]",
        "{i: str(i) for i in range(100_000)}",
        "'x' * 10**7",
        "__import__('collections').deque(range(10**6))",
        "set(range(10**6))",
        "type('O', (), {})()",
        "type('L', (list,), {})(range(10**6))",
        "type('S', (str,), {})('x' * 10**7)",
    ],
)
def test_large_values_do_not_cost_by_their_size_at_each_line(make: str) -> None:
    """A hundred lines beside a large value take bounded time, and each row stays small."""
    source = (
        f"def f():\n    big = {make}\n    n = 0\n"
        "    for i in range(50):\n        n += i\n    return n\n"
    )
    begin = time.process_time()
    recorded = record_source(source, "f()", Limits(max_steps=300_000))
    assert recorded.value == 1225
    assert all(len(s["text"]) <= 2000 for row in recorded.rows for s in row["changes"].values())
    assert time.process_time() - begin < 20


def test_a_cycle_with_many_paths_is_not_followed_along_each() -> None:
    """Two references to itself make a tree of 2**depth paths; the watch gives up at the first cycle."""
    source = "def f():\n    a = []\n    a += [a, a]\n    for i in range(200):\n        pass\n"
    begin = time.process_time()
    assert record_source(source, "f()").status == {"state": "complete"}
    assert time.process_time() - begin < 5


@pytest.mark.skipif(
    sys.version_info[:2] == (3, 12),
    reason="3.12 collects at the first instruction of a trace function",
)
def test_finalizers_that_a_collection_runs_are_recorded() -> None:
    """The recorder's own work does not collect the program's garbage, which would run unseen.

    Not all of them: CPython itself allocates memory on its way to a trace function.
    """
    source = (
        "RAN = []\nclass Node:\n    def __init__(self):\n        self.me = self\n"
        "    def __del__(self):\n        RAN.append(1)\n"
        "def f():\n    for i in range(1500):\n        Node()\n    return len(RAN)\n"
    )
    recorded = record_source(source, "f()", Limits(max_steps=100_000))
    finalizers = [row for row in recorded.rows if row["kind"] == "call" and row["line"] == 5]
    assert len(finalizers) > recorded.value / 2 > 0


def test_a_namespace_with_code_of_its_own_is_left_alone_and_told() -> None:
    """A class body may keep its names in any mapping (`__prepare__`); asking it would run its code."""
    source = (
        "class M:\n    def __init__(self): self.d = {}\n    def __getitem__(self, k): return self.d[k]\n"
        "    def __setitem__(self, k, v): self.d[k] = v\n"
        "    def get(self, *a): ASKED.append(a)\n    items = keys = copy = get\n"
        "class Meta(type):\n    @classmethod\n    def __prepare__(mcs, n, b): return M()\n"
        "    def __new__(mcs, n, b, d): return type.__new__(mcs, n, b, {})\n"
        "ASKED = []\nclass C(metaclass=Meta):\n    x = 1\n"
    )
    recorded = record_source(source, "len(ASKED)")
    assert recorded.value == 0
    assert recorded.status["state"] == "truncated" and "mapping" in recorded.status["reason"]


def test_dict_subclasses_as_namespaces_are_read_without_their_methods() -> None:
    """exec() takes a dict subclass for the globals; only what dict itself stores is read."""
    source = (
        "class G(dict):\n    def get(self, *a): ASKED.append(a)\n"
        "    items = keys = copy = __iter__ = get\n"
        "ASKED = []\n"
        "ns = G(n=1)\nexec(compile('def f():\\n    return n\\nf()\\nk = 2', '<program>', 'exec'), ns)\n"
    )
    recorded = record_source(source, "len(ASKED)")
    assert recorded.value == 0 and recorded.status == {"state": "complete"}


PERVERSE = {
    "a slow repr": "class C:\n    def __repr__(self): RAN.append(1); __import__('time').sleep(60)\n",
    "an eq that empties": "class C:\n    def __eq__(self, o): RAN.clear(); return True\n"
    "    def __hash__(self): RAN.append(1); return 1\n",
    "a bool that raises": "class C:\n    def __bool__(self): RAN.append(1); raise SystemExit\n",
    "a getattr that binds": "class C:\n    def __getattr__(self, n):\n"
    "        RAN.append(n); setattr(self, n, 1); return 1\n",
    "a property that deletes": "class C:\n    def __init__(self): self.y = 1\n    @property\n"
    "    def x(self): RAN.append(1); del self.y\n",
    "a lying class": "class C:\n    @property\n    def __class__(self): RAN.append(1); return int\n",
    "a lying dict": "class C:\n    @property\n    def __dict__(self): RAN.append(1); raise KeyError\n",
    "a metaclass": "class M(type):\n    def __getattribute__(c, n):\n"
    "        if n != '__init__': RAN.append(n)\n        return type.__getattribute__(c, n)\n"
    "class C(metaclass=M): pass\n",
}


def _use(definition: str) -> str:
    return (
        f"RAN = []\n{definition}def use(c, *more):\n    kept = [c, (c, more)]\n"
        "    kept.append({'k': c})\n    del c\n    return len(kept)\n"
        "def f():\n    c = C()\n    n = use(c, c)\n    c = [c] * 3\n    c.pop()\n"
        "    return n, len(c), list(RAN)\n"
    )


@pytest.mark.parametrize("definition", PERVERSE.values(), ids=PERVERSE)
def test_a_perverse_object_is_left_alone(definition: str) -> None:
    """Bound, put into containers, passed and dropped, with the same result as untraced."""
    recorded = record_source(_use(definition), "f()")
    assert recorded.value == untraced(_use(definition), "f()")
    assert recorded.status == {"state": "complete"}


@pytest.mark.parametrize("version", VERSIONS)
def test_hostile_objects_are_left_alone_on_each_version(version: str, tmp_path: Path) -> None:
    """The same objects under each interpreter found here; its own tracer that looks at nothing."""
    executable = INTERPRETERS.get(version)
    if executable is None or _run(executable, "-c", "").returncode != 0:
        pytest.skip(f"no Python {version} next to this one or on PATH")
    programs = [[HOSTILE, LOG], *([_use(one), "f()"] for one in PERVERSE.values())]
    data = tmp_path / "programs.json"
    data.write_text(json.dumps(programs))
    check = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); from recorded import *\n"
        "def nothing(frame, event, arg): return nothing\n"
        "for source, call in json.load(open(sys.argv[2])):\n"
        "    known = run(source, call, lambda: sys.settrace(nothing), lambda: sys.settrace(None))\n"
        "    recorded = record_source(source, call)\n"
        "    assert recorded.value == known, (source, recorded.value, known)\n"
        "    assert recorded.status == {'state': 'complete'}, (source, recorded.status)\n"
        "print('fine')\n"
    )
    done = _run(executable, "-c", check, str(Path(__file__).parent), str(data))
    assert done.stdout == "fine\n", done.stderr


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("10**6000", "<int of 19932 bits>"),
        ("float('nan')", "nan"),
        ("[float('nan')] * 2", "[nan, nan]"),
        (r"'\ud800'", r"'\ud800'"),
        ("{float('nan'): 1}", "{nan: 1}"),
    ],
)
def test_values_without_an_ordinary_text_are_shown_and_do_not_change(value: str, text: str) -> None:
    """Huge ints, NaN (which does not equal itself) and surrogates, over lines that leave them be."""
    source = f"def f():\n    v = {value}\n    for _ in range(3):\n        pass\n    return 1\n"
    recorded = record_source(source, "f()")
    texts = [c["v"] for _, c in recorded.changes("f") if "v" in c]
    assert recorded.value == 1 and texts == [text]
    assert recorded.status == {"state": "complete"}


def test_built_ins_that_the_program_replaces_are_not_called_by_a_live_recording() -> None:
    """What runs in the recorder is not the program's `len`, `type` or `repr`, whatever it puts there."""
    called: list[str] = []

    def spy(name: str, real: Any) -> Any:
        return lambda *args, **kwargs: called.append(name) or real(*args, **kwargs)

    spies = {
        name: spy(name, real)
        for name, real in vars(builtins).items()
        if callable(real)
        and not name.startswith("_")
        and not (isinstance(real, type) and issubclass(real, BaseException))
    }
    real = {name: vars(builtins)[name] for name in spies}

    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

    def program() -> int:
        replaced = vars(builtins)
        replaced.update(spies)
        try:
            items = [1]
            items.append(2)
            nested = {"a": [items, (1.5, None)], "s": {3}}
            point = Point(5)
            nested["p"] = point
            point.x += 1
            del items
            try:
                raise ValueError(point)
            except ValueError:
                total = point.x
        finally:
            replaced.update(real)
        return total

    with record() as recording:
        program()
    assert called == []
    assert recording.trace.complete
    assert [s.changes["total"].text for s in recording.trace.steps if "total" in s.changes] == ["6"]
