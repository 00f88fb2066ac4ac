"""The batch half of the fault endpoint: files, jobs that take their time, jobs that end badly."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chat_server import ChatServer, Reply, body_of, failure, serve
from endpoint import answer


@dataclass
class BatchEndpoint:
    """What came, and how jobs go.

    Attributes:
        paid: how often each prompt was answered, in a batch or alone.
        alone: how many were answered outside of any batch.
        sizes: requests of each job.
        polls: how often a job is looked at before it ends.
        ends: the status of each job in turn, the last one for all others.
        says: what it makes of each prompt.
        answers: which requests of a job are answered, by their number; the others are lost.
        line: what becomes of one answer's line.
    """

    server: ChatServer
    paid: Counter[str] = field(default_factory=Counter)
    alone: int = 0
    sizes: list[int] = field(default_factory=list)
    polls: int = 1
    ends: list[str] = field(default_factory=lambda: ["completed"])
    says: Callable[[str], str] = answer
    answers: Callable[[int], bool] = lambda number: True
    line: Callable[[dict[str, Any]], list[dict[str, Any]]] = lambda line: [line]
    files: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    looked: Counter[str] = field(default_factory=Counter)

    def reply(self, request: dict[str, Any]) -> Reply:
        """One answer over HTTP."""
        path = request["path"].partition("/v1/")[2].partition("?")[0].split("/")
        if path == ["chat", "completions"]:
            self.alone += 1
            return Reply(self._answer(request))
        if path == ["files"]:
            name = f"file-{len(self.files)}"
            _, _, rest = request["sent"].partition(b'name="file"')
            self.files[name] = rest.partition(b"\r\n\r\n")[2].partition(b"\r\n--")[0]
            return Reply({"id": name, "object": "file", "purpose": "batch"})
        if path[0] == "files":
            return Reply(self.files[path[1]], headers={"content-type": "application/octet-stream"})
        if path == ["batches"] and "input_file_id" in request:
            return Reply(self._begin(request))
        if path == ["batches"]:
            return Reply({"object": "list", "data": list(self.jobs.values()), "has_more": False})
        if path[0] == "batches":
            return Reply(self._look(self.jobs[path[1]]))
        return failure(404, "no such thing")

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        prompt = "\n".join(message["content"] for message in request["messages"])
        self.paid[prompt] += 1
        return body_of(self.says(prompt), tokens=(100, 20))

    def _begin(self, request: dict[str, Any]) -> dict[str, Any]:
        assert request["completion_window"] == "24h"
        job = {
            "id": f"batch-{len(self.jobs)}",
            "object": "batch",
            "status": "validating",
            "input_file_id": request["input_file_id"],
            "metadata": request["metadata"],
        }
        self.jobs[job["id"]] = job
        self.sizes.append(len(self.files[request["input_file_id"]].splitlines()))
        return job

    def _look(self, job: dict[str, Any]) -> dict[str, Any]:
        self.looked[job["id"]] += 1
        if job["status"] in ("validating", "in_progress"):
            job["status"] = "in_progress"
            if self.looked[job["id"]] > self.polls:
                self._end(job)
        return job

    def _end(self, job: dict[str, Any]) -> None:
        job["status"] = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if job["status"] == "failed":
            job["errors"] = {"data": [{"message": "line 1 is no request", "code": "bad"}]}
            return
        good, bad = [], []
        for number, sent in enumerate(self.files[job["input_file_id"]].splitlines()):
            request = json.loads(sent)
            line = {"id": "x", "custom_id": request["custom_id"], "error": None}
            if self.answers(number):
                body = self._answer(request["body"])
                done = {**line, "response": {"status_code": 200, "body": body}}
                good.extend(self.line(done))
            else:
                error = {"code": "batch_expired", "message": "it took too long"}
                bad.append({**line, "response": None, "error": error})
        for name, lines in (("output_file_id", reversed(good)), ("error_file_id", bad)):
            data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            job[name] = f"{job['id']}-{name}" if data else None
            self.files[f"{job['id']}-{name}"] = data


@contextmanager
def batch_endpoint(**options: Any) -> Iterator[BatchEndpoint]:
    """Serve it."""
    with serve(lambda request: state.reply(request)) as server:
        state = BatchEndpoint(server, **options)
        yield state
