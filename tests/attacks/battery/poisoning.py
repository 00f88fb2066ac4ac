"""Attacks on the next program. The control runs both in one process, as a batch does."""

from __future__ import annotations

from battery.attack import Attack

FOLLOWER = """
import builtins, decimal, json, os, random, sys, time, warnings
def look():
    print('seen')
    return repr([
        len('abc'), json.dumps({'a': 1}), sorted([3, 1, 2]), 250 + 2, random.random(),
        dict(os.environ), len(sys.path), sys.getrecursionlimit(), decimal.getcontext().prec,
        len(warnings.filters), 'poison' in sys.modules, hasattr(builtins, 'poison'), str(b'ab'),
        time.time() > 1e9, os.umask.__name__,
    ])
"""
"""The next program: it tells what it found."""


def _poison(name: str, tries: str, line: str) -> Attack:
    source = (
        "import builtins, ctypes, decimal, gc, json, os, random, sys, time, types, warnings\n"
        f"def attack():\n    {line}\n"
    )
    return Attack(name, tries, "poisoned", source)


ATTACKS = (
    _poison("poison-len", "replace a built-in", "builtins.len = lambda x: 42"),
    _poison("poison-builtins", "add a built-in", "builtins.poison = 1"),
    _poison("poison-json", "replace a function of a module", "json.dumps = lambda *a, **k: 'p'"),
    _poison("poison-modules", "add a module", "sys.modules['poison'] = types.ModuleType('poison')"),
    _poison(
        "poison-path", "put its own folder where modules are sought", "sys.path.insert(0, DECOYS)"
    ),
    _poison("poison-environment", "set a variable of the environment", "os.environ['P'] = 'x'"),
    _poison("poison-time", "replace the clock", "time.time = lambda: 0"),
    _poison("poison-decimal", "set the precision of decimals", "decimal.getcontext().prec = 3"),
    _poison("poison-recursion", "set the recursion limit", "sys.setrecursionlimit(333)"),
    _poison("poison-warnings", "add a filter of warnings", "warnings.simplefilter('error')"),
    _poison("poison-print", "replace print", "builtins.print = lambda *a: 1 / 0"),
    _poison(
        "poison-integer",
        "change an integer that all programs share",
        "ctypes.memmove(id(252) + 24, (ctypes.c_uint32 * 1)(7), 4)",
    ),
    _poison(
        "poison-type",
        "change a built-in type's method",
        "gc.get_referents(bytes.__dict__)[0]['__str__'] = lambda self: 'p'; "
        "ctypes.pythonapi.PyType_Modified(ctypes.py_object(bytes))",
    ),
    Attack(
        "poison-warm-parent",
        "write to the descriptors of the warm parent",
        "poisoned",
        """
import builtins, os
def attack():
    builtins.len = lambda x: 42
    for fd in range(4, 64):
        try:
            os.write(fd, b'\\0\\0\\0\\2{}')
        except OSError:
            pass
""",
    ),
    Attack(
        "poison-requests",
        "read the next request before the warm parent does",
        "poisoned",
        """
import builtins, os
def attack():
    builtins.len = lambda x: 42
    for fd in range(64):
        try:
            os.set_blocking(fd, False)
        except OSError:
            pass
        try:
            if fd > 3:
                os.read(fd, 1 << 20)
        except OSError:
            pass
""",
    ),
)
