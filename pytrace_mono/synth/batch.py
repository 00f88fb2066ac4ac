"""Requests for which nobody waits: ``/v1/batches``, answered within a day and for less.

What is missing in the cache is collected into files, each becomes a job, and the answers go into the
cache, from where the run takes them as if it had asked one by one. The ledger knows the jobs before
they are waited for, so a run that is killed goes on waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from pathlib import Path
from typing import IO, Any, NoReturn

from pytrace_mono.errors import StoreError, UnansweredError
from pytrace_mono.synth.cache import ResponseCache
from pytrace_mono.synth.ledger import Ledger
from pytrace_mono.synth.meter import Meter, Question
from pytrace_mono.synth.openai_client import Client, RequestError
from pytrace_mono.synth.replies import read_completion

# OpenAI's bounds on one job (platform.openai.com/docs/guides/batch).
MAX_REQUESTS = 50_000
MAX_BYTES = 200_000_000
POLL_SECONDS = 30.0
_TRANSFER_SECONDS = 900.0
_GOING_ON = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
_MARK = "pytrace_mono"  # in a job's metadata, with the digest of its requests


class Batch:
    """Collects requests, has them answered, and stores the answers.

    Args:
        client: the connections.
        cache: where answers go.
        meter: told of what they cost.
        ledger: knows the jobs.
        directory: for the files of requests; removed when their jobs are begun.

    Attributes:
        collecting: False once the answers are there: what is missing then stays so.
    """

    def __init__(
        self, client: Client, cache: ResponseCache, meter: Meter, ledger: Ledger, directory: Path
    ) -> None:
        self._client = client
        self._cache = cache
        self._meter = meter
        self._ledger = ledger
        self._directory = directory
        self._files: list[Path] = []
        self._stream: IO[bytes] | None = None
        self._requests = self._bytes = 0  # in the last file
        self._asked: set[bytes] = set()
        self._ends: set[str] = set()
        self.collecting = True

    def missing(self, question: Question, request: dict[str, Any]) -> NoReturn:
        """Take a request whose answer is not in the cache.

        Raises:
            UnansweredError: always: there is no answer now.
            BudgetError: the budget does not cover this one with all the others.
        """
        if self.collecting and question.key not in self._asked:
            self._meter.reserve(question)
            self._asked.add(question.key)
            self._ledger.batched(question.key, question.row)
            self._write(question.key.hex(), request)
        ends = ", ".join(sorted(self._ends)) or "not begun"
        raise UnansweredError(f"no answer came out of the batch ({ends}); run the command again")

    async def go(self) -> bool:
        """Have everything answered that was collected; first of all what an earlier run asked.

        Returns:
            whether there was anything.

        Raises:
            TeacherError: a job was refused, or the endpoint is gone.
        """
        waited_for = [job for job, ended in self._ledger.batches().items() if ended is None]
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        try:
            for path in self._files:
                waited_for.append(await self._begin(path))
            self._files = []
            shutil.rmtree(self._directory, ignore_errors=True)
            await asyncio.gather(*(self._answers(job) for job in waited_for))
        finally:
            self._meter.settle()
            await self._client.aclose()
        return bool(waited_for)

    def _write(self, custom_id: str, request: dict[str, Any]) -> None:
        line = {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions"}
        data = json.dumps({**line, "body": request}).encode() + b"\n"
        full = self._requests >= MAX_REQUESTS or self._bytes + len(data) > MAX_BYTES
        try:
            if self._stream is None or full:
                if self._stream is not None:
                    self._stream.close()
                self._directory.mkdir(parents=True, exist_ok=True)
                self._files.append(self._directory / f"requests-{len(self._files):03}.jsonl")
                self._stream = self._files[-1].open("wb")
                self._requests = self._bytes = 0
            self._stream.write(data)
        except OSError as error:
            raise StoreError(f"{self._directory}: {error.strerror}; free the disk") from None
        self._requests += 1
        self._bytes += len(data)

    async def _begin(self, path: Path) -> str:
        """Make a job of a file; its id is in the ledger when this returns."""
        # Sorted: the same requests may have been collected in another order.
        digest = hashlib.sha256(b"".join(sorted(path.read_bytes().splitlines()))).hexdigest()
        with self._client.told():
            client = self._client.connected()
            job = await self._orphan(client, digest)
            if job is None:
                timeout = _TRANSFER_SECONDS
                sent = await client.files.create(file=path, purpose="batch", timeout=timeout)
                job = await client.batches.create(
                    input_file_id=sent.id,
                    endpoint="/v1/chat/completions",
                    completion_window="24h",
                    metadata={_MARK: digest},
                )
        self._ledger.batch(job.id, None)
        return str(job.id)

    async def _orphan(self, client: Any, digest: str) -> Any:
        """A job with these requests whose id a run had no time to note before it was killed."""
        known = self._ledger.batches()
        for job in (await client.batches.list(limit=100)).data:
            mark = (job.metadata or {}).get(_MARK)
            if mark == digest and job.id not in known and job.status in _GOING_ON | {"completed"}:
                return job
        return None

    async def _answers(self, job_id: str) -> None:
        """Wait for a job and store what it brought, all of it or a part."""
        job = await self._ended(job_id)
        for file in (job.output_file_id, job.error_file_id):
            if file:
                await self._store(file)
        self._ledger.batch(job_id, job.status)
        self._ends.add(job.status)
        if job.status == "failed":
            errors = getattr(job.errors, "data", None) or []
            words = "; ".join(str(error.message) for error in errors) or "it does not say why"
            raise self._client.failure(f"the batch {job_id} failed: {words}")

    async def _ended(self, job_id: str) -> Any:
        while True:
            try:
                with self._client.told():
                    job = await self._client.connected().batches.retrieve(job_id)
                if job.status not in _GOING_ON:
                    return job
            except RequestError as error:
                if not error.passing:
                    raise
            await asyncio.sleep(POLL_SECONDS)

    async def _store(self, file: str) -> None:
        with self._client.told():
            files = self._client.connected().files.with_streaming_response
            async with files.content(file, timeout=_TRANSFER_SECONDS) as lines:
                async for line in lines.iter_lines():
                    if line.strip():
                        self._store_line(line)

    def _store_line(self, line: str) -> None:
        try:
            said = json.loads(line)
            key = bytes.fromhex(said["custom_id"])
        except (ValueError, KeyError, TypeError):
            return  # nobody can say whose it is; its request counts as not answered
        row = self._ledger.row_of(key)
        if row is None or self._cache.get(key) is not None:
            return  # not ours, or answered twice
        question = Question(key, row, (), attempts=1)
        response = said.get("response") or {}
        body = response.get("body")
        try:
            if response.get("status_code") != 200:
                raise ValueError(f"{said.get('error') or body}")
            data = json.dumps(body).encode()
            answer = read_completion(data)
        except ValueError as error:
            self._meter.failed(question, self._client.without_key(f"{error}")[:500])
            return
        self._cache.put(key, data)
        self._meter.paid(question, answer)
