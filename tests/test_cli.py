"""The command line, as a user runs it: in a process of its own."""

from __future__ import annotations

import configparser
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chat_server import completion, failure, serve

from pytrace_mono import __version__
from pytrace_mono.cli import COMMANDS, doctor
from pytrace_mono.synth import Corpus
from pytrace_mono.tracer import Trace

PROGRAM = '''\
"""Doubles things."""


def double(x):
    return x * 2


if __name__ == "__main__":
    assert double(4) == 8
    double(None)
'''


def cli(
    *arguments: object, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return subprocess.run(
        [sys.executable, "-m", "pytrace_mono", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**clean, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
    )


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("programs")
    (directory / "double.py").write_text(PROGRAM)
    (directory / "broken.py").write_text("def f(:\n")
    return directory


@pytest.fixture(scope="module")
def made(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus") / "c"
    done = cli("synth", programs, "--out", out, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    return out


def fails(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One message on stderr, exit code 2, no traceback."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "pytrace-mono: error: " in done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_help_lists_every_command_with_examples() -> None:
    done = cli("--help")
    assert done.returncode == 0
    for name, summary in COMMANDS.items():
        assert re.search(rf"{name}\s+{re.escape(summary)}", done.stdout)
    assert "examples:" in done.stdout
    assert cli("--version").stdout.strip() == f"pytrace-mono {__version__}"


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "doctor"])
def test_each_command_has_help_with_examples(command: str) -> None:
    done = cli(command, "--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout and f"pytrace-mono {command}" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["synth", "--help"], ["corpus", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys, contextlib\n"
        "from pytrace_mono.cli import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(sys.argv[1:])\n"
        "print([name for name in ('pydantic', 'openai', 'pyarrow', 'datasets', 'tqdm', 'asyncio') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["synth"], ["synth", "x", "--out", "y", "--directions", "up"]]
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    done = cli(*arguments)
    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_without_a_command_the_commands_are_listed() -> None:
    for arguments, names in (([], COMMANDS), (["corpus"], ["export", "stats", "show"])):
        said = cli(*arguments).stderr
        assert all(name in said for name in names), said


def test_trace_prints_a_trace(programs: Path) -> None:
    done = cli("trace", programs / "double.py", "--call", "double([1])", "--format", "json")
    trace = Trace.from_json(done.stdout)
    assert (trace.call, trace.complete) == ("double([1])", True)
    assert trace.outcome.value is not None and trace.outcome.value.text == "[1, 1]"
    assert any(step.function == "<module>" for step in trace.steps)
    row = json.loads(done.stdout)
    assert row["version"] == 1 and row["outcome"]["kind"] == "returned"


def test_trace_without_a_call_runs_the_module_alone(programs: Path) -> None:
    trace = Trace.from_json(cli("trace", programs / "double.py", "--format", "json").stdout)
    assert trace.call is None
    assert trace.steps


def test_trace_in_another_format(programs: Path) -> None:
    done = cli("trace", programs / "double.py", "--call", "double([1])", "--format", "scratchpad")
    assert done.returncode == 0 and "[OUTPUT] [1, 1] [/OUTPUT]" in done.stdout


def test_trace_as_text_into_a_file(programs: Path, tmp_path: Path) -> None:
    out = tmp_path / "trace.txt"
    setup = "y = 21"
    done = cli(
        "trace", programs / "double.py", "--call", "double(y)", "--setup", setup, "--format", "text",
        "-o", out,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert "return x * 2" in out.read_text()
    assert "42" in out.read_text()


def test_a_program_that_misbehaves_is_no_error_of_the_command(programs: Path) -> None:
    done = cli("trace", programs / "double.py", "--call", "double(None)", "--max-steps", "50",
        "--format", "json",
    )  # fmt: skip
    trace = Trace.from_json(done.stdout)
    assert (done.returncode, trace.outcome.kind, trace.limits["max_steps"]) == (0, "raised", 50)


def test_trace_names_what_is_wrong_with_its_input(programs: Path, tmp_path: Path) -> None:
    fails(cli("trace", tmp_path / "missing.py"), "missing.py", "No such file")
    fails(cli("trace", programs / "broken.py"), "line 1")
    fails(cli("trace", programs / "double.py", "--call", "x ="), "Call")
    fails(cli("trace", programs / "double.py", "--max-steps", "0"), "max_steps")
    fails(cli("trace", programs / "double.py", "--isolation", "perfect"), "perfect")
    fails(cli("trace", programs / "double.py", "-o", tmp_path / "no" / "dir"), "cannot be written")


def test_synth_sums_up_what_it_made(programs: Path, tmp_path: Path) -> None:
    done = cli("synth", programs, "--out", tmp_path / "c", "--format", "jsonl", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "problems   1 read, 1 rejected" in done.stdout
    assert "forward    1 kept of 1 asked" in done.stdout
    assert "backward   1 kept of 1 asked" in done.stdout
    assert "nl         1 kept (1 verified" in done.stdout
    assert re.search(r"1  rows of the input: bad_code +the code is not Python", done.stdout)
    assert re.search(r"1  calls: call_raised +the Call raised", done.stdout)
    assert str(tmp_path / "c") in done.stdout
    assert "left out: broken.py: not Python: line 1:" in done.stderr


def test_synth_can_be_quiet(programs: Path, tmp_path: Path) -> None:
    done = cli("synth", programs, "--out", tmp_path / "c", "--format", "jsonl", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_synth_takes_one_direction_and_a_limit(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    lines = [{"code": "def f(x):\n    return x\n", "call": f"f({i})"} for i in range(5)]
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = cli(
        "synth", rows, "--out", tmp_path / "c", "--directions", "backward", "--limit", "3",
        "--format", "jsonl",
    )  # fmt: skip
    assert done.returncode == 0
    assert [row.task for row in Corpus(tmp_path / "c").examples()] == ["backward"] * 3
    assert "forward" not in done.stdout


def test_synth_names_what_is_wrong_with_its_input(tmp_path: Path) -> None:
    out = tmp_path / "c"
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "thesis.tex").touch()
    fails(cli("synth", tmp_path / "missing.jsonl", "--out", out), "missing.jsonl", "no such file")
    fails(cli("synth", tmp_path / "empty.jsonl", "--out", out), "empty.jsonl", "is empty")
    fails(cli("synth", tmp_path / "used", "--out", out), "holds no .py file")
    (tmp_path / "f.py").write_text(PROGRAM)
    fails(cli("synth", tmp_path / "f.py", "--out", tmp_path / "used"), "choose another --out")
    assert not out.exists()


def test_synth_needs_a_key_and_a_model_for_an_endpoint(programs: Path, tmp_path: Path) -> None:
    start = ("synth", programs, "--out", tmp_path / "c")
    fails(cli(*start, "--teacher", "openai"), "--model")
    fails(cli(*start, "--model", "m"), "--teacher openai")
    fails(cli(*start, "--teacher", "openai", "--model", "m"), "api.openai.com", "OPENAI_API_KEY")
    assert not (tmp_path / "c").exists()


def test_synth_over_an_endpoint(programs: Path, tmp_path: Path) -> None:
    pytest.importorskip("openai")
    start = ("synth", programs, "--out", tmp_path / "c", "--format", "jsonl")
    with serve(lambda request: completion("I do not know.")) as server:
        done = cli(*start, "--teacher", "openai", "--model", "m", "--base-url", server.url)
    assert done.returncode == 0, done.stderr
    assert "forward    0 kept of 1 asked (0.0%), 1 dropped" in done.stdout
    assert "forward: no_answer" in done.stdout


def test_synth_sums_up_what_was_made_when_the_endpoint_refuses(
    programs: Path, tmp_path: Path
) -> None:
    pytest.importorskip("openai")
    start = ("synth", programs, "--out", tmp_path / "c", "--format", "jsonl")
    with serve(lambda request: failure(401, "who are you?")) as server:
        done = cli(*start, "--teacher", "openai", "--model", "m", "--base-url", server.url)
    fails(done, "who are you?", "NOT COMPLETE", server.url)
    assert not Corpus(tmp_path / "c").complete


def test_ctrl_c_keeps_what_was_made(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    quick = [{"code": "def f(x):\n    return x\n", "call": f"f({i})"} for i in range(20)]
    endless = {"code": "import time\ndef f(x):\n    time.sleep(60)\n", "call": "f(1)"}
    rows.write_text("".join(json.dumps(row) + "\n" for row in [*quick, endless]))
    process = subprocess.Popen(
        [
            sys.executable, "-m", "pytrace_mono", "synth", str(rows), "--out", str(tmp_path / "c"),
            "--format", "jsonl", "--wall-seconds", "60",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    staged = tmp_path / "c" / ".building" / "data" / "train-00000.jsonl"
    deadline = time.monotonic() + 20
    while not staged.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert "NOT COMPLETE: interrupted" in errors and "Traceback" not in errors
    corpus = Corpus(tmp_path / "c")
    assert corpus.manifest["stopped"] == "interrupted"
    assert 0 < len(corpus) <= 40


def test_corpus_stats_shows_counts_and_sizes(made: Path) -> None:
    done = cli("corpus", "stats", made)
    assert done.returncode == 0
    assert "calls: call_raised" in done.stdout and "length of the targets" in done.stdout


@pytest.mark.parametrize("direction", ["nl", "forward", "backward"])
def test_corpus_show_prints_one_row_in_full(made: Path, direction: str) -> None:
    done = cli("corpus", "show", made, "--direction", direction)
    example = next(Corpus(made).examples(direction))  # type: ignore[arg-type]
    assert done.returncode == 0
    assert example.instruction in done.stdout and example.response in done.stdout


def test_corpus_show_names_a_row_that_is_not_there(made: Path) -> None:
    for index in ("7", "9" * 30):
        fails(cli("corpus", "show", made, "--index", index), f"no forward row number {index}")
    fails(cli("corpus", "show", made, "--index", "-1"), "counted from 0")
    fails(cli("corpus", "stats", made / "nowhere"), "no corpus is here")


def test_corpus_export_writes_a_file(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "chat.jsonl"
    done = cli("corpus", "export", made, "--format", "messages", "--to", "jsonl", "--out", out)
    assert done.stdout == f"3 rows in {out}\n"
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [len(row["messages"]) for row in rows] == [2, 2, 2]


def test_a_reader_that_goes_away_is_no_traceback(programs: Path) -> None:
    command = f"{sys.executable} -m pytrace_mono trace {programs / 'double.py'} | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "Python 3.1"
    assert done.stderr == ""


def test_an_output_is_refused_before_the_work_and_nothing_is_left(
    programs: Path, tmp_path: Path
) -> None:
    program = tmp_path / "p.py"
    program.write_text("while True: pass\n")  # which would take its seconds
    for out, told in ((tmp_path, "is a folder"), (program, "is what is read"), ("", "is empty")):
        done = cli("trace", program, "-o", out)
        assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr
    assert program.read_text() == "while True: pass\n"
    assert list(tmp_path.iterdir()) == [program]


def test_a_pipe_is_written_to_and_a_link_stays(programs: Path, tmp_path: Path) -> None:
    pipe, link, file = (tmp_path / name for name in ("pipe", "link", "file"))
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    assert cli("trace", programs / "double.py", "-o", pipe).returncode == 0
    shown, _ = reader.communicate(timeout=20)
    link.symlink_to(file)
    assert cli("trace", programs / "double.py", "-o", link).returncode == 0
    assert link.is_symlink() and file.read_text() == shown
    assert pipe.is_fifo() and sorted(tmp_path.iterdir()) == sorted((pipe, link, file))


@pytest.mark.parametrize("where", [">&-", "> /dev/full"])
def test_output_that_cannot_be_written_is_no_traceback(programs: Path, where: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    command = f"{sys.executable} -m pytrace_mono trace {programs / 'double.py'} {where}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    if "full" in where:
        fails(done, "No space left on device")


def test_streams_that_are_closed_from_the_start_are_done_without(
    programs: Path, tmp_path: Path
) -> None:
    command = (
        f"{sys.executable} -m pytrace_mono synth {programs} --out {tmp_path / 'c'} >&- 2>&- <&-"
    )
    assert subprocess.run(command, shell=True, check=False).returncode == 0
    assert Corpus(tmp_path / "c").complete


@pytest.mark.parametrize("option", ["--call", "--setup"])
def test_bytes_that_are_no_text_are_told(programs: Path, option: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "pytrace_mono", "trace", programs / "double.py", option, b"'\xff'"],
        capture_output=True,
        check=False,
    )
    assert said.returncode == 2 and f"argument {option}: it is no text".encode() in said.stderr


def test_what_a_terminal_cannot_show_is_spelled_out(tmp_path: Path) -> None:
    program = tmp_path / "p.py"
    program.write_text("é = 1\n", encoding="utf-8")
    done = cli("trace", program, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "\\xe9 = 1" in done.stdout


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--limit", "x", "not a whole number above zero"),
        ("--max-cost", "x", "give a number of dollars"),
        ("--price", "a,b", "give a number of dollars"),
        ("--base-url", "http://h:99999/v1", "no address of an endpoint"),
        ("--base-url", "http://[::1", "no address of an endpoint"),
    ],
)
def test_an_odd_value_of_an_option_is_told_in_words(
    programs: Path, tmp_path: Path, option: str, value: str, told: str
) -> None:
    pytest.importorskip("openai")
    start = ("synth", programs, "--out", tmp_path / "c", "--teacher", "openai", "--model", "m")
    done = cli(*start, option, value)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr


def test_synth_of_what_holds_no_problem_is_an_error_that_can_be_mended(tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.jsonl", tmp_path / "c"
    start = ("synth", rows, "--out", out, "--format", "jsonl", "--quiet")
    rows.write_text('{"code": 1}\n')
    fails(cli(*start), "holds no Problem that can be used", "rejects.jsonl")
    rows.write_text(json.dumps({"code": "def f(x):\n    return x\n", "call": "f(1)"}))
    assert cli(*start).returncode == 0
    assert len(Corpus(out)) == 2


def test_doctor_says_what_is_there_and_what_is_not() -> None:
    done = cli("doctor")
    assert done.returncode == 0
    assert f"pytrace_mono {__version__}" in done.stdout
    assert "isolation layers" in done.stdout and "level: " in done.stdout
    for extra in ("synth", "train"):
        assert re.search(rf"\[{extra}\] (is installed|lacks)", done.stdout)
    if "lacks" in done.stdout:
        assert 'pip install "pytrace_mono[' in done.stdout


def test_doctor_looks_for_all_that_the_extras_bring() -> None:
    settings = configparser.ConfigParser()
    settings.read(Path(__file__).parent.parent / "setup.cfg")
    for extra, packages in doctor._EXTRAS.items():
        brought = re.findall(r"^[\w-]+", settings["options.extras_require"][extra], re.MULTILINE)
        assert list(packages) == brought
