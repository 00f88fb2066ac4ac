"""Build a binary search tree from a list of numbers, in which an equal number goes to the right
(`build`); walk it in order to sort the list (`tree_sort`), and give its height, where a single
node has height one (`tree_height`)."""

from collections.abc import Iterator


class Node:
    def __init__(self, value: int):
        self.value = value
        self.left: Node | None = None
        self.right: Node | None = None


def insert(node: Node | None, value: int) -> Node:
    if node is None:
        return Node(value)
    if value < node.value:
        node.left = insert(node.left, value)
    else:
        node.right = insert(node.right, value)
    return node


def build(values: list[int]) -> Node | None:
    root = None
    for value in values:
        root = insert(root, value)
    return root


def walk(node: Node | None) -> Iterator[int]:
    if node is not None:
        yield from walk(node.left)
        yield node.value
        yield from walk(node.right)


def height(node: Node | None) -> int:
    return 0 if node is None else 1 + max(height(node.left), height(node.right))


def tree_sort(values: list[int]) -> list[int]:
    return list(walk(build(values)))


def tree_height(values: list[int]) -> int:
    return height(build(values))


if __name__ == "__main__":
    assert tree_sort([4, 2, 6, 2]) == [2, 2, 4, 6]
    assert tree_height([5, 3, 8, 9]) == 3
    assert tree_height([1, 2, 3, 4]) == 4
    build([2, 1, 3])
