"""Return a sorted copy of a list by inserting its items one after another at their place; a
keyword-only `descending` turns the order round. Equal items keep their order."""


def belongs_before(item, other, descending):
    return item > other if descending else item < other


def insertion_sort(items, *, descending=False):
    result = list(items)
    for index in range(1, len(result)):
        item = result[index]
        position = index
        while position > 0 and belongs_before(item, result[position - 1], descending):
            result[position] = result[position - 1]
            position -= 1
        result[position] = item
    return result


if __name__ == "__main__":
    assert insertion_sort([4, 1, 3]) == [1, 3, 4]
    assert insertion_sort(["fig", "pear", "apple"], descending=True) == ["pear", "fig", "apple"]
    assert insertion_sort([2.5, -1.0, 2.5, 0.0]) == [-1.0, 0.0, 2.5, 2.5]
    insertion_sort([5, 6, 7], descending=True)
