"""``pytrace-mono synth``: the main job."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytrace_mono.cli.options import (
    add_endpoint_options,
    add_sandbox_options,
    limits_of,
    place,
    positive,
)
from pytrace_mono.cli.stopping import sigterm_as_ctrl_c
from pytrace_mono.errors import CorpusError, InputError, PrerequisiteError, PytraceMonoError

if TYPE_CHECKING:
    from pytrace_mono.synth.corpus import Corpus
    from pytrace_mono.synth.estimate import Estimate
    from pytrace_mono.synth.teacher import Teacher
    from pytrace_mono.tracer import Limits

_EXAMPLES = """\
examples:
  pytrace-mono synth programs/ --out corpus/
  pytrace-mono synth problems.jsonl --out corpus/ --directions forward --limit 100
  OPENAI_API_KEY=... pytrace-mono synth problems.jsonl --out corpus/ --teacher openai --model MODEL
  pytrace-mono synth problems.jsonl --out corpus/ --teacher openai --model MODEL \\
      --base-url http://localhost:8000/v1

The exit code is 0 when the corpus is complete, also when rows were dropped: each drop stands in
DIR/rejects.jsonl with its reason.
"""

_FOR_A_MODEL = (
    "model", "base_url", "cache", "max_cost", "max_tokens", "price", "samples", "revise",
    "hide_trace", "dry_run", "batch",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "problems",
        type=place,
        metavar="PROBLEMS",
        help="a JSON Lines file, a .py file, or a directory of .py files",
    )
    parser.add_argument(
        "--out", type=place, required=True, metavar="DIR", help="directory of the corpus"
    )
    parser.add_argument(
        "--teacher",
        choices=("narrator", "openai"),
        default="narrator",
        help="who explains: the built-in narrator (no model), or an OpenAI-compatible endpoint",
    )
    parser.add_argument("--model", metavar="M", help="the model, for --teacher openai")
    add_endpoint_options(parser)
    parser.add_argument(
        "--max-cost",
        type=_not_negative,
        metavar="D",
        help="dollars that this corpus may cost, over all the runs that it takes",
    )
    parser.add_argument(
        "--max-tokens", type=_whole, metavar="N", help="the same in tokens, prompts and completions"
    )
    parser.add_argument(
        "--price",
        type=_price,
        metavar="P,C",
        help="dollars for a million tokens of prompts and of completions (default: a table of list "
        "prices)",
    )
    parser.add_argument(
        "--batch",
        action="store_true",
        default=None,
        help="ask over /v1/batches: answered within a day, and cheaper where the endpoint says so",
    )
    parser.add_argument(
        "--samples",
        type=positive,
        metavar="N",
        help="ask up to N times for a row, until one completion is kept (default 1)",
    )
    parser.add_argument(
        "--revise",
        action="store_true",
        default=None,
        help="where none was kept, ask once more, with what the verifier found wrong",
    )
    parser.add_argument(
        "--hide-trace",
        action="store_true",
        default=None,
        help="do not show the model the recording of the run that it explains",
    )
    parser.add_argument(
        "--directions",
        type=_directions,
        default=("forward", "backward"),
        metavar="D,D",
        help="forward, backward or both (default forward,backward)",
    )
    parser.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="programs that run at the same time (default: one for each processor)",
    )
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N problems")
    parser.add_argument(
        "--format",
        choices=("parquet", "jsonl"),
        default="parquet",
        help="of the files of rows (default parquet)",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument(
        "--dry-run",
        action="store_true",
        default=None,
        help="estimate requests, tokens and cost; ask nothing",
    )
    only.add_argument(
        "--preview",
        type=positive,
        metavar="N",
        help="take the first N problems from end to end and print the rows; write no corpus",
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress and no summary")
    add_sandbox_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Synthesize and sum up; after an error, what was made until then."""
    from pytrace_mono.synth.corpus import REJECTS
    from pytrace_mono.synth.preview import preview
    from pytrace_mono.synth.summary import summary

    limits = limits_of(args)
    teacher = _teacher(args)
    if args.dry_run:
        print(_estimate(args, teacher, limits))
        return 0
    if args.preview:
        with tempfile.TemporaryDirectory() as directory:
            for text in preview(_synthesize(args, teacher, limits, Path(directory), args.preview)):
                print(text)
        return 0
    try:
        with sigterm_as_ctrl_c():
            corpus = _synthesize(args, teacher, limits, args.out, args.limit)
    except (CorpusError, InputError, PrerequisiteError):
        raise  # nothing was begun
    except BaseException as error:  # whatever ended it, Ctrl-C too
        if not args.quiet:
            _sum_up_unfinished(args.out, why=not isinstance(error, PytraceMonoError))
        raise
    if not args.quiet:
        print(summary(corpus))
    if not corpus.stats["problems"]["read"]:
        raise InputError(
            f"{args.problems}: holds no Problem that can be used; what is wrong with each row "
            f"stands in {corpus.path / REJECTS}"
        )
    return 0


