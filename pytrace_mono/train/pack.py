"""Several Documents in one row of the context's length, none cut, none seeing another.

Best-fit decreasing (Ding et al., "Fewer Truncations Improve Language Modeling", arXiv 2404.10830):
the longest first, each into the fullest row that still has room.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Sequence

from pytrace_mono.errors import TrainingDataError
from pytrace_mono.train.data import Document


def pack(lengths: Sequence[int], capacity: int, seed: str) -> list[list[int]]:
    """Spread Documents over rows, as indices.

    Args:
        lengths: tokens of each Document.
        capacity: most tokens of a row.
        seed: decides which of equally long Documents go together, and the order of the rows.

    Raises:
        TrainingDataError: a Document is longer than a row.
    """
    generator = random.Random(seed)
    order = list(range(len(lengths)))
    generator.shuffle(order)
    order.sort(key=lambda index: -lengths[index])  # stable: equal lengths stay shuffled
    if order and lengths[order[0]] > capacity:
        raise TrainingDataError(
            f"a document of {lengths[order[0]]} tokens does not fit into a row of {capacity}"
        )
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # tokens left and the row they are left in, sorted
    for index in order:
        at = bisect_left(room, (lengths[index], 0))
        if at == len(room):
            room.append((capacity, len(rows)))
            rows.append([])
        left, row = room.pop(at)
        rows[row].append(index)
        insort(room, (left - lengths[index], row))
    generator.shuffle(rows)
    return rows


def filled(documents: list[Document], size: int, longest: int) -> list[Document]:
    """With as many tokens as asked for: Documents without a label follow.

    Args:
        documents: of a row.
        size: tokens of the row; at least those it has.
        longest: most tokens of one that follows.
    """
    starts = range(sum(map(len, documents)), size, longest)
    lengths = [min(longest, size - start) for start in starts]
    return [*documents, *(Document("plain", [0] * length, length) for length in lengths)]
