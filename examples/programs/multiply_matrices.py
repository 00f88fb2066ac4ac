"""Multiply two matrices given as lists of rows (`multiply`); raise ValueError if the first has
not as many columns as the second has rows. Raise a square matrix to a positive whole power by
repeated squaring (`power`)."""


def transpose(matrix):
    return [list(column) for column in zip(*matrix)]


def dot(left, right):
    total = 0
    for a, b in zip(left, right):
        total += a * b
    return total


def multiply(first, second):
    if len(first[0]) != len(second):
        raise ValueError("the matrices do not fit")
    columns = transpose(second)
    return [[dot(row, column) for column in columns] for row in first]


def power(matrix, exponent):
    if exponent == 1:
        return matrix
    half = power(matrix, exponent // 2)
    square = multiply(half, half)
    return multiply(square, matrix) if exponent % 2 else square


if __name__ == "__main__":
    assert multiply([[1, 2], [3, 4]], [[0, 1], [1, 0]]) == [[2, 1], [4, 3]]
    assert multiply([[1, 2, 3]], [[4], [5], [6]]) == [[32]]
    assert power([[1, 1], [1, 0]], 5) == [[8, 5], [5, 3]]
    multiply([[2], [1]], [[3, -1]])
