"""What each step says: kinds, changes, deletions, values; and that the program does not notice."""

from __future__ import annotations

import sys
import textwrap
from typing import Any

import pytest
from recorded import record_source, run, untraced

from pytrace_mono.tracer.limits import Limits
from pytrace_mono.tracer.snapshot import Snapshotter


def program(text: str) -> str:
    return textwrap.dedent(text).lstrip()


def changes(text: str, call: str = "f()", function: str = "f") -> list[tuple[int, dict[str, str]]]:
    recorded = record_source(program(text), call)
    assert recorded.status == {"state": "complete"}, recorded
    return recorded.changes(function)


def test_a_change_belongs_to_the_line_that_made_it() -> None:
    """Binding, mutation at depth, augmented assignment, each in the step of its own line."""
    assert changes("""
        def f():
            a = [1, [2]]
            a[1].append(3)
            b = a
            b += [4]
            return a
        """) == [
        (2, {"a": "[1, [2]]"}),
        (3, {"a": "[1, [2, 3]]"}),
        (4, {"b": "[1, [2, 3]]"}),
        (5, {"a": "[1, [2, 3], 4]", "b": "[1, [2, 3], 4]"}),
    ]


def test_equal_values_of_other_types_are_changes() -> None:
    """1, True and 1.0 are equal and not the same; so are the two zeros."""
    assert changes("""
        def f():
            x = 1
            x = True
            x = 1.0
            z = 0.0
            z = -0.0
            l = [1]
            l[0] = True
        """) == [
        (2, {"x": "1"}),
        (3, {"x": "True"}),
        (4, {"x": "1.0"}),
        (5, {"z": "0.0"}),
        (6, {"z": "-0.0"}),
        (7, {"l": "[1]"}),
        (8, {"l": "[True]"}),
    ]


def test_rebinding_the_same_value_is_no_change() -> None:
    """A step shows what is different afterwards."""
    assert changes("def f():\n    x = [1000]\n    x = [1000]\n    y = 1000\n    y = 500 * 2\n") == [
        (2, {"x": "[1000]"}),
        (4, {"y": "1000"}),
    ]


def test_attributes_are_followed() -> None:
    """Attributes, slots, an entry of __dict__, a deletion, and another object that looks the same."""
    assert changes("""
        class N:
            def __init__(self, v):
                self.v = v
        class S:
            __slots__ = ("a", "b")
        def f():
            n = N(1)
            n = N(1)
            n.v = [2]
            n.v.append(3)
            n.__dict__["w"] = 4
            del n.v
            s = S()
            s.b = 5
        """) == [
        (7, {"n": "<N v=1>"}),
        (8, {"n": "<N v=1>"}),
        (9, {"n": "<N v=[2]>"}),
        (10, {"n": "<N v=[2, 3]>"}),
        (11, {"n": "<N v=[2, 3], w=4>"}),
        (12, {"n": "<N w=4>"}),
        (13, {"s": "<S object>"}),
        (14, {"s": "<S b=5>"}),
    ]


@pytest.mark.parametrize("size", [300, 4_000])
def test_changes_behind_the_preview_are_changes(size: int) -> None:
    """What is not shown is watched too: in the middle, appended, popped, nested."""
    found = changes(f"""
        def f():
            a = [[i] for i in range({size})]
            a[-1].append(1)
            a.append([2])
            a.pop()
            b = 1
            a[{size} - 10] = [7]
        """)
    assert [line for line, new in found if "a" in new] == [2, 3, 4, 5, 7]


def test_a_growing_list_shows_each_state() -> None:
    """The quick way for lists that only grow or shrink gives what looking anew would give."""
    found = changes("""
        def f():
            a = []
            for i in range(300):
                a.append((i, str(i)))
            for i in range(300):
                a.pop()
        """)
    expected: list[Any] = []
    seen = []
    for line, new in found:
        if line == 4:
            expected.append((len(expected), str(len(expected))))
        elif line == 6:
            expected.pop()
        if "a" in new:
            assert new["a"] == Snapshotter(Limits()).take(expected)["text"]
            seen.append(line)
    assert seen.count(4) == seen.count(6) == 300


def test_deletions_are_told() -> None:
    """del, the end of an except block, and a name that is bound again."""
    rows = record_source(
        program("""
        def f(a):
            x = 1
            del x, a
            try:
                1 / 0
            except ZeroDivisionError as e:
                k = 1
            x = 2
            return k
        """),
        "f(0)",
    ).of("f")
    assert {row["line"]: row["deleted"] for row in rows if row["deleted"]} == {
        3: ["a", "x"],
        7: ["e"],
    }
    assert [row["line"] for row in rows if "x" in row["changes"]] == [2, 8]


