"""The page as a file: it is whole by itself, and what a program says stays data."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.tracer.render.page import html
from pytrace_mono.tracer.types import Outcome, Snapshot, Status, Step, Trace

HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>\u2028\u2029&amp;\x00$data"


def made(program: str, text: str = "1") -> Trace:
    value = Snapshot(text, "str", False)
    step = Step("line", 1, "<module>", 0, 0, changes={"x": value})
    return Trace(
        program=program,
        call=None,
        setup="",
        outcome=Outcome("returned", value),
        status=Status("complete"),
        level="none",
        limits={},
        stdout=text,
        stderr="",
        steps=(step,),
        call_start=0,
        python="3.11.7",
    )


def embedded(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])  # type: ignore[no-any-return]


def test_the_page_loads_nothing_and_forbids_to() -> None:
    page = html(made("x = 1"))
    assert "default-src 'none'" in page
    assert "unsafe" not in page
    assert not re.search(r"https?://|\ssrc=|\shref=|@import|url\(", page)


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_text_comes_back_from_the_page_as_it_was(text: str) -> None:
    trace = made(text, text)
    page = html(trace)
    assert Trace.from_json(json.dumps(embedded(page)["trace"])) == trace
    page.encode("utf-8")


def test_hostile_text_is_data_to_the_html_parser() -> None:
    page = html(made(f"x = {HOSTILE!r}\n{HOSTILE}", HOSTILE))
    assert page.count("</script>") == html(made("")).count("</script>")
    assert "<img" not in page
    assert "\u2028" not in page


def test_source_is_painted_by_pythons_own_tokens() -> None:
    data = embedded(html(made('def f(n):  # why\n    return """a\nb""" + len(n)')))
    assert data["paint"] == [
        [[0, 3, "keyword"], [4, 5, "name"], [11, 16, "comment"]],
        [[4, 10, "keyword"], [11, 15, "string"]],
        [[0, 4, "string"], [7, 10, "builtin"]],
    ]


def test_broken_source_is_left_plain() -> None:
    for broken in ("x = (1,\ndef", "  a\n b\nc = '''", "if x:\n        y\n   z"):
        assert not any(embedded(html(made(broken)))["paint"])  # type: ignore[arg-type]


def test_an_empty_recording_has_a_page() -> None:
    assert "Nothing was recorded." in html(replace(made(""), steps=()))
