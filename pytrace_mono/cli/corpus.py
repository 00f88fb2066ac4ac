"""``pytrace-mono corpus``: export, stats, show."""

from __future__ import annotations

import argparse

from pytrace_mono.cli.options import place
from pytrace_mono.errors import CorpusError

_EXAMPLES = """\
examples:
  pytrace-mono corpus stats corpus/
  pytrace-mono corpus show corpus/ --direction backward --index 3
  pytrace-mono corpus show corpus/ --problem merge_intervals
  pytrace-mono corpus export corpus/ --format messages --to jsonl --out chat.jsonl
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's own commands."""
    parser.epilog = _EXAMPLES
    commands = parser.add_subparsers(metavar="{export,stats,show}", required=True)

    export = commands.add_parser("export", help="write all rows into one file")
    export.add_argument("dir", type=place, metavar="DIR", help="directory of the corpus")
    export.add_argument(
        "--format",
        choices=("pyx", "wide", "messages"),
        default="pyx",
        help="the five PyX columns, all columns, or chat messages (default pyx)",
    )
    export.add_argument(
        "--to", choices=("jsonl", "parquet"), default="jsonl", help="(default jsonl)"
    )
    export.add_argument(
        "--out", type=place, required=True, metavar="FILE", help="the file to write"
    )
    export.set_defaults(run=run_export)

    stats = commands.add_parser("stats", help="what it holds, what was dropped and why")
    stats.add_argument("dir", type=place, metavar="DIR", help="directory of the corpus")
    stats.set_defaults(run=run_stats)

    show = commands.add_parser("show", help="print one row in full")
    show.add_argument("dir", type=place, metavar="DIR", help="directory of the corpus")
    show.add_argument(
        "--direction",
        choices=("nl", "forward", "backward"),
        default="forward",
        help="which kind of row (default forward)",
    )
    show.add_argument(
        "--index", type=int, default=0, metavar="N", help="which of them, from 0 (default 0)"
    )
    show.add_argument("--problem", metavar="ID", help="count the rows of this problem only")
    show.set_defaults(run=run_show)


def run_export(args: argparse.Namespace) -> int:
    """Write the file and say how many rows are in it."""
    from pytrace_mono.synth.corpus import Corpus
    from pytrace_mono.synth.exports import export

    rows = export(Corpus(args.dir), format=args.format, to=args.to, out=args.out)
    print(f"{rows} rows in {args.out}")
    return 0


def run_stats(args: argparse.Namespace) -> int:
    """Print the summary and the sizes of the rows."""
    from pytrace_mono.synth.corpus import Corpus
    from pytrace_mono.synth.summary import sizes, summary

    corpus = Corpus(args.dir)
    print(f"{summary(corpus)}\n{sizes(corpus)}")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print one row as a model sees it: the prompt, then the target."""
    from pytrace_mono import tasks
    from pytrace_mono.synth.corpus import Corpus

    if args.index < 0:
        raise CorpusError(f"--index {args.index}: rows are counted from 0")
    corpus = Corpus(args.dir)
    rows = (e for e in corpus.examples(args.direction) if args.problem in (None, e.problem_id))
    example = next((row for number, row in enumerate(rows) if number == args.index), None)
    if example is None:
        of_problem = f" of problem {args.problem}" if args.problem is not None else ""
        raise CorpusError(
            f"{args.dir}: there is no {args.direction} row number {args.index}{of_problem}; "
            f"`pytrace-mono corpus stats {args.dir}` says how many there are"
        )
    prompt, completion = tasks.prompt_and_completion(example)
    print(f"# {example.id}\n\n{prompt.rstrip()}\n\n{completion}")
    return 0