def test_the_last_line_before_leaving_has_its_changes() -> None:
    """A line that changes something and returns, yields or raises on the spot."""
    recorded = record_source(
        "def r(a):\n    a.append(1); return a\n"
        "def y(a):\n    a.append(1); yield a\n"
        "def x(a):\n    a.append(1); raise ValueError(a)\n"
        "def f():\n    list(y([]))\n    r([])\n    x([])\n",
        "f()",
    )
    for name, kinds in {
        "r": ["call", "line", "return"],
        "y": ["call", "line", "yield", "resume", "return"],
        "x": ["call", "line", "exception", "unwind"],
    }.items():
        rows = recorded.of(name)
        assert [row["kind"] for row in rows] == kinds
        assert rows[1]["changes"]["a"]["text"] == "[1]"
    assert recorded.of("x")[2]["value"]["text"] == "ValueError([1])"
    assert recorded.of("y")[2]["value"]["text"] == "[1]"


def test_a_call_carries_the_bound_arguments_and_nothing_else() -> None:
    """Defaults, *args, keyword-only, **kwargs, also those that a closure keeps; no closure variables."""
    rows = record_source(
        program("""
        def outer(free):
            def f(a, b=2, *c, d=4, **e):
                return lambda: (a, free, e)
            return f
        """),
        "outer(9)(1, 2, 3, z=5)",
    ).of("outer.<locals>.f")
    texts = {name: value["text"] for name, value in rows[0]["changes"].items()}
    assert texts == {"a": "1", "b": "2", "c": "(3,)", "d": "4", "e": "{'z': 5}"}


def test_closures_and_globals_are_seen_by_those_who_use_them() -> None:
    """nonlocal, a global that is written, a function kept in a global, and a class body's global."""
    text = """
        n = 0
        h = None
        class C:
            global n
            n += 1
        def f():
            global n, h
            c = 0
            def g():
                nonlocal c
                c += 1
            g()
            n += 5
            h = len
            h = 3
            del h
        """
    recorded = record_source(program(text), "f()")
    assert recorded.changes("f")[2:] == [
        (12, {"c": "1"}),
        (13, {"n": "6"}),
        (14, {"h": "<built-in function len>"}),
        (15, {"h": "3"}),
    ]
    assert recorded.changes("f.<locals>.g") == [(11, {"c": "1"})]
    assert (5, {"n": "1"}) in recorded.changes("C")
    assert next(row["deleted"] for row in recorded.of("f") if row["line"] == 16) == ["h"]


def test_generators_are_told_by_kind() -> None:
    """yield, resume, send, throw and close, with depth and frame of the generator kept."""
    recorded = record_source(
        program("""
        def gen():
            try:
                x = yield 1
                yield [x]
            except ValueError:
                yield 2
            finally:
                w = 3
        def f():
            g = gen()
            next(g)
            g.send(5)
            g.throw(ValueError("a"))
            g.close()
        """),
        "f()",
    )
    assert recorded.status == {"state": "complete"}
    assert recorded.kinds("gen") == [
        ("call", 1), ("line", 2), ("line", 3), ("yield", 3),
        ("resume", 3), ("line", 4), ("yield", 4),
        ("resume", 4), ("exception", 4), ("line", 5), ("line", 6), ("yield", 6),
        ("resume", 6), ("exception", 6), ("line", 8), ("unwind", 8),
    ]  # fmt: skip
    assert {(row["frame"], row["depth"]) for row in recorded.of("gen")} == {(2, 1)}
    assert [r["value"]["text"] for r in recorded.of("gen") if r["kind"] == "yield"] == [
        "1",
        "[5]",
        "2",
    ]


def test_coroutines_and_async_generators_are_told_by_kind() -> None:
    """await is no yield, and an async generator's yield has the value that was yielded."""
    recorded = record_source(
        program("""
        class Pause:
            def __await__(self):
                yield 7
        async def ag():
            yield 1
            await Pause()
            yield [2]
            yield None
        async def co():
            return [i async for i in ag()]
        def f():
            c = co()
            assert c.send(None) == 7
            try:
                c.send(None)
            except StopIteration as stop:
                return stop.value
        """),
        "f()",
    )
    assert recorded.value == [1, [2], None]
    assert recorded.status == {"state": "complete"}
    rows = [row for row in recorded.of("ag") if row["kind"] in ("yield", "await")]
    assert [row["kind"] for row in rows] == ["yield", "await", "yield", "yield"]
    assert [row["value"]["text"] for row in rows if "value" in row] == ["1", "[2]", "None"]


