"""Several Documents in one row of the context's length, none cut, none seeing another.

Best-fit decreasing (Ding et al., "Fewer Truncations Improve Language Modeling", arXiv 2404.10830):
the longest first, each into the fullest row that still has room.
"""

from __future__ import annotations

import random
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytrace_mono.errors import TrainingDataError
from pytrace_mono.train.data import Document


@dataclass(frozen=True)
class PackedRow:
    """Documents end to end, as a model takes them.

    Attributes:
        documents: those.
        tokens: theirs, one after another; there is no padding.
        labels: theirs; the first of each Document is masked, so that no Document predicts the next.
        positions: from 0 in each Document.
        boundaries: where each Document starts, and at the end the number of tokens.
        longest: no Document has more tokens.
    """

    documents: Sequence[Document]
    tokens: list[int]
    labels: list[int]
    positions: list[int]
    boundaries: list[int]
    longest: int

    def filled(self, size: int, longest: int) -> PackedRow:
        """With as many tokens as asked for: Documents without a label follow, none longer than those.

        Args:
            size: tokens of the row; at least those it has.
            longest: most tokens of a Document; at least those of the longest here.
        """
        lengths = [min(longest, size - start) for start in range(len(self.tokens), size, longest)]
        empty = [Document("plain", [0] * length, length) for length in lengths]
        return replace(join([*self.documents, *empty]), longest=longest)


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


def join(documents: Sequence[Document]) -> PackedRow:
    """One row of these Documents."""
    row = PackedRow(documents, [], [], [], [0], max(map(len, documents)))
    for document in documents:
        row.tokens.extend(document.tokens)
        row.labels.extend(document.labels)
        row.positions.extend(range(len(document)))
        row.boundaries.append(len(row.tokens))
    return row
