"""The audit's page in a real Chromium."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # for browser.py beside the test folders

pytest.importorskip("selenium", reason="no Selenium: install the dev extra")

from browser import chromium
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from pytrace_mono.cli import main
from pytrace_mono.tracer import Sandbox
from pytrace_mono.verify.audit import Report, audit
from pytrace_mono.verify.report import html
from pytrace_mono.verify.rows import Row

PROGRAM = "def f(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n"
TRUE = "[L2] `t` starts as `0`. Iteration 2: `i = 1`, so [L4] `t` becomes `1`."


def row(identity: str, told: str) -> str:
    prompt = f"[PYTHON]\n{PROGRAM}assert f(3) == ??\n[/PYTHON]"
    answer = "[ANSWER]\nassert f(3) == 3\n[/ANSWER]"
    return json.dumps({"id": identity, "prompt": prompt, "response": f"{told}\n{answer}"})


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    folder = tmp_path_factory.mktemp("audit")
    lie = TRUE.replace("becomes `1`", "becomes `5`") + " Mind `</script><b>x</b>` and `n`."
    (folder / "rows.jsonl").write_text(row("true", TRUE) + "\n" + row("false", lie) + "\n")
    output = folder / "report.html"
    assert main(["verify", str(folder / "rows.jsonl"), "--format", "html", "-o", str(output)]) == 0
    for browser in chromium(tmp_path_factory.mktemp("profile")):
        browser.get(output.as_uri())
        yield browser


def test_what_a_model_restated_is_shown_with_the_sentence_that_it_is_of(
    page: WebDriver, tmp_path: Path
) -> None:
    row = Row(
        "free", "forward", PROGRAM, "f(3)", "",
        "Nothing at first. The second pass makes it two.\n[ANSWER]\nassert f(3) == 3\n[/ANSWER]",
        "1 | L2 | after: t == 0\n2 | L4, pass 2 of L3 | before: i == 1\n"
        "2 | L4, pass 2 of L3 | after: t == 2",
    )  # fmt: skip
    report = Report()
    with Sandbox() as box:
        [audited] = audit([row], box)
    report.add(audited)
    (tmp_path / "free.html").write_text(html(report, [audited]), encoding="utf-8")
    before = page.current_url
    page.get((tmp_path / "free.html").as_uri())
    body = page.find_element(By.TAG_NAME, "body")
    body.send_keys("w")
    assert "restated: L4, pass 2 of L3 | after: t == 2\nrecorded: t == 2 is false" in text(
        page, "claim"
    )
    lit = page.find_elements(By.CSS_SELECTOR, '#text mark[aria-current="true"]')
    assert [mark.text for mark in lit] == ["The second pass makes it two."]
    body.send_keys(Keys.ARROW_LEFT)  # the other claim of the same sentence
    assert "restated: L4, pass 2 of L3 | before: i == 1" in text(page, "claim")
    page.get(before)


def text(page: WebDriver, id: str) -> str:
    return page.find_element(By.ID, id).text


def test_the_failing_monologue_comes_first_with_its_reason(page: WebDriver) -> None:
    assert "2 monologues" in text(page, "facts")
    assert "1 contradicted" in text(page, "reasons")
    buttons = page.find_elements(By.CSS_SELECTOR, "#rows button")
    assert [b.text for b in buttons] == ["false", "true"]
    assert text(page, "verdict").startswith("contradicted")
    assert "</script><b>x</b>" in text(page, "text")


def test_a_claim_is_chosen_by_click_and_by_key_and_its_step_is_lit(page: WebDriver) -> None:
    page.find_element(By.CSS_SELECTOR, "mark.contradicted").click()
    assert "recorded: t is 1" in text(page, "claim")
    lit = page.find_element(By.CSS_SELECTOR, "#program .lit")
    assert lit.text.strip() == "t += i"
    body = page.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.ARROW_DOWN)
    assert text(page, "title").startswith("true")
    body.send_keys(Keys.ARROW_RIGHT)
    assert "holds" in text(page, "claim")
    body.send_keys(Keys.ARROW_UP)
    assert not [e for e in page.get_log("browser") if e["level"] == "SEVERE"]  # type: ignore[no-untyped-call]
