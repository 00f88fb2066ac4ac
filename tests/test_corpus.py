"""A corpus on the disk: it opens in `datasets`, exports, and is never lost half-way."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from teachers import truthful

from pytrace_mono import tasks
from pytrace_mono.errors import CorpusError, InputError, MissingExtraError
from pytrace_mono.files import read_rows
from pytrace_mono.records import PYX_COLUMNS, Example, Problem
from pytrace_mono.synth import Corpus, Reject, ScriptedTeacher, export, synthesize
from pytrace_mono.synth import shards as shards_module
from pytrace_mono.synth.rejects import Origin
from pytrace_mono.synth.shards import RowFile, Shards
from pytrace_mono.synth.summary import sizes, summary
from pytrace_mono.synth.writer import CorpusWriter
from pytrace_mono.tracer import Limits
from pytrace_mono.verify import Reason

SOURCE = {"name": "rows.jsonl", "sha256": "0" * 64}
PROBLEMS = [
    Problem.model_validate(
        {
            "id": str(i),
            "code": 'def f(x):\n    return f"{x}é\\u2028"\n',
            "calls": [{"call": f"f({i})"}, {"call": "f()"}],
            "description": "Adds an accent: é." if i else None,
        }
    )
    for i in range(3)
]


def config(format: str) -> dict[str, Any]:
    return {"teacher": "t", "directions": ["forward", "backward"], "format": format}


def example(number: int) -> Example:
    return Example(
        id=f"p/{number}/forward",
        fwd_mnl="assert f(1) == ??",
        response=tasks.response("Because.", "f(1)", "1"),
        task="forward",
        problem_id="p",
        program="def f(x):\n    return x\n",
        entry_point="f",
        attempts=1,
    )


@pytest.fixture(scope="module", params=["parquet", "jsonl"])
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path_factory.mktemp(request.param) / "corpus"
    teacher = ScriptedTeacher(truthful)
    limits = Limits(wall_seconds=2)
    return synthesize(PROBLEMS, teacher, out, limits=limits, format=request.param)


def test_datasets_opens_the_rows_and_nothing_else(corpus: Corpus, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(corpus.path), cache_dir=str(tmp_path))
    assert list(loaded) == ["train"]
    assert loaded["train"].column_names == list(Example.model_fields)
    assert loaded["train"].column_names[:5] == list(PYX_COLUMNS)
    assert [row["id"] for row in loaded["train"]] == [row.id for row in corpus.examples()]
    assert loaded["train"][0] == next(corpus.examples()).model_dump()


def test_exactly_one_instruction_is_filled_in_each_row(corpus: Corpus) -> None:
    rows = list(corpus.examples())
    assert [row.task for row in rows[:3]] == ["forward", "backward", "nl"]
    for row in rows:
        assert [bool(row.nl), bool(row.fwd_mnl), bool(row.bwd_mnl)].count(True) == 1


def test_the_manifest_counts_what_the_files_hold(corpus: Corpus) -> None:
    stats = corpus.stats
    assert stats["rows"] == len(corpus) == len(list(corpus.examples())) == 8
    assert stats["calls"] == {"stated": 6, "usable": 3, "dropped": 3}
    assert stats["forward"] == {"kept": 3, "dropped": 0, "asked": 3}
    assert stats["backward"] == {"kept": 3, "dropped": 0, "asked": 3, "not_invertible": 0}
    assert stats["nl"] == {"kept": 2, "dropped": 0, "unverified": 2, "verified": 0}
    assert stats["reasons"] == {"call": {"call_raised": 3}}
    assert len(list(corpus.rejects())) == 3
    for shard in corpus.manifest["shards"]:
        digest = subprocess.run(
            ["sha256sum", corpus.path / shard["path"]], capture_output=True, text=True, check=True
        )
        assert digest.stdout.split()[0] == shard["sha256"]
    assert set(corpus.manifest["versions"]) == {"pytrace_mono", "python", "format"}


def test_the_summary_names_each_reason_and_where_the_files_are(corpus: Corpus) -> None:
    text = summary(corpus)
    assert "calls: call_raised" in text and "the Call raised an exception" in text
    assert "forward    3 kept of 3 asked (100.0%)" in text
    assert str(corpus.path) in text
    assert "forward" in sizes(corpus)


@pytest.mark.parametrize("to", ["jsonl", "parquet"])
@pytest.mark.parametrize("format", ["pyx", "wide", "messages"])
def test_each_export_holds_all_rows(corpus: Corpus, tmp_path: Path, format: Any, to: Any) -> None:
    if to == "parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / "new" / f"rows.{to}"
    assert export(corpus, format=format, to=to, out=out) == 8
    rows = list(read_rows(out))
    assert [row["id"] for row in rows] == [row.id for row in corpus.examples()]
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    first = next(corpus.examples())
    if format == "messages":
        prompt, target = tasks.prompt_and_completion(first)
        assert rows[0]["messages"] == [
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": target},
        ]
    else:
        columns = PYX_COLUMNS if format == "pyx" else tuple(Example.model_fields)
        assert tuple(rows[0]) == columns
        assert rows[0] == {name: getattr(first, name) for name in columns}


def test_an_export_that_fails_leaves_the_earlier_file(corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    out.write_text("precious")
    broken = Corpus(corpus.path)
    broken.manifest["shards"] = [{"path": "data/missing.jsonl"}]
    with pytest.raises(CorpusError, match=r"missing\.jsonl"):
        export(broken, format="pyx", to="jsonl", out=out)
    assert out.read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_a_corpus_without_rows_still_opens(tmp_path: Path, format: str) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    corpus = CorpusWriter(tmp_path / "c", SOURCE, config(format)).finish(level="guard")
    assert (len(corpus), list(corpus.examples()), list(corpus.rejects())) == (0, [], [])
    if format == "parquet":
        from pyarrow import parquet

        shard = corpus.path / corpus.manifest["shards"][0]["path"]
        assert parquet.read_schema(shard).names == list(Example.model_fields)


@pytest.mark.parametrize("format", ["parquet", "jsonl"])
def test_rows_are_spread_over_shards_in_order(tmp_path: Path, format: Any) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    shards = Shards(tmp_path, format, rows_per_shard=3)
    for number in range(7):
        shards.add(example(number))
    shards.close()
    assert [file.rows for file in shards.files] == [3, 3, 1]
    assert [file.path.name for file in shards.files][2] == f"train-00002.{format}"
    rows = [row["id"] for file in shards.files for row in read_rows(file.path)]
    assert rows == [f"p/{number}/forward" for number in range(7)]


def test_many_rows_go_through_in_batches(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "rows.jsonl", "jsonl", ["id"])
    for number in range(2_500):
        file.add({"id": str(number), "more": "left out"})
    file.close()
    assert list(read_rows(file.path)) == [{"id": str(number)} for number in range(2_500)]


def test_without_pyarrow_parquet_says_what_to_install_and_jsonl_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise MissingExtraError("Parquet", "pyarrow", "synth")

    monkeypatch.setattr(shards_module, "_pyarrow", missing)
    with pytest.raises(MissingExtraError, match="pytrace_mono\\[synth\\]"):
        CorpusWriter(tmp_path / "c", SOURCE, config("parquet"))
    assert not (tmp_path / "c").exists()
    CorpusWriter(tmp_path / "c", SOURCE, config("jsonl")).finish(level="guard")


def test_a_reject_names_file_row_and_cause() -> None:
    reject = Reject("row", Reason.NO_CODE, "the row has no code", origin=Origin("a.jsonl", 3))
    assert reject.message == "a.jsonl, row 3: the row has no code"
    named = Reject("call", Reason.BAD_CALL, "no", "p", "f(", Origin("a.jsonl", 3))
    assert named.message == "a.jsonl, row 3 (p): f(: no"
    assert Reject("call", Reason.BAD_CALL, "no", "p", "f(").message == "p: f(: no"
    assert reject.to_dict() == {
        "direction": "row",
        "reason": "no_code",
        "detail": "the row has no code",
        "file": "a.jsonl",
        "row": 3,
    }


def test_a_directory_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(CorpusError, match="not empty and holds no corpus"):
        CorpusWriter(tmp_path, SOURCE, config("jsonl"))
    with pytest.raises(CorpusError, match="cannot be written"):
        CorpusWriter(tmp_path / "thesis.tex", SOURCE, config("jsonl"))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_runs_cannot_write_to_one_place(tmp_path: Path) -> None:
    first = CorpusWriter(tmp_path, SOURCE, config("jsonl"))
    with pytest.raises(CorpusError, match="another run"):
        CorpusWriter(tmp_path, SOURCE, config("jsonl"))
    first.keep(example(1))
    assert len(first.finish(level="guard")) == 1
    CorpusWriter(tmp_path, SOURCE, config("jsonl")).discard()  # and the place is free again


def test_a_refused_place_is_not_left_locked(tmp_path: Path) -> None:
    writer = CorpusWriter(tmp_path, SOURCE, config("jsonl"))
    writer.keep(example(1))
    writer.finish(level="guard")
    other = {**SOURCE, "sha256": "1" * 64}
    for _ in range(2):
        with pytest.raises(CorpusError, match="another input"):
            CorpusWriter(tmp_path, other, config("jsonl"))
    CorpusWriter(tmp_path, SOURCE, config("jsonl")).discard()


@pytest.mark.parametrize("stopped", ["wrong key", None])
def test_a_corpus_without_rows_is_no_obstacle(tmp_path: Path, stopped: str | None) -> None:
    CorpusWriter(tmp_path, SOURCE, config("jsonl")).finish(level="guard", stopped=stopped)
    writer = CorpusWriter(tmp_path, {**SOURCE, "sha256": "1" * 64}, config("jsonl"))
    writer.keep(example(1))
    assert writer.finish(level="guard").complete


KILLED = """
import os, sys
from pytrace_mono.synth import writer
moves = 0
replace = os.replace
def dying(*args):
    global moves
    moves += 1
    if moves > int(sys.argv[2]):
        os._exit(9)
    replace(*args)
