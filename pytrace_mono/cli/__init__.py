"""The command line; each subcommand lives in a module of its own and is imported when it is used.

Exit codes: 0 done; 1 the output's reader went away; 2 an error, told in one message; 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from pytrace_mono import __version__
from pytrace_mono.errors import PytraceMonoError

COMMANDS = {
    "trace": "run one program and print its recording",
    "synth": "turn programs into a corpus of checked monologues",
    "corpus": "look at a corpus, or write it in another shape",
    "train": "fine-tune a code model on a corpus",
    "prompts": "what a model is told when it is asked for a monologue",
    "generate": "ask a model for a monologue, and check what it says",
    "verify": "check every claim of monologues that somebody made",
    "doctor": "what this machine offers: isolation, extras, versions",
}

_EXAMPLES = """\
examples:
  pytrace-mono trace program.py --call "f([1, 2])" --format text
  pytrace-mono synth programs/ --out corpus/
  pytrace-mono corpus show corpus/ --direction backward
  pytrace-mono train tiny-cpu --set data=corpus/ --set output=tiny/
  pytrace-mono doctor

`pytrace-mono COMMAND --help` explains a command.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments, by default those of the process.

    Returns:
        the exit code.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before we began, as by `>&-`
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # for all the run
    if isinstance(sys.stdout, io.TextIOWrapper):  # what the terminal cannot show is spelled out
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.simplefilter("ignore", SyntaxWarning)  # of programs and texts that are read
    try:
        parser = _parser(arguments)
        if not arguments:
            parser.print_help(sys.stderr)
            return 2
        args = parser.parse_args(arguments)
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except PytraceMonoError as error:
        print(f"pytrace-mono: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("pytrace-mono: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output (head, less) is gone
        _give_up_stdout()
        return 1
    except OSError as error:  # of the machine: a full disk, no more memory or processes
        _give_up_stdout()
        print(f"pytrace-mono: error: {error}", file=sys.stderr)
        return 2


def _give_up_stdout() -> None:
    """What could not be written must not be tried again by the interpreter's last flush."""
    with suppress(OSError, ValueError):  # a stream without a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """All commands by name; only the one that is asked for is imported."""
    parser = argparse.ArgumentParser(
        prog="pytrace-mono",
        description="Watch Python programs run; turn the runs into checked monologues.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pytrace-mono {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == chosen:
            import_module(f"{__name__}.{name}").configure(command)
    return parser
