"""Advance Conway's game of life by one generation on an endless board: the live cells are a set
of (row, column) pairs; a live cell with two or three live neighbours lives on, and a dead cell
with exactly three comes to life. Return the new set."""

Cell = tuple[int, int]

OFFSETS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


def count_neighbours(alive: set[Cell]) -> dict[Cell, int]:
    counts: dict[Cell, int] = {}
    for row, column in sorted(alive):
        for down, right in OFFSETS:
            cell = (row + down, column + right)
            counts[cell] = counts.get(cell, 0) + 1
    return counts


def next_generation(alive: set[Cell]) -> set[Cell]:
    counts = count_neighbours(alive)
    survivors = {cell for cell in alive if counts.get(cell) in (2, 3)}
    births = {cell for cell, count in counts.items() if count == 3 and cell not in alive}
    return survivors | births


if __name__ == "__main__":
    assert next_generation({(1, 0), (1, 1), (1, 2)}) == {(0, 1), (1, 1), (2, 1)}
    assert next_generation({(0, 0), (0, 1), (1, 0)}) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    next_generation({(4, 4), (4, 5)})
