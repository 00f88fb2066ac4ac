"""The page in a real Chromium: what it shows at each step, and that it can be walked by keyboard."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for browser.py beside the test folders

pytest.importorskip("selenium", reason="no Selenium: install the dev extra")

from browser import chromium
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from pytrace_mono.tracer import Limits, Sandbox, Status, Trace
from pytrace_mono.tracer.labels import labels_at
from pytrace_mono.tracer.render.page import html

Show = Callable[[Trace | str], WebDriver]

PROGRAMS = {
    "loop": (
        "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n",
        "f(4)",
    ),
    "recursion": (
        "def f(n):\n    if n < 2:\n        return n\n    a = f(n - 1)\n    b = f(n - 2)\n"
        "    return a + b\n",
        "f(4)",
    ),
    "generator": (
        "def g(n):\n    for i in range(n):\n        got = yield i\n"
        "def f():\n    out = []\n    for x in g(3):\n        out.append(x)\n    return out\n",
        "f()",
    ),
    "exception": (
        "def h(k):\n    return {}[k]\ndef f():\n    try:\n        h('a')\n"
        "    except KeyError as e:\n        seen = 1\n    return h('b')\n",
        "f()",
    ),
    "deletion": ("def f():\n    a, b = [1], 2\n    a.append(b)\n    del b\n    return a\n", "f()"),
}


def traced(program: str, call: str | None, limits: Limits | None = None) -> Trace:
    with Sandbox(limits or Limits(), isolation="guard", workers=1) as box:
        return box.trace(program, call)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    yield from chromium(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def show(browser: WebDriver, tmp_path: Path) -> Show:
    def shown(what: Trace | str) -> WebDriver:
        path = tmp_path / "page.html"
        page = what if isinstance(what, str) else html(what)
        path.write_text(page, encoding="utf-8")
        browser.get(path.as_uri())
        return browser

    return shown


def text(page: WebDriver, id: str) -> str:
    return page.find_element(By.ID, id).text


def press(page: WebDriver, *keys: str) -> None:
    page.find_element(By.TAG_NAME, "body").send_keys(*keys)


def state_at(trace: Trace, at: int) -> list[dict[str, object]]:
    """The stack after step ``at``, rebuilt by replaying every step before it."""
    variables: dict[int, dict[str, str]] = {}
    before: dict[int, dict[str, str]] = {}
    stack: list[int] = []
    for step in trace.steps[: at + 1]:
        del stack[step.depth :]
        stack.append(step.frame)
        names = variables.setdefault(step.frame, {})
        # What a line did is not known to its frame while what it called still runs.
        pending = step.kind in ("line", "resume", "exception")
        old = dict(names)
        names.update({name: value.text for name, value in step.changes.items()})
        for name in step.deleted:
            names.pop(name, None)
        before[step.frame] = old if pending else dict(names)
    seen = [{"frame": stack[-1], "variables": variables[stack[-1]]}]
    return seen + [{"frame": f, "variables": before[f]} for f in reversed(stack[:-1])]


def test_the_page_numbers_the_lines_that_the_source_has(show: Show) -> None:
    program, call = PROGRAMS["loop"]
    for ending in ("", "\n", "\n\n"):
        page = show(traced(program.rstrip() + ending, call))
        numbers = [part.text for part in page.find_elements(By.CSS_SELECTOR, "#source .number")]
        assert len(numbers) == len((program.rstrip() + ending).splitlines())


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_page_shows_at_every_step_what_a_replay_of_the_trace_gives(
    name: str, show: Show
) -> None:
    trace = traced(*PROGRAMS[name])
    page = show(trace)
    for at, step in enumerate(trace.steps):
        expected = state_at(trace, at)
        state = page.execute_script(f"return pytracePage.state({at})")
        assert [{key: one[key] for key in ("frame", "variables")} for one in state] == expected
        shown = page.execute_script(
            f"pytracePage.go({at});"
            "const own = document.querySelector('.frame');"
            "const names = [...own.querySelectorAll('dt')].map((n) => n.textContent);"
            "const values = [...own.querySelectorAll('.value')].map((n) => n.textContent);"
            "const lit = [...document.querySelectorAll('#source li.lit')]"
            ".map((n) => [...n.parentNode.children].indexOf(n) + 1);"
            "const changed = [...own.querySelectorAll('dt.changed')].map((n) => n.textContent);"
            "return [names, values, lit, changed]"
        )
        now = expected[0]["variables"]
        assert isinstance(now, dict)
        assert shown == [
            [*now, *step.deleted],
            list(now.values()),
            [] if step.file or step.line < 1 else [step.line],
            [n for n in now if n in step.changes] + list(step.deleted),
        ]


def test_keys_and_buttons_walk_the_steps(show: Show) -> None:
    page = show(traced(*PROGRAMS["loop"]))
    count = page.execute_script("return Number(document.getElementById('slider').max) + 1")
    press(page, Keys.END)
    assert text(page, "position") == f"{count} / {count}"
    press(page, Keys.ARROW_LEFT)
    assert text(page, "position") == f"{count - 1} / {count}"
    press(page, Keys.HOME)
    press(page, Keys.ARROW_RIGHT)
    assert text(page, "position") == f"2 / {count}"
    press(page, Keys.PAGE_DOWN)
    assert text(page, "position") == f"12 / {count}"
    press(page, Keys.PAGE_UP)
    page.find_element(By.ID, "back").click()
    assert text(page, "position") == f"1 / {count}"
    page.find_element(By.ID, "slider").send_keys(Keys.ARROW_RIGHT)
    assert text(page, "position") == f"2 / {count}"


def test_a_line_leads_to_its_nth_visit(show: Show) -> None:
    page = show(traced(*PROGRAMS["loop"]))
    gutter = page.find_elements(By.CSS_SELECTOR, "#source button")[3]
    assert "4×" in gutter.text
    gutter.click()
    assert text(page, "visit-count") == "of 4"
    number = page.find_element(By.ID, "visit")
    number.clear()
    number.send_keys("4", Keys.ENTER)
    assert page.execute_script("return pytracePage.state(0)") is not None
    assert page.find_element(By.CSS_SELECTOR, "dd.changed .value").text == "6"
    assert page.find_element(By.CSS_SELECTOR, "dd.changed .was").text == "3"


def test_the_whole_statement_of_a_line_is_marked(show: Show) -> None:
    trace = traced("x = max(\n    int(),\n    2,\n)\ny = x\n", None)
    page = show(trace)
    marked = "return [...document.querySelectorAll('#source li')].map((n) => n.className).join()"
    press(page, Keys.HOME)
    assert page.execute_script(marked) == "lit,statement,statement,statement,"
    second = next(at for at, step in enumerate(trace.steps) if step.line == 2)
    page.execute_script(f"pytracePage.go({second})")
    assert page.execute_script(marked) == "statement,lit,statement,statement,"
    press(page, Keys.END)
    assert page.execute_script(marked) == ",,,,lit"


def test_hostile_text_is_inert(show: Show) -> None:
    hostile = "</script><img src=x onerror=\"document.title='broken'\">\u2028<b>bold</b>"
    trace = traced(f"x = {hostile!r}\nprint(x)  # {hostile.replace(chr(0x2028), '')}\n", None)
    page = show(replace(trace, call=hostile, status=Status("truncated", hostile)))
    press(page, Keys.END)
    assert page.title == "A recorded run"
    assert not page.find_elements(By.CSS_SELECTOR, "img, b")
    title = page.execute_script("return document.getElementById('title').textContent")
    assert title == hostile
    assert page.get_log("browser") == []  # neither an error nor a refusal by the policy


def test_places_that_hold_the_same_object_are_marked_with_one_label(show: Show) -> None:
    """At every step what `labels_at` says; a variable and what is in it."""
    source = (
        "def put(items, item):\n    items.append(item)\n    return len(items)\n"
        "def f():\n    a = b = [[0]]\n    n = put(b, a[0])\n    b = None\n    return a\n"
    )
    with Sandbox(isolation="guard", workers=1, aliases=True) as box:
        trace = box.trace(source, "f()")
    page = show(trace)
    for at in range(len(trace.steps)):
        state = page.execute_script(f"return pytracePage.state({at})")
        told = labels_at(trace, at)
        assert told is not None
        assert {one["frame"]: one["labels"] for one in state} == told
    at = next(i for i, step in enumerate(trace.steps) if step.line == 6)
    marks = page.execute_script(
        f"pytracePage.go({at});"
        "return [...document.querySelectorAll('.frame dd')].map("
        "(n) => [...n.querySelectorAll('.mark')].map((m) => m.textContent))"
    )
    assert marks == [["◆1", "[0] ◆2", "[1] ◆2"], ["◆1"], []]


def test_changes_past_what_is_shown_are_marked(show: Show) -> None:
    page = html(traced("x = [1]\n", None))
    page = page.replace('"deleted": []', '"deleted": [], "changed_beyond_preview": ["x"]')
    shown = show(page)
    marks = shown.execute_script(
        "return [...document.querySelectorAll('dd.changed .mark')].map((n) => n.textContent)"
    )
    assert marks == ["changed past what is shown"]


def test_a_recording_that_is_not_whole_says_so(show: Show) -> None:
    page = show(traced("while True:\n    x = 1\n", None, Limits(max_steps=50)))
    assert text(page, "warning").startswith("Not the whole run (truncated): ")


def test_ten_thousand_steps_can_be_walked(show: Show) -> None:
    trace = traced("t = 0\nfor i in range(4990):\n    t += i\n", None, Limits(max_steps=20_000))
    assert trace.complete
    assert len(trace.steps) > 9_900
    page = show(trace)
    press(page, Keys.END)
    last = len(trace.steps) - 1
    assert page.execute_script(f"return pytracePage.state({last})")[0]["variables"]["t"] == str(
        sum(range(4990))
    )


def test_the_page_shows_the_output_so_far(show: Show) -> None:
    """What was written up to the step, what it wrote itself marked, and the streams told apart."""
    trace = traced("import sys\nprint('one', '\U0001f600')\nx = 1\nsys.stderr.write('two')\n", None)
    page = show(trace)
    seen = {}
    for at, step in enumerate(trace.steps):
        seen[step.kind, step.line] = page.execute_script(
            f"pytracePage.go({at});"
            "return [...document.querySelectorAll('#output span')].filter((n) => !n.hidden)"
            ".map((n) => [n.className, n.textContent])"
        )
    assert seen["line", 1] == []
    assert seen["line", 2] == [["stdout changed", "one \U0001f600\n"]]
    assert seen["line", 3] == [["stdout", "one \U0001f600\n"]]
    assert seen["line", 4] == [["stdout", "one \U0001f600\n"], ["stderr changed", "two"]]
    page = show(replace(trace, writes=None))
    press(page, Keys.HOME)
    assert text(page, "output") == "one \U0001f600\ntwo"
    assert "does not say at which step" in text(page, "output-note")
