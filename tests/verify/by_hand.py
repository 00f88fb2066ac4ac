"""The monologues written by hand in ``freestyle``, their lies, and what a model restated them as."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from pytrace_mono.records import called_name
from pytrace_mono.synth import Message, prompts
from pytrace_mono.tracer import Sandbox
from pytrace_mono.verify import Checked, Claim, Evidence, check
from pytrace_mono.verify.reading import restated as restating

HERE = Path(__file__).parent / "freestyle"
_FILE = re.compile(
    r"---\nprogram: (?P<program>\w+)\ncall: (?P<call>.+)\ndirection: (?P<direction>forward|backward)\n"
    r"style: (?P<style>\w+)\n---\n(?P<text>.+)\n\n## Lies\n(?P<lies>.+)",
    re.DOTALL,
)
_LIE = re.compile(r"- (\w+)\n  < (.+)\n  > (.+)\n")


@dataclass(frozen=True)
class Lie:
    """An edit that makes one statement false: its kind, the text to find and what replaces it."""

    kind: str
    find: str
    replacement: str


@dataclass(frozen=True)
class Monologue:
    """One file; ``name`` is that of its split and its own."""

    name: str
    program: str
    call: str
    direction: Literal["forward", "backward"]
    style: str
    text: str
    lies: tuple[Lie, ...]

    @cached_property
    def source(self) -> str:
        """The program's text."""
        return (HERE / "programs" / f"{self.program}.py").read_text(encoding="utf-8")

    def told(self, lie: Lie | None = None) -> str:
        """The text without its answer, with a lie in it where one is given."""
        text = self.text if lie is None else self.text.replace(lie.find, lie.replacement)
        return text.partition("[ANSWER]")[0].strip()

    def touched(self, lie: Lie) -> tuple[int, int]:
        """Where the told text with a lie differs from the one without, in characters."""
        true, false = self.told(), self.told(lie)
        most = min(len(true), len(false))
        start = next((i for i in range(most) if true[i] != false[i]), most)
        kept = next((i for i in range(most - start) if true[-1 - i] != false[-1 - i]), most - start)
        return start, max(start + 1, len(false) - kept)

    def is_about(self, lie: Lie, claim: Claim) -> bool:
        """Whether a claim of the text with a lie stands where the lie does."""
        start, end = self.touched(lie)
        return claim.start < end and claim.end > start

    def restated(self, lie: Lie | None, evidence: Evidence, answers: Answers) -> Checked:
        """The check of the text as a model restated it; it looked again at what it got wrong."""
        chat = prompts.restating(self.source, self.call, self.direction, self.told(lie))
        assert digest(chat) in answers, f"{self.name}: the model was asked something else"
        first, against, again = answers[digest(chat)]
        checked = check(self.told(lie), evidence, self.direction, first)
        accused = {said for said, _ in restating.accused(checked)}
        assert accused <= set(against), f"{self.name}: it was not asked again about {accused}"
        taken = restating.looked_again(first, against, again)
        return check(self.told(lie), evidence, self.direction, taken)


class Answer(NamedTuple):
    """What a model said: first, which of its statements went against the recording, then of these."""

    first: str
    against: list[str]
    again: str


Answers = Mapping[str, Answer]


def digest(chat: Sequence[Message]) -> str:
    """Of a chat that asks a model to restate a text."""
    return hashlib.sha256(repr(chat).encode()).hexdigest()[:16]


def load(path: Path) -> Monologue:
    """Read one file."""
    found = _FILE.fullmatch(path.read_text(encoding="utf-8"))
    assert found, f"{path}: front matter, text and '## Lies' expected"
    fields = found.groupdict()
    lies = tuple(Lie(*lie) for lie in _LIE.findall(fields.pop("lies")))
    written = "".join(f"- {lie.kind}\n  < {lie.find}\n  > {lie.replacement}\n" for lie in lies)
    assert written == found["lies"], path
    return Monologue(name=f"{path.parent.name}/{path.stem}", lies=lies, **fields)


def split(name: str) -> list[Monologue]:
    """All monologues of a split, in order."""
    return [load(path) for path in sorted((HERE / name).glob("*.md"))]


def recorded(name: str) -> list[tuple[Monologue, Evidence]]:
    """The monologues of a split, each with the recording that it is held against."""
    with Sandbox() as box:
        return [
            (m, Evidence(box.trace(m.source, m.call), called_name(m.call) or ""))
            for m in split(name)
        ]


def answers(name: str) -> Answers:
    """What a model said to the chats about a split, by their digests; empty where nobody asked."""
    path = HERE / "restated" / f"{name}.jsonl"
    if not path.exists():
        return {}
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {row.pop("asked"): Answer(**row) for row in rows}
