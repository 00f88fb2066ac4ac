"""``pytrace-mono generate``: ask a model for a monologue, and check what it says."""

from __future__ import annotations

import argparse
import ast
import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytrace_mono import tasks
from pytrace_mono.cli.options import add_sandbox_options, limits_of, name, place, positive, words
from pytrace_mono.errors import CallError, InputError, MissingExtraError
from pytrace_mono.files import read_source

if TYPE_CHECKING:
    from pytrace_mono.tracer.sandbox import Sandbox

_EXAMPLES = """\
examples:
  pytrace-mono generate tiny/model --task forward --program f.py --call "f([1, 2])"
  pytrace-mono generate tiny/model --task backward --program f.py --call "f([1, 2])"
  pytrace-mono generate tiny/model --task nl --describe "Return the sum of a list."
  pytrace-mono generate MODEL --base-url http://localhost:8000/v1 --task forward --program f.py \\
      --call "f(1)"

The Call is run here first: forward, the answer must be what it gives; backward, the model is shown
what it gives, and the input that it proposes is run. What the monologue claims on the way is held
against the recording. The last line says whether the answer is right.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "model", type=name, metavar="MODEL", help="a directory, a name on the hub, or an endpoint's"
    )
    parser.add_argument(
        "--program", type=place, metavar="FILE.py", help="the program, for forward and backward"
    )
    parser.add_argument(
        "--task",
        choices=("forward", "backward", "nl"),
        required=True,
        help="find the output, find an input, or write the code",
    )
    parser.add_argument(
        "--call", type=words, metavar="EXPR", help="the Call, for forward and backward"
    )
    parser.add_argument(
        "--setup", type=words, metavar="CODE", default="", help="statements to run before"
    )
    parser.add_argument(
        "--describe", type=words, metavar="TEXT", help="what the code is to do, for nl"
    )
    parser.add_argument("--base-url", metavar="U", help="ask this OpenAI-compatible endpoint")
    parser.add_argument(
        "--max-tokens",
        type=positive,
        default=2048,
        metavar="N",
        help="of the answer (default 2048)",
    )
    add_sandbox_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask, print, check; a wrong answer is no error of ours."""
    if args.task == "nl":
        return _write_code(args)
    if not args.program or not args.call or args.describe:
        raise InputError(f"--task {args.task} needs --program and --call, and no --describe.")
    from pytrace_mono.tracer.sandbox import Sandbox
    from pytrace_mono.verify.verifier import ending

    source = _as_trained(read_source(args.program))
    try:
        call = tasks.assertable(args.call)
        node = ast.parse(call, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CallError(f"--call {args.call:.200}: not one expression: {error}") from None
    with Sandbox(limits_of(args), isolation=args.isolation, workers=1) as box:
        trace = box.trace(source, call, args.setup)
        value = trace.outcome.value
        if trace.outcome.kind != "returned" or value is None or not value.exact:
            raise CallError(
                f"{call} gives no value that can be written down ({ending(trace.outcome)}); "
                "ask about another Call."
            )
        asked = (call, "")
        if args.task == "forward":
            instruction = tasks.forward_instruction(source, call, args.setup)
        else:
            if not isinstance(node, ast.Call):
                raise CallError(f"{call} is no call of a function; there is no input to ask for.")
            asked = (tasks.mask_input(call, ""), value.text)
            instruction = tasks.backward_instruction(source, *asked, args.setup)
        text = _ask(args, tasks.prompt_of(args.task, instruction))
        print(text)
        for line in _judged(args, text, source, *asked, box):
            print(line)
    return 0


def _as_trained(source: str) -> str:
    """Without the docstring and the main block, as a corpus shows a program."""
    from pytrace_mono.synth.programs import problem_of

    try:
        return problem_of(source, "asked").code
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return source  # what is wrong with it is told when it is run


def _write_code(args: argparse.Namespace) -> int:
    if not args.describe or args.program or args.call or args.base_url:
        raise InputError(
            "--task nl needs --describe, asks a checkpoint, and takes no program or call."
        )
    text = _checkpoint(args, tasks.prompt_of("nl", args.describe))
    print(text)
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        print(f"wrong: this is not Python that compiles: {error}")
    else:
        print("not checked: it is Python; no Call was given whose value is known")
    return 0


def _checkpoint(args: argparse.Namespace, prompt: str) -> str:
    try:
        from pytrace_mono.train.generate import complete
    except ImportError as error:
        raise MissingExtraError("asking a checkpoint", str(error.name), "train") from None
    return complete(args.model, prompt, args.max_tokens)


def _ask(args: argparse.Namespace, prompt: str) -> str:
    if args.base_url is None:
        return _checkpoint(args, prompt)
    from pytrace_mono.synth.openai_teacher import OpenAITeacher
    from pytrace_mono.synth.teacher import Chat, Message

    async def answer() -> str:
        teacher = OpenAITeacher(
            args.model,
            base_url=args.base_url,
            max_tokens=args.max_tokens,
            structured_output=False,  # the model's own form
        )
        try:
            return (await teacher.answer(Chat(messages=(Message("user", prompt),)))).text
        finally:
            await teacher.aclose()

    return asyncio.run(answer())


def _judged(
    args: argparse.Namespace, text: str, source: str, left: str, output: str, box: Sandbox
) -> Iterator[str]:
    """What the verifier found, the verdict on the answer last."""
    from pytrace_mono.verify.audit import audit
    from pytrace_mono.verify.policy import mismatch
    from pytrace_mono.verify.rows import Row

    # As the prompt showed it: the setup stands behind the program.
    program = f"{source.rstrip()}\n\n{args.setup}" if args.setup else source
    [audited] = audit([Row("asked", args.task, program, left, output, text)], box)
    if audited.checked is not None:
        counts = Counter(finding.status for finding in audited.checked.findings)
        yield (
            f"claims: {counts['holds']} hold, {counts['contradicted']} contradicted, "
            f"{counts['unsupported']} unsupported; {len(audited.checked.reading.unread)} of "
            f"{audited.checked.reading.coded} sentences with code unread"
        )
        yield from (
            f"contradicted: {mismatch(finding)}" for finding in audited.checked.contradicted
        )
    verdict = audited.verdict
    if audited.right:
        yield f"right: {verdict.call} == {verdict.output}"
    else:
        yield f"wrong: {verdict.reason}: {verdict.detail}"