def _synthesize(
    args: argparse.Namespace, teacher: Teacher, limits: Limits, out: Path, limit: int | None
) -> Corpus:
    from pytrace_mono.synth.pipeline import synthesize

    return synthesize(
        args.problems,
        teacher,
        out,
        directions=args.directions,
        limits=limits,
        workers=args.workers,
        isolation=args.isolation,
        limit=limit,
        format=args.format,
        show_trace=not args.hide_trace,
        samples=args.samples or 1,
        revise=bool(args.revise),
        batch=bool(args.batch),
        quiet=args.quiet or args.preview is not None,
    )


def _estimate(args: argparse.Namespace, teacher: Teacher, limits: Limits) -> Estimate:
    from pytrace_mono.synth.estimate import estimate
    from pytrace_mono.synth.openai_teacher import OpenAITeacher
    from pytrace_mono.synth.running import Wanted

    assert isinstance(teacher, OpenAITeacher)  # the option is refused for another
    return estimate(
        args.problems,
        teacher,
        args.out,
        Wanted(args.directions, not args.hide_trace, args.samples or 1, bool(args.revise)),
        limits=limits,
        isolation=args.isolation,
        workers=args.workers,
        limit=args.limit,
    )


def _sum_up_unfinished(out: Path, *, why: bool) -> None:
    from pytrace_mono.synth.corpus import Corpus
    from pytrace_mono.synth.summary import summary

    with suppress(CorpusError):
        corpus = Corpus(out)
        if not corpus.complete:
            print(summary(corpus, why=why), file=sys.stderr)


def _teacher(args: argparse.Namespace) -> Teacher:
    if args.teacher == "openai":
        if not args.model:
            raise InputError("--teacher openai needs --model")
        from pytrace_mono.synth.openai_teacher import OpenAITeacher
        from pytrace_mono.synth.prices import Price

        return OpenAITeacher(
            args.model,
            base_url=args.base_url,
            cache=args.cache,
            max_cost=args.max_cost,
            token_budget=args.max_tokens,
            price=None if args.price is None else Price(*args.price),
        )
    for option in _FOR_A_MODEL:
        if getattr(args, option) is not None:
            raise InputError(f"--{option.replace('_', '-')} is for --teacher openai")
    from pytrace_mono.synth.narrator import Narrator

    return Narrator()


def _not_negative(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: give a number of dollars, 0 or more")
    return number


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: give a number of tokens, 0 or more")
    return int(text)


def _price(text: str) -> tuple[float, float]:
    prompt, comma, completion = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(f"{text!r}: give two numbers, as in 0.15,0.60")
    return _not_negative(prompt), _not_negative(completion)


def _directions(text: str) -> tuple[str, ...]:
    asked = tuple(word.strip() for word in text.split(",") if word.strip())
    wrong = [word for word in asked if word not in ("forward", "backward")]
    if wrong or not asked:
        raise argparse.ArgumentTypeError(f"{text!r}: give forward, backward, or both")
    return asked
