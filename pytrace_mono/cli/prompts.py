"""``pytrace-mono prompts``: what a model is told."""

from __future__ import annotations

import argparse

_EXAMPLES = """\
examples:
  pytrace-mono prompts show
  pytrace-mono prompts show backward
  pytrace-mono prompts show restating     what `verify --reader` asks
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
        choices=("forward", "backward", "restating"),
        help="forward, backward or restating (default all)",
    )
    show.set_defaults(run=run_show)


def run_show(args: argparse.Namespace) -> int:
    """Print the templates; ``$names`` stand where a row's own text comes in."""
    from pytrace_mono.synth import prompts

    print(f"version {prompts.version()}")
    for task in ("forward", "backward"):
        if args.task in (None, task):
            print(f"\n=== {task}\n\n{prompts.templates(task)}")
    if args.task in (None, "restating"):
        print(f"\n=== restating\n\n{prompts.restating_templates()}")
    return 0
