"""Search a sorted list by halving: give the index of the first item not less than a target
(`first_at_least`, the length of the list if there is none), and count the copies of a whole
number in a sorted list of whole numbers with it (`count_copies`)."""


def first_at_least(items: list[int], target: int) -> int:
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle] < target:
            low = middle + 1
        else:
            high = middle
    return low


def count_copies(items: list[int], number: int) -> int:
    start = first_at_least(items, number)
    end = first_at_least(items, number + 1)
    return end - start


if __name__ == "__main__":
    assert first_at_least([2, 3, 5, 7, 11, 13], 6) == 3
    assert first_at_least([10, 20, 30], 31) == 3
    assert count_copies([1, 2, 2, 2, 4], 2) == 3
    count_copies([1, 3, 5], 4)
