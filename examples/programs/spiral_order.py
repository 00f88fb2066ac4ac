"""List the items of a matrix in a clockwise spiral that starts at the top left corner: take the
top row off, turn what is left to the left by a quarter, and go on until nothing is left."""


def turn_left(matrix: list[list[int]]) -> list[list[int]]:
    columns = [list(column) for column in zip(*matrix)]
    columns.reverse()
    return columns


def spiral_order(matrix: list[list[int]]) -> list[int]:
    spiral: list[int] = []
    rest = matrix
    while rest:
        top, *others = rest
        spiral.extend(top)
        rest = turn_left(others)
    return spiral


if __name__ == "__main__":
    assert spiral_order([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) == [1, 2, 3, 6, 9, 8, 7, 4, 5]
    assert spiral_order([[1, 2], [3, 4], [5, 6]]) == [1, 2, 4, 6, 5, 3]
    spiral_order([[7, 8, 9, 10]])
