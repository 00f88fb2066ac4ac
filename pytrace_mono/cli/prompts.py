"""``pytrace-mono prompts``: what a model is told."""

from __future__ import annotations

import argparse

_EXAMPLES = """\
examples:
  pytrace-mono prompts show
  pytrace-mono prompts show backward
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's own command."""
    parser.epilog = _EXAMPLES
    commands = parser.add_subparsers(metavar="{show}", required=True)
    show = commands.add_parser("show", help="print the instructions and their version")
    show.add_argument(
        "task",
        metavar="TASK",
        nargs="?",
        choices=("forward", "backward"),
        help="forward or backward (default both)",
    )
    show.set_defaults(run=run_show)


def run_show(args: argparse.Namespace) -> int:
    """Print the templates; ``$names`` stand where a row's own text comes in."""
    from pytrace_mono.synth import prompts

    print(f"version {prompts.version()}")
    for task in ("forward", "backward"):
        if args.task in (None, task):
            print(f"\n=== {task}\n\n{prompts.templates(task)}")
    return 0
