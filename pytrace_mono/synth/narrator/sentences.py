"""Clauses into sentences, sentences into bullets."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from pytrace_mono.synth.narrator.source import Source
from pytrace_mono.synth.narrator.story import Visit
from pytrace_mono.synth.narrator.wording import label, listing, sentence


@dataclass
class Item:
    """One bullet and the bullets under it."""

    text: str
    inner: list[Item] = field(default_factory=list)


class Sentences:
    """Collects clauses and joins them: conditions first, then what they let happen."""

    def __init__(self, source: Source, *, compact: bool) -> None:
        self._source = source
        self._compact = compact
        self._conditions: list[tuple[Visit, str, bool]] = []
        self._effects: list[str] = []
        self._starts = 0
        self._done: list[str] = []

    def condition(self, visit: Visit, text: str, holds: bool) -> None:
        if self._effects:
            self._finish()
        if self._conditions and self._conditions[-1][2]:
            previous = self._conditions[-1][0].statement
            if not self._inside(visit, previous):
                self._finish()
        self._conditions.append((visit, text, holds))

    def effect(self, visit: Visit, text: str) -> None:
        if self._conditions and not self._inside(visit, self._conditions[-1][0].statement):
            self._finish()
        begins = " starts as " in text
        joins = begins and self._starts == len(self._effects) < 3
        if self._effects and not self._conditions and not self._compact and not joins:
            self._finish()
        self._effects.append(text)
        self._starts += begins

    def ready(self) -> list[Item]:
        """Sentences that nothing can join any more, one bullet each; none inside an iteration."""
        if self._compact:
            return []
        if self._effects and self._conditions:
            self._finish()
        return self._take()

    def flush(self) -> list[Item]:
        self._finish()
        return self._take()

    def _take(self) -> list[Item]:
        done, self._done = self._done, []
        if self._compact:
            return [Item(" ".join(done))] if done else []
        return [Item(text) for text in done]

    def _finish(self) -> None:
        if self._conditions:
            text = "; ".join(text for _, text, _ in self._conditions)
            if self._effects:
                effects = _joined(self._effects)
                # "so ... so" would leave open what follows from what.
                text += f". {sentence(effects)}" if _argues(self._effects[0]) else f", so {effects}"
            elif not self._conditions[-1][2]:
                text += f", so {_passed_over(self._conditions[-1][0].statement)}"
            self._done.append(sentence(text))
        elif self._effects:
            self._done.append(sentence(_joined(self._effects)))
        self._conditions, self._effects, self._starts = [], [], 0

    def _inside(self, visit: Visit, statement: ast.stmt | None) -> bool:
        node: ast.AST | None = visit.statement
        while node is not None and node is not statement:
            node = self._source.parents.get(node)
        return node is not None and visit.statement is not statement


def _passed_over(test: ast.stmt | None) -> str:
    """What a condition that fails keeps from happening."""
    if not isinstance(test, ast.If) or isinstance(test.body[-1], (ast.Return, ast.Raise)):
        return "the run goes on"
    first, last = test.body[0].lineno, test.body[-1].end_lineno or 0
    if last > first:
        return f"{label(first)} to {label(last)} are skipped"
    return f"{label(first)} is skipped"


def _argues(clause: str) -> bool:
    return ", so " in re.sub(r"`[^`]*`", "", clause)


def _joined(effects: list[str]) -> str:
    """A list of clauses; semicolons where one has a comma, a colon or an "and" of its own."""
    words = [re.sub(r"`[^`]*`", "", text) for text in effects]
    if len(effects) > 1 and any(re.search(", |: | and ", text) for text in words):
        return f"{'; '.join(effects[:-1])}; and {effects[-1]}"
    return listing(effects)


def markdown(items: list[Item], depth: int) -> list[str]:
    """Bullets as lines, nested ones indented."""
    lines: list[str] = []
    for item in items:
        lines.append(f"{'  ' * depth}- {item.text}")
        lines.extend(markdown(item.inner, depth + 1))
    return lines
