"""From Problems to a corpus: what is asked, what is kept, and why the rest is not."""

from __future__ import annotations

import asyncio
import json
import os
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from teachers import answering, truthful

from pytrace_mono.errors import CorpusError, InputError, ProblemError, TeacherError
from pytrace_mono.records import Call, Example, Problem
from pytrace_mono.synth import (
    Completion,
    Corpus,
    Narrator,
    Prompt,
    ScriptedTeacher,
    load_problems,
    synthesize,
)
from pytrace_mono.synth.memory import give_back
from pytrace_mono.tracer import Limits, Sandbox

FAST = Limits(wall_seconds=2, cpu_seconds=1, max_steps=500)

PROGRAM = """\
def double(x):
    return x * 2


class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)
        return len(self.items)

    def size(self):
        return len(self.items)
"""


def problem(*calls: Any, id: str = "p", code: str = PROGRAM, **fields: Any) -> Problem:
    stated = [Call(call=call) if isinstance(call, str) else Call(**call) for call in calls]
    return Problem(id=id, code=code, calls=tuple(stated), **fields)


def run(problems: Any, out: Path, teacher: Any = None, **options: Any) -> Corpus:
    options = {"limits": FAST, "workers": 2, "format": "jsonl", **options}
    return synthesize(problems, teacher or ScriptedTeacher(truthful), out, **options)


def reasons(corpus: Corpus) -> list[tuple[str, str]]:
    return [(reject["direction"], reject["reason"]) for reject in corpus.rejects()]


def tasks_of(corpus: Corpus) -> list[str]:
    return [example.task for example in corpus.examples()]


def test_a_described_call_becomes_a_row_of_each_task(tmp_path: Path) -> None:
    asked = problem({"call": "double(4)", "expected": "8"}, description="Doubles.")
    corpus = run([asked], tmp_path / "c")
    nl, forward, backward = corpus.examples()
    assert (nl.nl, nl.response, nl.verification) == ("Doubles.", PROGRAM, "verified")
    assert "assert double(4) == ??" in forward.fwd_mnl
    assert forward.response.endswith("[ANSWER]\nassert double(4) == 8\n[/ANSWER]")
    assert "assert double(??) == 8" in backward.bwd_mnl
    assert [bool(row.nl) + bool(row.fwd_mnl) + bool(row.bwd_mnl) for row in (nl, forward)] == [1, 1]
    assert (forward.call, forward.output, forward.teacher) == ("double(4)", "8", "scripted")
    assert len(forward.trace_digest) == 64 and forward.level and forward.python
    assert reasons(corpus) == []


def test_the_prompt_carries_all_that_a_teacher_may_want(tmp_path: Path) -> None:
    teacher = ScriptedTeacher(truthful)
    calls = [{"call": "double(y)", "setup": "y = [1]"}, "double(2)"]
    run([problem(*calls, entry_point="double")], tmp_path / "c", teacher, workers=1)
    prompts = {(prompt.direction, prompt.call.call): prompt for prompt in teacher.prompts}
    prompt = prompts["backward", "double(y)"]
    assert prompt.literal_call == "double([1])"
    assert (prompt.masked_call, prompt.output) == ("double(??)", "[1, 1]")
    assert prompt.entry_point == "double"
    assert [trace.call for trace in prompt.traces] == ["double(y)", "double(2)"]
    assert prompt.trace.complete
    system, user = prompt.messages
    assert system.role == "system" and "Reverse Deduction" in system.content
    assert "y = [1]\nassert double(??) == [1, 1]" in user.content
    assert "$" not in system.content


def test_methods_and_constructed_receivers_are_asked_for_by_their_own_expression(
    tmp_path: Path,
) -> None:
    calls = [{"call": "s.push(3)", "setup": "s = Stack()"}, "Stack().push(4)"]
    corpus = run([problem(*calls, entry_point="Stack.push")], tmp_path / "c")
    backward = list(corpus.examples("backward"))
    assert [row.bwd_mnl.splitlines()[-2] for row in backward] == [
        "assert s.push(??) == 1",
        "assert Stack().push(??) == 1",
    ]
    assert "s = Stack()" in backward[0].bwd_mnl
    assert reasons(corpus) == []