def test_the_end_of_an_iteration_is_no_exception_of_the_program() -> None:
    """A for loop over an iterator of the program's ends without an exception step in its frame."""
    recorded = record_source(
        program("""
        class I:
            def __iter__(self):
                return self
            def __next__(self):
                raise StopIteration
        def f():
            for x in I():
                pass
            return next(I())
        """),
        "f()",
    )
    assert [line for kind, line in recorded.kinds("f") if kind == "exception"] == [9]


def test_an_attribute_of_a_metaclass_does_not_decide_what_an_exception_is() -> None:
    """A class that claims to equal StopIteration is still told as an exception."""
    recorded = record_source(
        program("""
        class Meta(type):
            def __eq__(cls, other):
                return True
            __hash__ = type.__hash__
        class E(Exception, metaclass=Meta):
            pass
        class I:
            def __iter__(self):
                return self
            def __next__(self):
                raise E
        def f():
            for x in I():
                pass
        """),
        "f()",
    )
    assert ("exception", 13) in recorded.kinds("f")


RECURSIONS = {
    "plain": """
        def over(n):
            global D
            D = n
            over(n + 1)
        def f():
            try:
                over(0)
            except RecursionError as error:
                told = str(error)
            after = D
            return D, told
        """,
    "own limit": """
        import sys
        def over(n):
            global D
            D = n
            over(n + 1)
        def f():
            old = sys.getrecursionlimit()
            sys.setrecursionlimit(400)
            try:
                over(0)
            except RecursionError:
                pass
            sys.setrecursionlimit(old)
            return D, old
        """,
    "through C": """
        def key(x):
            return sorted([1, 2], key=lambda y: key(y))
        def f():
            try:
                key(1)
            except RecursionError:
                return "caught"
        """,
    "finally": """
        def over(n):
            global F
            try:
                over(n + 1)
            finally:
                F = n
        def f():
            try:
                over(0)
            except RecursionError:
                pass
            return F
        """,
    "nearly": """
        def down(n):
            return 0 if n == 0 else 1 + down(n - 1)
        def f():
            return down(850)
        """,
    "unrecorded": """
        import copy
        def f():
            deep = []
            for _ in range(2000):
                deep = [deep]
            try:
                copy.deepcopy(deep)
            except RecursionError:
                return "caught"
        """,
}


@pytest.mark.parametrize("name", RECURSIONS)
def test_recursion_up_to_the_limit_is_recorded_and_unchanged(name: str) -> None:
    """The program fails at the same depth as untraced, and every step up to its end is there."""
    limit = sys.getrecursionlimit()
    source = program(RECURSIONS[name])
    expected = untraced(source, "f()")
    recorded = record_source(source, "f()", Limits(max_steps=10**6))
    if sys.version_info[:2] == (3, 11) and name in ("plain", "own limit"):
        # Whether the callers' calls are specialized changes the count of 3.11 itself, by one or two.
        assert abs(recorded.value[0] - expected[0]) <= 2
    else:
        assert recorded.value == expected
    assert recorded.status == {"state": "complete"}
    assert recorded.rows[-1]["kind"] == "return" and recorded.rows[-1]["function"] == "f"
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize(
    "body",
    [
        "sys.settrace(None); x = 1",
        "old = sys.gettrace(); sys.settrace(None); x = 1; sys.settrace(old)",
        "sys.settrace(lambda *a: None); x = 1",
        "sys._getframe().f_trace = None",
        "sys._getframe().f_trace_lines = False",
    ],
)
def test_a_recorder_that_was_switched_off_says_so(body: str) -> None:
    """Also when the program puts everything back afterwards."""
    source = f"import sys\ndef g():\n    {body}\n    y = 1\ndef f():\n    g()\n    return 2\n"
    before = sys.gettrace()
    try:
        from pytrace_mono.tracer.recorder import Recorder
        from pytrace_mono.tracer.scope import PROGRAM_FILE, Scope

        recorder = Recorder(Limits(), Scope.of_files(PROGRAM_FILE))
        found: list[Any] = []
        assert run(source, "f()", recorder.start, lambda: found.append(recorder.stop())) == 2
    finally:
        sys.settrace(before)
    assert found[0]["state"] == "tracer_lost"


def test_threads_are_told() -> None:
    """Code in scope that runs in another thread is not recorded, and the status says it."""
    recorded = record_source(
        program("""
        import threading
        def work():
            x = 1
        def f():
            t = threading.Thread(target=work)
            t.start()
            t.join()
        """),
        "f()",
    )
    assert recorded.status == {
        "state": "thread_untraced",
        "reason": "work ran in a thread of its own",
    }
    other = record_source("import threading\nt = threading.Thread(target=print)\n")
    assert other.status == {"state": "complete"}


