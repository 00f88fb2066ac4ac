"""``pytrace-mono verify``: check every claim of monologues that somebody made."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pytrace_mono.cli.options import (
    add_endpoint_options,
    add_sandbox_options,
    limits_of,
    name,
    place,
    positive,
)
from pytrace_mono.cli.stopping import sigterm_as_ctrl_c
from pytrace_mono.errors import InputError, PytraceMonoError
from pytrace_mono.files import replace_text, require_place
from pytrace_mono.manifest import rows_at

_EXAMPLES = """\
examples:
  pytrace-mono verify corpus/                      a corpus of ours
  pytrace-mono verify pyx.jsonl --format json      rows of PyX, of prompt and response, or chats
  pytrace-mono verify corpus/ --format html -o report.html
  pytrace-mono verify corpus/ --strict             exit code 1 when a row fails
  pytrace-mono verify pyx.jsonl --reader MODEL --base-url http://localhost:8000/v1

A monologue without line labels ([L4]) is read by patterns, which miss most of what free prose says;
with --reader a model restates it first, sentence by sentence, and that is held against the recording.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "path", type=place, metavar="PATH", help="a corpus, or a file of JSON Lines or Parquet"
    )
    parser.add_argument(
        "--format",
        choices=("text", "json", "html"),
        default="text",
        help="text for reading, json, or a page of its own (default text)",
    )
    parser.add_argument("-o", "--output", type=place, metavar="OUT", help="write to this file")
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="audit the first N monologues only"
    )
    parser.add_argument("--strict", action="store_true", help="exit code 1 when a row fails")
    parser.add_argument(
        "--reader", type=name, metavar="MODEL", help="have this model restate what has no labels"
    )
    add_endpoint_options(parser)
    add_sandbox_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Audit and print; an audit that is stopped tells of the rows up to there."""
    from tqdm import tqdm

    from pytrace_mono.tracer.sandbox import Sandbox
    from pytrace_mono.verify.audit import Audited, Report, audit
    from pytrace_mono.verify.reasons import Reason
    from pytrace_mono.verify.rows import Row, row_of

    if args.output is not None:
        require_place(args.output, *_files(args.path))
    if args.reader is None and (args.base_url or args.cache):
        raise InputError(
            "--base-url and --cache are for --reader MODEL; give it, or leave them out."
        )
    report = Report()
    shown: list[Audited] = []
    taken = 0  # rows of the file, those included that a model is still being asked about

    def is_full() -> bool:
        return args.limit is not None and taken >= args.limit

    def unusable(named: str, why: str, reason: Reason) -> None:
        nonlocal taken
        if not is_full():
            taken += 1
            report.add_unusable(named, why, reason)

    def rows() -> Iterator[Row]:
        nonlocal taken
        damaged = partial(unusable, reason=Reason.NOT_JSON)
        for number, (_, data) in enumerate(rows_at(args.path, InputError, damaged), 1):
            if is_full():
                return
            try:
                row = row_of(data, number)
            except InputError as error:
                named = data.get("id", number) if isinstance(data, dict) else number
                unusable(str(named), str(error), Reason.BAD_ROW)
                continue
            if row is None:
                report.skipped += 1
            else:
                taken += 1
                yield row

    def every(box: Sandbox) -> Iterator[Audited]:
        if args.reader is None:
            return audit(rows(), box)
        from pytrace_mono.synth.openai_teacher import OpenAITeacher
        from pytrace_mono.synth.restating import audit_restated

        model = OpenAITeacher(
            args.reader, base_url=args.base_url, cache=args.cache, structured_output=False
        )
        return audit_restated(rows(), box, model)

    stopped: BaseException | None = None
    try:
        with (
            sigterm_as_ctrl_c(),
            Sandbox(limits_of(args), isolation=args.isolation, workers=1) as box,
        ):
            bar = tqdm(every(box), total=args.limit, unit="monologue", leave=False, disable=None)
            for audited in bar:
                report.add(audited)
                if args.format == "html":
                    shown.append(audited)
    except (PytraceMonoError, KeyboardInterrupt) as error:
        if not report.rows:
            raise
        stopped = error
        report.complete = False
    if not report.rows and not report.skipped:
        raise InputError(f"{args.path}: holds no row, so there is nothing to audit.")
    if report.by_reason[Reason.NOT_JSON] == report.rows and not report.skipped:
        raise InputError(
            f"{args.path}: {report.first_wrong[0]['id']}: {report.first_wrong[0]['claim']}, and "
            "neither is any other; give JSON Lines, or Parquet in a file that is named so."
        )
    if args.format == "json":
        text = json.dumps(report.to_dict(), indent=1) + "\n"
    elif args.format == "html":
        from pytrace_mono.verify.report import html

        text = html(report, shown)
    else:
        text = _text(report.to_dict())
    if args.output is None:
        sys.stdout.write(text)
    else:
        replace_text(args.output, text)
    if stopped is not None:
        raise stopped
    return 1 if args.strict and report.failed else 0


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        from pytrace_mono.synth.corpus import Corpus

        return Corpus(path).files
    return [path]


def _text(report: dict[str, Any]) -> str:
    lines = [
        f"{report['rows']} monologues" + ("" if report["complete"] else ", stopped before the end"),
        f"  right answers     {report['right_answer']:7.1%}",
        f"  all claims true   {report['all_claims_true']:7.1%}",
        f"  sentences unread  {report['unread']:7.1%}",
        "  claims: " + ", ".join(f"{count} {name}" for name, count in report["claims"].items()),
    ]
    if report["restated"]:
        lines.append(f"  {report['restated']} restated by the model that was asked")
    if report["skipped"]:
        lines.append(f"  {report['skipped']} of another task (nl), not audited")
    for reason, count in report["by_reason"].items():
        lines.append(f"  {count:6} {reason}")
    if report["first_wrong"]:
        lines.append("first wrong statements:")
        lines.extend(f"  {item['id']}: {item['claim']}" for item in report["first_wrong"][:10])
    return "\n".join(lines) + "\n"