@pytest.mark.parametrize(
    ("call", "entry_point", "why"),
    [
        ("len([double(1)])", None, "built-in"),
        ("double(1) + 1", None, "around the function"),
        ({"call": "s.size()", "setup": "s = Stack()"}, "Stack.size", "takes no arguments"),
        ("[double(i) for i in (1, 2)]", "double", "around the function"),
        ({"call": "s.push(1)", "setup": "s = Stack()"}, "double", "not one of double"),
        ({"call": "s.push(s.items)", "setup": "s = Stack(); s.items.append(s.items)"}, None, ""),
        ("double(Stack().items.append) == 1", None, "around"),
        ("(lambda x: 1)(double)", None, "no name"),
    ],
)
def test_a_call_without_an_input_to_ask_for_is_not_invertible(
    tmp_path: Path, call: Any, entry_point: str | None, why: str
) -> None:
    corpus = run([problem(call, entry_point=entry_point)], tmp_path / "c")
    rejects = [reject for reject in corpus.rejects() if reject["direction"] == "backward"]
    if corpus.stats["calls"]["usable"]:
        assert [reject["reason"] for reject in rejects] == ["not_invertible"]
        assert why in rejects[0]["detail"]
        assert corpus.stats["backward"]["not_invertible"] == 1
        assert corpus.stats["backward"]["dropped"] == 0


def test_arguments_are_evaluated_where_they_are_not_literals(tmp_path: Path) -> None:
    code = "def f(*args, a=0, **more):\n    return [args, a, more]\n"
    calls = ["f(1 + 1, *range(2), a=len('ab'), **{'b c': 1})", "f(1 + 1, *range(2), a=len('ab'))"]
    teacher = ScriptedTeacher(truthful)
    corpus = run([problem(*calls, code=code)], tmp_path / "c", teacher)
    asked = [prompt.literal_call for prompt in teacher.prompts if prompt.direction == "backward"]
    assert asked == ["f(2, 0, 1, a=2)"]
    assert reasons(corpus) == [("backward", "not_invertible")]  # no keyword is spelled "b c"


BAD_CALLS = {
    "raises(1)": "call_raised",
    "forever()": "timed_out",
    "counts_long()": "over_limit",
    "ends()": "exited",
    "dies()": "crashed",
    "thing()": "not_exact",
    "1 +": "bad_call",
    "x = 1": "bad_call",
    "fine()": "duplicate_call",
}
HOSTILE = """\
import os
def raises(x):
    raise ValueError("no")
def forever():
    import time
    time.sleep(60)
def counts_long():
    n = 0
    while True:
        n += 1
def ends():
    raise SystemExit(3)
def dies():
    os.kill(os.getpid(), 9)
def thing():
    return object()
def fine():
    return 1
"""


def test_each_call_that_cannot_be_used_has_its_reason_and_the_others_go_on(tmp_path: Path) -> None:
    asked = problem("fine()", *BAD_CALLS, code=HOSTILE)
    corpus = run([asked], tmp_path / "c", directions=["forward"])
    found = {reject["call"]: reject["reason"] for reject in corpus.rejects()}
    assert found.pop("dies()") in ("crashed", "exited", "call_raised")
    assert found == {call: why for call, why in BAD_CALLS.items() if call != "dies()"}
    assert tasks_of(corpus) == ["forward"]
    assert corpus.stats["calls"] == {"stated": 10, "usable": 1, "dropped": 9}


def test_a_setup_that_raises_is_told_from_a_call_that_raises(tmp_path: Path) -> None:
    calls = [
        {"call": "double(1)", "setup": "1 / 0"},
        {"call": "double(1)", "setup": "x = ("},
        {"call": "double()", "setup": "x = 1"},
    ]
    corpus = run([problem(*calls), problem("x", code="1 / 0\n", id="q")], tmp_path / "c")
    assert reasons(corpus) == [
        ("call", "setup_raised"),
        ("call", "bad_call"),
        ("call", "call_raised"),
        ("call", "setup_raised"),
    ]
    assert "ZeroDivisionError" in next(corpus.rejects())["detail"]


def test_a_call_that_is_no_plain_call_is_asked_about_in_parentheses(tmp_path: Path) -> None:
    calls = ["double(1) == double(2)", "double(\n    3,\n)  # three", "f'{double(1):.1f}'"]
    corpus = run([problem(*calls)], tmp_path / "c", directions=["forward"])
    assert [row.fwd_mnl.splitlines()[-2] for row in corpus.examples()] == [
        "assert (double(1) == double(2)) == ??",
        "assert double(3) == ??",
        "assert f'{double(1):.1f}' == ??",
    ]
    assert [row.call for row in corpus.examples()] == calls