def test_max_steps_ends_the_recording_not_the_program() -> None:
    """A live program goes on unrecorded; nothing it could catch is raised."""
    source = program("""
        def f():
            n = 0
            try:
                for i in range(50):
                    n += 1
            except BaseException:
                n = -1
            return n
        """)
    recorded = record_source(source, "f()", Limits(max_steps=20))
    assert recorded.value == 50
    assert len(recorded.rows) == 20
    assert recorded.status == {"state": "truncated", "reason": "max_steps (20) reached"}


def test_an_exception_of_a_signal_handler_reaches_the_program() -> None:
    """A handler may run, and raise, while a step is being recorded; the program must get it."""
    import signal

    if not hasattr(signal, "setitimer"):
        pytest.skip("needs setitimer")
    source = program("""
        import signal
        def stop(signum, frame):
            raise TimeoutError("stop")
        def f():
            old = signal.signal(signal.SIGVTALRM, stop)
            try:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0.2)
                n = 0
                while True:
                    n += 1
            except TimeoutError as error:
                return str(error)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                signal.signal(signal.SIGVTALRM, old)
        """)
    recorded = record_source(source, "f()", Limits(max_steps=10**6))
    assert recorded.value == "stop"
    assert recorded.status["state"] in ("complete", "tracer_lost")


def test_class_bodies_and_modules_show_the_programs_own_names() -> None:
    """Names that the interpreter binds (`__module__`, `__qualname__`) are left out."""
    recorded = record_source("x = 1\nclass C:\n    y = 2\n    def m(self):\n        pass\n")
    assert recorded.changes("C") == [(3, {"y": "2"}), (4, {"m": "<function m>"})]
    assert recorded.changes("<module>") == [(1, {"x": "1"}), (2, {"C": "<class C>"})]
    assert recorded.rows[0]["line"] == 1


def test_functions_have_qualified_names() -> None:
    """On 3.10, too, where a code object does not know its own."""
    source = program("""
        class C:
            def m(self):
                def inner():
                    return 1
                return inner()
        """)
    names = {row["function"] for row in record_source(source, "C().m()").rows}
    assert names == {"<module>", "C", "C.m", "C.m.<locals>.inner"}


def test_a_comprehension_in_a_module_or_class_body_is_not_disturbed() -> None:
    """From 3.12 on it runs in the body's own frame, whose variables must not be asked for there."""
    source = program("""
        pairs = {
            (i, j): str(
                i + j
            )
            for i in range(3)
            for j in range(2)
        }
        class C:
            squares = [
                n * n
                for n in range(3)
            ]
        end = 1
        """)
    recorded = record_source(source, "(len(pairs), C.squares, end)")
    assert recorded.value == (6, [0, 1, 4], 1) == untraced(source, "(len(pairs), C.squares, end)")
    assert recorded.status == {"state": "complete"}
    names = [name for _, changed in recorded.changes("<module>") for name in changed]
    assert names == ["pairs", "C", "end"]


def test_a_global_that_becomes_a_function_is_not_deleted() -> None:
    """Functions in globals are not shown, but a variable that was shown stays one."""
    source = program("""
        handler = 1
        def install():
            global handler
            handler = len
        def f():
            before = handler
            install()
            return handler
        """)
    rows = record_source(source, "f()").of("f")
    assert [row["deleted"] for row in rows if row["deleted"]] == []
    assert (7, {"handler": "<built-in function len>"}) in record_source(source, "f()").changes("f")


def test_the_traceback_of_a_refused_call_is_the_programs_own() -> None:
    """Neither the frame that was refused nor the recorder's own are in it."""
    source = program("""
        def over(n):
            m = n
            over(n + 1)
        def f():
            try:
                over(0)
            except RecursionError as error:
                traceback = error.__traceback__
                while traceback.tb_next:
                    traceback = traceback.tb_next
                return traceback.tb_frame.f_code.co_name, traceback.tb_lineno
        """)
    expected = untraced(source, "f()")
    assert record_source(source, "f()", Limits(max_steps=10**6)).value == expected == ("over", 3)


def test_a_container_too_large_to_compare_is_told_as_unchecked() -> None:
    """Only where the line may have changed it; another length is a change."""
    source = """
def f():
    a = list(range(20_000))
    t = a[15_000]
    a[15_000] = 0
    a.append(1)
    a[0] = 7
    return t
"""
    rows = record_source(source, "f()").of("f")
    told = {row["line"]: (sorted(row["changes"]), row.get("unchecked", [])) for row in rows}
    assert told[4] == (["t"], [])
    assert told[5] == ([], ["a"])
    assert told[6] == (["a"], [])
    assert told[7] == (["a"], [])
    assert rows[4]["changed_beyond_preview"] == ["a"]
