"""The Calls of one Problem, run and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from pytrace_mono.errors import CallError, InputError, PytraceMonoError, SandboxError
from pytrace_mono.records import Call, Problem
from pytrace_mono.synth import calls as calls_
from pytrace_mono.synth.problems import Located
from pytrace_mono.synth.rejects import Reject, Scope
from pytrace_mono.tracer.sandbox import Sandbox
from pytrace_mono.tracer.types import Trace
from pytrace_mono.verify import Reason

_TOGETHER = 8  # Calls that share a child: of a Problem with hundreds, all workers get some


@dataclass(frozen=True)
class Run:
    """A Call and what happened.

    Attributes:
        stated: the Call as it was read; rows and rejects show this one.
        call: the same on one line, as it can be asked about.
        trace: its recording.
    """

    stated: Call
    call: Call
    trace: Trace


class CallRecorder:
    """Runs Calls.

    Args:
        box: runs the programs.
        threads: where to wait for it.
    """

    def __init__(self, box: Sandbox, threads: Executor) -> None:
        self._box = box
        self._threads = threads

    async def runs(self, located: Located) -> list[Run | Reject]:
        """What became of each Call that is stated."""
        problem = located.problem
        runs: list[Run | Reject | None] = []
        asked: dict[tuple[str, str], Call] = {}
        for stated in problem.calls:
            try:
                call = calls_.one_line(stated)
            except CallError as error:
                runs.append(drop(located, stated, "call", Reason.BAD_CALL, str(error)))
                continue
            if (call.call, call.setup) in asked:
                detail = "the same Call with the same setup came before"
                runs.append(drop(located, stated, "call", Reason.DUPLICATE_CALL, detail))
                continue
            asked[call.call, call.setup] = call
            runs.append(None)
        traces = iter(await self._traces(problem, list(asked)))
        lines = iter(asked.values())
        return [
            _run(located, stated, next(lines), next(traces)) if run is None else run
            for stated, run in zip(problem.calls, runs, strict=True)
        ]

    async def _traces(
        self, problem: Problem, asked: list[tuple[str, str]]
    ) -> list[Trace | PytraceMonoError]:
        """The recording of each Call, or why there is none.

        Calls of a program that imports nothing share a child, a few at a time: there is no module in
        which one could leave anything for the next.
        """
        texts = (problem.code, *(text for call in asked for text in call))
        together = 1 if any("import" in text for text in texts) else _TOGETHER
        parts = (asked[i : i + together] for i in range(0, len(asked), together))
        done = await asyncio.gather(*(self._part(problem.code, part) for part in parts))
        return [trace for part in done for trace in part]

    async def _part(
        self, code: str, asked: list[tuple[str, str]]
    ) -> Sequence[Trace | PytraceMonoError]:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._box.trace_all, code, asked)
        except (InputError, SandboxError) as error:
            if len(asked) == 1:
                return [error]
        # One of them cannot be run: each for itself.
        alone = await asyncio.gather(*(self._part(code, [call]) for call in asked))
        return [trace for part in alone for trace in part]


def drop(located: Located, call: Call, scope: Scope, reason: Reason, detail: str) -> Reject:
    """The Reject for something of this Call."""
    return Reject(scope, reason, detail, located.problem.id, call.call, located.origin)


def _run(
    located: Located, stated: Call, call: Call, trace: Trace | PytraceMonoError
) -> Run | Reject:
    if isinstance(trace, Trace):
        return Run(stated, call, trace)
    reason = Reason.SANDBOX_FAILED
    if isinstance(trace, InputError):
        reason = Reason.BAD_CALL if isinstance(trace, CallError) else Reason.BAD_CODE
    return drop(located, stated, "call", reason, str(trace))