@pytest.mark.parametrize(
    ("expected", "call", "verification"),
    [
        ("8", "double(4)", "verified"),
        ("8.0", "double(4)", "verified"),  # as the author's own assert would have it
        ("9", "double(4)", None),
        ("8", "double(None)", None),
        (None, "double(4)", "unverified"),
        ("eight", "double(4)", "unverified"),
        ("[0] * 3", "double(4)", "unverified"),
        (repr([0] * 600), "double([0] * 300)", "verified"),  # too large for a Snapshot
        (repr([1] * 600), "double([0] * 300)", None),
        ("3000", "sum(1 for _ in range(3000))", "verified"),  # too long to be recorded
    ],
)
def test_a_description_is_kept_when_the_code_gives_what_is_expected(
    tmp_path: Path, expected: str | None, call: str, verification: str | None
) -> None:
    asked = problem({"call": call, "expected": expected}, description="Doubles.")
    corpus = run([asked], tmp_path / "c")
    assert [row.verification for row in corpus.examples("nl")] == (
        [verification] if verification else []
    )
    assert (("nl", "expected_mismatch") in reasons(corpus)) is (verification is None)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "empty_completion"),
        (Completion("", finish_reason="length"), "cut_completion"),
        (Completion("[MONOLOGUE]\nI think", finish_reason="length"), "cut_completion"),
        ("It is 8.", "no_answer"),
        ("[ANSWER]\nassert double(4) == 8\n[/ANSWER]", "no_monologue"),
        ("[MONOLOGUE]x[/MONOLOGUE][ANSWER]\nassert double(4) == 9\n[/ANSWER]", "wrong_value"),
        ("[MONOLOGUE]x[/MONOLOGUE][ANSWER]\nassert double(5) == 8\n[/ANSWER]", "wrong_call"),
        ("[MONOLOGUE]x[/MONOLOGUE][ANSWER]\nassert double(4) == 4+4\n[/ANSWER]", "not_literal"),
        (TeacherError("busy"), "teacher_error"),
    ],
)
def test_a_dropped_completion_can_be_read_back(
    tmp_path: Path, said: str | Completion | Exception, reason: str
) -> None:
    corpus = run(
        [problem("double(4)")], tmp_path / "c", ScriptedTeacher([said]), directions=["forward"]
    )
    (reject,) = corpus.rejects()
    assert (reject["reason"], reject["call"], reject["problem_id"]) == (reason, "double(4)", "p")
    text = said.text if isinstance(said, Completion) else said
    assert reject.get("response") == (None if isinstance(text, Exception) else text)


def test_a_backward_answer_is_any_input_that_gives_the_output(tmp_path: Path) -> None:
    teacher = ScriptedTeacher(
        answering(forward="double('ab') == 'abab'", backward="double('ab') == 'abab'")
    )
    corpus = run(
        [problem("double('ab')"), problem("double('abab'[:2])", id="q")], tmp_path / "c", teacher
    )
    assert tasks_of(corpus) == ["forward", "backward", "backward"]
    assert reasons(corpus) == [("forward", "wrong_call")]


def test_an_answer_that_would_not_read_back_is_dropped(tmp_path: Path) -> None:
    corpus = run([problem("double('[ANSWER]')")], tmp_path / "c")
    assert {reason for _, reason in reasons(corpus)} <= {"ambiguous", "no_answer"}
    assert tasks_of(corpus) == []


def test_rows_come_in_the_order_of_the_input_whoever_is_slow(tmp_path: Path) -> None:
    class Slow(ScriptedTeacher):
        async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
            await asyncio.sleep(0.05 if prompt.problem.id == "0" else 0)
            return await super().complete(prompt, n=n)

    asked = [problem(f"double({i})", "double([])", id=str(i)) for i in range(6)]
    corpus = run(asked, tmp_path / "c", Slow(truthful))
    assert [row.problem_id for row in corpus.examples()] == [
        str(i) for i in range(6) for _ in "1234"
    ]
    ids = [row.id for row in corpus.examples()]
    again = run(list(reversed(asked)), tmp_path / "d")
    assert sorted(ids) == sorted(row.id for row in again.examples())


def test_two_runs_differ_in_nothing_but_their_times(tmp_path: Path) -> None:
    asked = [problem("double(2)", "double(None)", id=str(i), description="D") for i in range(3)]
    for name, workers in (("a", 1), ("b", 2)):
        run(asked, tmp_path / name, Narrator(), workers=workers)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert [str(path) for path in files] == [
        "README.md",
        "data/train-00000.jsonl",
        "manifest.json",
        "rejects.jsonl",
    ]
    for path in files:
        first, second = (tmp_path / name / path for name in "ab")
        if path.name != "manifest.json":
            assert first.read_bytes() == second.read_bytes()
            continue
        manifests = [json.loads(file.read_text()) for file in (first, second)]
        for manifest in manifests:
            assert set(manifest.pop("times")) == {"started", "finished", "seconds"}
        assert manifests[0] == manifests[1]


