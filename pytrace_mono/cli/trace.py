"""``pytrace-mono trace``: run one program in the sandbox and print its recording."""

from __future__ import annotations

import argparse
import sys

from pytrace_mono.cli.options import add_sandbox_options, limits_of, place, words
from pytrace_mono.files import read_source, replace_text, require_place
from pytrace_mono.tracer.render import FORMATS, render

_EXAMPLES = """\
examples:
  pytrace-mono trace program.py                       the module's body alone
  pytrace-mono trace program.py --call "f([1, 2])"    and then a Call
  pytrace-mono trace program.py --call "s.push(3)" --setup "s = Stack()" --format json
  pytrace-mono trace program.py --call "f(3)" --format annotated
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument("file", type=place, metavar="FILE.py", help="the program")
    parser.add_argument(
        "--call", type=words, metavar="EXPR", help="an expression to evaluate in it"
    )
    parser.add_argument(
        "--setup", type=words, metavar="CODE", default="", help="statements to run before"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        help="text for reading, json (Trace, version 1), or a rendering (default text)",
    )
    parser.add_argument("-o", "--output", type=place, metavar="OUT", help="write to this file")
    add_sandbox_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Trace and print; what the program did is no error of ours."""
    from pytrace_mono.tracer.sandbox import Sandbox

    source = read_source(args.file)
    if args.output is not None:
        require_place(args.output, args.file)
    # The other formats do not show them.
    aliases = args.format in ("html", "json")
    limits = limits_of(args)
    with Sandbox(limits, isolation=args.isolation, workers=1, aliases=aliases) as box:
        trace = box.trace(source, args.call, args.setup)
    text = render(trace, args.format)
    if args.output is None:
        sys.stdout.write(text)
    else:
        replace_text(args.output, text)
    return 0
