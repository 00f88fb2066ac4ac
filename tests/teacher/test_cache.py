"""The cache of answers: what it keeps, what it keeps apart, and what it says when it cannot."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytrace_mono.errors import StoreError
from pytrace_mono.synth.cache import Keys, ResponseCache, default_directory

HERE = "http://here/v1"
REQUEST = {"model": "m", "messages": [{"role": "user", "content": "f(1)?"}], "temperature": 0.5}


def key_of(endpoint: str, request: dict[str, Any], sample: int) -> bytes:
    rest = {name: value for name, value in request.items() if name != "messages"}
    return Keys(endpoint, rest).of(request["messages"], sample)


def test_what_was_stored_is_found_by_another_process(tmp_path: Path) -> None:
    first = ResponseCache(tmp_path)
    second = ResponseCache(tmp_path)
    key = key_of(HERE, REQUEST, 0)
    assert second.get(key) is None
    first.put(key, b"{}")
    assert second.get(key) == b"{}"


def test_the_first_answer_stays(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path)
    cache.put(b"k", b"first")
    cache.put(b"k", b"second")
    assert cache.get(b"k") == b"first"


@pytest.mark.parametrize(
    "other",
    [
        ("http://there/v1", REQUEST, 0),
        (HERE, {**REQUEST, "model": "n"}, 0),
        (HERE, {**REQUEST, "temperature": 0.6}, 0),
        (HERE, {**REQUEST, "messages": []}, 0),
        (HERE, REQUEST, 1),
    ],
)
def test_whatever_may_change_an_answer_is_part_of_its_key(other: Any) -> None:
    assert key_of(*other) != key_of(HERE, REQUEST, 0)


@given(st.text(), st.text(), st.text(), st.integers(0, 99))
def test_a_key_is_the_digest_of_canonical_json(
    endpoint: str, model: str, said: str, sample: int
) -> None:
    # An answer that was paid for is found by it for ever. Lone surrogates too: a program under
    # inspection may hold anything.
    request = {**REQUEST, "model": model, "messages": [{"role": "user", "content": said}]}
    asked = {"sample": sample, "request": request, "endpoint": endpoint}
    written = json.dumps(asked, sort_keys=True).encode()
    assert key_of(endpoint, request, sample) == hashlib.sha256(written).digest()


@pytest.mark.parametrize("text", ['"messages": null', '"sample": null}', '\\"messages": '])
def test_no_text_is_taken_for_a_part_of_the_key(text: str) -> None:
    request = {"model": text, "messages": [{"role": "user", "content": text}], "stop": text}
    written = json.dumps({"endpoint": text, "request": request, "sample": 1}, sort_keys=True)
    assert key_of(text, request, 1) == hashlib.sha256(written.encode()).digest()


def test_it_lies_where_the_user_keeps_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert default_directory().name == "response-cache"
    monkeypatch.chdir(tmp_path)
    ResponseCache("").close()  # of a variable that is not set
    assert [path.name for path in tmp_path.iterdir()] == ["response-cache"]
    monkeypatch.delenv("PYTRACE_MONO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert default_directory() == Path("/caches/pytrace_mono")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert default_directory() == Path("/home/me/.cache/pytrace_mono")


def test_a_cache_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    ResponseCache(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "responses.sqlite3")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"newer pytrace_mono \(format 99.*upgrade"):
        ResponseCache(tmp_path)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "responses.sqlite3").write_bytes(b"something else entirely, and long enough" * 99)
    with pytest.raises(StoreError, match=r"responses\.sqlite3: file is not a database"):
        ResponseCache(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        ResponseCache(tmp_path / "file" / "below")


def test_a_full_disk_is_one_message_and_loses_nothing(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path)
    cache.put(b"before", b"paid")
    # SQLite itself reports a full disk in the same way when its own bound on pages is reached.
    pages = cache._database.execute("PRAGMA page_count")[0][0]
    cache._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"disk is full; free the disk"):
        cache.put(b"after", b"x" * 100_000)
    assert cache.get(b"before") == b"paid"


def test_a_process_killed_while_it_writes_loses_nothing_it_was_told_is_stored(
    tmp_path: Path,
) -> None:
    code = (
        "import sys; from pytrace_mono.synth.cache import ResponseCache\n"
        f"cache = ResponseCache({str(tmp_path)!r}); i = 0\n"
        "while True:\n"
        "    cache.put(b'%d' % i, b'x' * 3000); print(i, flush=True); i += 1\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 200:
            break
    process.kill()
    rest, _ = process.communicate()
    last = int(rest.splitlines()[-2]) if len(rest.splitlines()) > 1 else 200
    cache = ResponseCache(tmp_path)
    assert all(cache.get(b"%d" % i) == b"x" * 3000 for i in range(last + 1))