def test_the_limit_counts_problems_and_not_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"code": PROGRAM, "call": f"double({i})"} for i in range(3)]
    path.write_text("oops\n" + "".join(json.dumps(row) + "\n" for row in rows))
    corpus = run(path, tmp_path / "c", limit=2, directions=["forward"])
    assert corpus.stats["problems"] == {"read": 2, "rejected": 1}
    reject = next(corpus.rejects())
    assert (reject["direction"], reject["file"], reject["row"]) == ("row", "rows.jsonl", 1)


def test_a_fatal_error_of_the_teacher_stops_the_run_and_keeps_what_was_made(tmp_path: Path) -> None:
    def script(prompt: Prompt) -> str | Exception:
        if prompt.problem.id == "2":
            return TeacherError("the key was refused", fatal=True)
        return truthful(prompt)

    asked = [problem("double(1)", id=str(i)) for i in range(40)]
    with pytest.raises(TeacherError, match="refused"):
        run(asked, tmp_path / "c", ScriptedTeacher(script), workers=1)
    corpus = Corpus(tmp_path / "c")
    assert not corpus.complete
    assert corpus.manifest["stopped"] == "the key was refused"
    assert len(corpus) == len(list(corpus.examples())) < 40


def test_many_failures_in_a_row_stop_the_run_and_a_few_do_not(tmp_path: Path) -> None:
    busy = TeacherError("busy")
    calls = [f"double({i})" for i in range(20)]
    fails = iter([*[busy] * 7, None, *[busy] * 7, None, *[busy] * 4])
    few = ScriptedTeacher(lambda prompt: next(fails) or truthful(prompt))
    corpus = run([problem(*calls)], tmp_path / "few", few, directions=["forward"])
    assert corpus.stats["forward"] == {"kept": 2, "dropped": 18, "asked": 20}
    with pytest.raises(TeacherError, match=r"8 requests in a row failed.*busy"):
        run([problem(*calls)], tmp_path / "many", ScriptedTeacher(lambda prompt: busy))
    assert not Corpus(tmp_path / "many").complete


def test_an_error_of_any_other_kind_keeps_what_was_made_too(tmp_path: Path) -> None:
    def script(prompt: Prompt) -> str:
        if prompt.problem.id == "1":
            raise KeyError("a bug in somebody's teacher")
        return truthful(prompt)

    asked = [problem("double(1)", id=str(i)) for i in range(2)]
    with pytest.raises(KeyError):
        run(asked, tmp_path / "c", ScriptedTeacher(script), workers=1)
    assert "KeyError" in Corpus(tmp_path / "c").manifest["stopped"]


def test_a_run_cut_short_does_not_replace_a_better_one(tmp_path: Path) -> None:
    asked = [problem("double(1)", id=str(i)) for i in range(3)]
    whole = run(asked, tmp_path / "c")
    before = (tmp_path / "c" / "manifest.json").read_bytes()
    with pytest.raises(TeacherError):
        run(asked, tmp_path / "c", ScriptedTeacher([TeacherError("gone", fatal=True)]))
    assert (tmp_path / "c" / "manifest.json").read_bytes() == before
    assert len(list(Corpus(tmp_path / "c").examples())) == len(whole) == 6
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "README.md",
        "data",
        "manifest.json",
        "rejects.jsonl",
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"directions": []},
        {"directions": ["forward", "nl"]},
        {"directions": "forward"},
        {"limit": "2"},
        {"samples": 1.5},
        {"limits": {"max_steps": 5}},
        {"teacher": Narrator},
        {"teacher": "narrator"},
        {"format": "csv"},
        {"problems": 5},
        {"problems": ["problems.jsonl"]},
        {"problems": [Problem(id="p", code="'\ud800'", calls=(Call(call="1"),))]},
    ],
    ids=lambda given: f"{given!r:.40}",
)
def test_an_argument_that_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    arguments = {"problems": [problem("double(1)")], "teacher": ScriptedTeacher(truthful), **given}
    with pytest.raises(InputError, match=f"(?i){next(iter(given)).removesuffix('s')}"):
        synthesize(out=tmp_path / "c", **arguments)
    assert not (tmp_path / "c").exists()