writer.os.replace = dying
from test_corpus import SOURCE, config, example
w = writer.CorpusWriter(sys.argv[1], SOURCE, config("jsonl"))
for i in range(5):
    w.keep(example(100 + i))
w.finish(level="guard")
"""


@pytest.mark.parametrize("earlier", [True, False])
def test_a_run_killed_at_any_move_loses_nothing(tmp_path: Path, earlier: bool) -> None:
    def write(numbers: range) -> list[str]:
        writer = CorpusWriter(tmp_path, SOURCE, config("jsonl"))
        for number in numbers:
            writer.keep(example(number))
        return [row.id for row in writer.finish(level="guard").examples()]

    old = write(range(3)) if earlier else []
    new = [f"p/{100 + i}/forward" for i in range(5)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    for moves in range(9):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path), str(moves)], env=environment, check=False
        )
        assert done.returncode in (0, 9)
        # The next run first undoes what was begun.
        CorpusWriter(tmp_path, SOURCE, config("jsonl")).discard()
        try:
            found = [row.id for row in Corpus(tmp_path).examples()]
        except CorpusError:
            found = []
        assert found == (new if done.returncode == 0 else old)
        left = {path.name for path in tmp_path.iterdir()}
        assert left in (set(), {"README.md", "data", "manifest.json", "rejects.jsonl"})
        if done.returncode == 0:
            break
    else:
        pytest.fail("the run never got to its end")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no corpus is here"),
        ("{half", "cannot be read"),
        ("[]", "of format None"),
        (json.dumps({"versions": {"format": 99}}), "of format 99"),
    ],
)
def test_what_is_no_corpus_is_told_so(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(CorpusError, match=words):
        Corpus(tmp_path)


def written(path: Path) -> Corpus:
    writer = CorpusWriter(path, SOURCE, config("jsonl"))
    writer.keep(example(1))
    return writer.finish(level="guard")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("shards", 3, "shards: "),
        ("shards", [{"path": 3, "rows": 1}], "shards.0.path: "),
        ("shards", [{"path": "data/../../rows.jsonl", "rows": 1}], "shards.0.path: "),
        ("shards", [{"path": "/rows.jsonl", "rows": 1}], "shards.0.path: "),
        ("counts", {}, "counts.problems: "),
        ("config", None, "config: "),
        ("complete", None, "complete: "),
    ],
)
def test_a_manifest_that_is_damaged_is_told_so(
    tmp_path: Path, key: str, value: object, words: str
) -> None:
    manifest = written(tmp_path).manifest
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, key: value}))
    with pytest.raises(CorpusError, match=re.escape(f"manifest.json: is damaged: {words}")):
        Corpus(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"id": "p/1', "train-00000.jsonl: line 1: is not JSON"),
        (b"3\n", "train-00000.jsonl: row 1: is no row of a corpus: "),
        (b"{}\n", "row 1: is no row of a corpus: id: Field required"),
        (json.dumps({**example(1).model_dump(), "attempts": "x"}).encode(), "attempts: "),
        (b"", "0 rows where manifest.json says 1"),
        (2 * (json.dumps(example(1).model_dump()).encode() + b"\n"), "2 rows where"),
    ],
)
def test_a_damaged_shard_is_a_corpus_error(tmp_path: Path, content: bytes, words: str) -> None:
    corpus = written(tmp_path)
    (tmp_path / corpus.manifest["shards"][0]["path"]).write_bytes(content)
    with pytest.raises(CorpusError, match=re.escape(words)):
        list(corpus.examples())


@pytest.mark.parametrize("name", ["data/train-00000.jsonl", "manifest.json", "data"])
def test_an_export_goes_over_nothing_of_its_corpus(tmp_path: Path, name: str) -> None:
    corpus = written(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        export(corpus, format="pyx", to="jsonl", out=tmp_path / name)
    assert [row.id for row in Corpus(tmp_path).examples()] == [example(1).id]


def test_a_format_that_there_is_not_is_refused_and_nothing_written(tmp_path: Path) -> None:
    corpus = written(tmp_path / "c")
    for given in ({"format": "csv", "to": "jsonl"}, {"format": "pyx", "to": "csv"}):
        with pytest.raises(InputError, match="the format is 'csv'; give one of"):
            export(corpus, out=tmp_path / "rows", **given)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the format is 'csv'"):
        CorpusWriter(tmp_path / "d", SOURCE, config("csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("option", ["limit", "samples"])
def test_a_number_that_asks_for_nothing_is_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(InputError, match=f"{option} must be a whole number above zero, not 0"):
        synthesize(PROBLEMS, ScriptedTeacher(truthful), tmp_path / "c", **{option: 0})  # type: ignore[arg-type]
    assert not (tmp_path / "c").exists()


def test_a_file_system_without_locks_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    synthesize(PROBLEMS, ScriptedTeacher(truthful), tmp_path / "c", format="jsonl")
    assert Corpus(tmp_path / "c").complete
    assert not list((tmp_path / "c").glob(".*"))
