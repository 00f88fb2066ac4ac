"""The visits of an activation gathered into runs of loops, and those into passes."""

from __future__ import annotations

import ast

from pytrace_mono.synth.narrator.source import Loop, Source
from pytrace_mono.synth.narrator.story import (
    Activation,
    Iteration,
    Node,
    Round,
    Visit,
    has_inline_body,
    visits,
)


def nodes_of(activation: Activation, flat: list[Visit], source: Source) -> list[Node]:
    """The visits of an activation as a story; where it began before the Call, from then on."""
    if not activation.earlier:
        return _grouped(flat, 0, source)
    return _since(_grouped([*activation.earlier, *flat], 0, source), set(flat))


def _since(nodes: list[Node], later: set[Visit]) -> list[Node]:
    """What is left of a story when all but some later visits are taken out."""
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, Visit):
            found += [node] if node in later else []
            continue
        over = 0
        for iteration in node.iterations:
            if any(visit in later for visit in visits([Round(node.loop, [iteration], None)])):
                break
            over += 1
        left = node.iterations[over:]
        begun = [visit for it in left[:1] for visit in visits([Round(node.loop, [it], None)])]
        is_interrupted = bool(begun) and begun[0] not in later
        if is_interrupted:
            left = [Iteration(None, _since(left[0].body, later)), *left[1:]]
        check = node.last_check if node.last_check in later else None
        if left or check is not None:
            found.append(Round(node.loop, left, check, over, is_interrupted))
    return found


def _grouped(flat: list[Visit], depth: int, source: Source) -> list[Node]:
    """Gather the visits that belong to a loop at this depth of nesting, and split its iterations."""
    nodes: list[Node] = []
    position = 0
    while position < len(flat):
        visit = flat[position]
        loop = _loop_of(visit, depth, source)
        if loop is None:
            nodes.append(visit)
            position += 1
            continue
        end = position
        while end < len(flat) and _loop_of(flat[end], depth, source) is loop:
            end += 1
        nodes.append(_round(loop, flat[position:end], depth, source))
        position = end
    return nodes


def _loop_of(visit: Visit, depth: int, source: Source) -> Loop | None:
    loops = source.loops_around.get(visit.statement, ()) if visit.statement is not None else ()
    return loops[depth] if depth < len(loops) else None


def _round(loop: Loop, flat: list[Visit], depth: int, source: Source) -> Round:
    endless = isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant)
    pieces: list[tuple[Visit | None, list[Visit]]] = []
    for visit in flat:
        if visit.statement is loop:
            if not endless:
                pieces.append((visit, []))
        elif endless and visit.statement is loop.body[0]:
            if not pieces or _is_back_at_start(pieces[-1][1], visit, depth, source):
                pieces.append((None, [visit]))
            else:
                pieces[-1][1].append(visit)
        elif pieces:
            pieces[-1][1].append(visit)
        else:
            pieces.append((None, [visit]))
    last_check = None
    if pieces and not pieces[-1][1] and not has_inline_body(loop):
        last_check = pieces.pop()[0]
    iterations = [Iteration(head, _grouped(body, depth + 1, source)) for head, body in pieces]
    return Round(loop, iterations, last_check)


def _is_back_at_start(body: list[Visit], visit: Visit, depth: int, source: Source) -> bool:
    """A ``while True`` visits no header: it starts anew where its first statement comes again."""
    loops = source.loops_around[visit.statement] if visit.statement is not None else ()
    return bool(body) and len(loops) == depth + 1