def test_what_load_problems_gives_can_be_passed_on(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"code": "def f(x):\\n    return x\\n", "call": "f(1)"}\nno row\n')
    corpus = run(load_problems(rows), tmp_path / "c")
    assert len(corpus) == 2
    assert reasons(corpus) == [("row", "not_json")]
    assert corpus.stats["problems"] == {"read": 1, "rejected": 1}


def test_input_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ProblemError):
        run(tmp_path / "missing.jsonl", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_it_runs_inside_a_loop_as_in_a_notebook(tmp_path: Path) -> None:
    async def cell() -> Corpus:
        return run([problem("double(1)")], tmp_path / "c")

    assert len(asyncio.run(cell())) == 2


def test_another_input_or_config_needs_another_place(tmp_path: Path) -> None:
    run([problem("double(1)")], tmp_path / "c")
    with pytest.raises(CorpusError, match="another input"):
        run([problem("double(2)")], tmp_path / "c")
    with pytest.raises(CorpusError, match=r"directions: \['forward', 'backward'\], not"):
        run([problem("double(1)")], tmp_path / "c", directions=["forward"])
    with pytest.raises(CorpusError, match=r"\(max_steps: 500, not 10000\)"):
        run([problem("double(1)")], tmp_path / "c", limits=replace(FAST, max_steps=10_000))
    run([problem("double(1)")], tmp_path / "c", workers=1)  # speed is no part of it


def test_a_custom_teacher_needs_no_base_class(tmp_path: Path) -> None:
    class Mine:
        name = "mine"
        model = "m-1"
        closed = False

        async def complete(self, prompt: Prompt, *, n: int = 1) -> list[Completion]:
            return [Completion("no idea"), Completion(truthful(prompt))]

        async def aclose(self) -> None:
            self.closed = True

    mine = Mine()
    corpus = run([problem("double(1)")], tmp_path / "c", mine)
    rows: list[Example] = list(corpus.examples())
    assert [row.attempts for row in rows] == [2, 2]
    assert mine.closed
    assert corpus.manifest["config"]["model"] == "m-1"


def test_a_long_run_gives_back_what_it_has_let_go_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[int] = []
    monkeypatch.setattr("pytrace_mono.synth.running._BETWEEN_GIVING_BACK", 3)
    monkeypatch.setattr("pytrace_mono.synth.running.give_back", lambda: given_back.append(1))
    rows = [problem("double(4)", id=str(i)) for i in range(7)]
    assert len(run(rows, tmp_path / "c", directions=["forward"])) == 7
    assert len(given_back) == 2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives back")
def test_pages_that_are_free_go_back_to_the_system() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    blocks = [b"%d" % i * 25_000 for i in range(1_000, 2_000)]  # too small to be mapped one by one
    stay = blocks[::10]
    held = resident()
    del blocks
    give_back()
    assert held - resident() > 60_000_000
    assert len(stay) == 100


def test_calls_of_a_program_that_imports_nothing_share_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    trace_all = Sandbox.trace_all

    def noted(box: Sandbox, source: str, calls: Any) -> Any:
        sizes.append(len(calls))
        return trace_all(box, source, calls)

    monkeypatch.setattr(Sandbox, "trace_all", noted)
    calls = [f"double({i})" for i in range(9)]
    together = run([problem(*calls)], tmp_path / "c")
    assert sorted(sizes) == [1, 8]
    alone = [run([problem(call)], tmp_path / f"{i}") for i, call in enumerate(calls)]
    assert list(together.examples()) == [row for corpus in alone for row in corpus.examples()]


def test_what_a_call_leaves_in_a_module_meets_no_other(tmp_path: Path) -> None:
    code = (
        "import math\n\ndef f(x):\n    before = hasattr(math, 'left')\n    math.left = x\n"
        "    return before\n"
    )
    corpus = run([problem("f(1)", "f(2)", code=code)], tmp_path / "c", directions=["forward"])
    assert [row.output for row in corpus.examples()] == ["False", "False"]


def test_a_call_that_cannot_be_run_takes_no_other_with_it(tmp_path: Path) -> None:
    calls = ("double(1)", "double((yield))", "double(2)")
    corpus = run([problem(*calls)], tmp_path / "c", directions=["forward"])
    assert [row.call for row in corpus.examples()] == ["double(1)", "double(2)"]
    assert reasons(corpus) == [("call", "bad_call")]
