"""Return a sorted copy of a list by sorting its two halves recursively and merging them; among
equal items the one from the left half comes first."""


def merge(left: list[int], right: list[int]) -> list[int]:
    merged = []
    i = j = 0
    while i < len(left) and j < len(right):
        if right[j] < left[i]:
            merged.append(right[j])
            j += 1
        else:
            merged.append(left[i])
            i += 1
    return merged + left[i:] + right[j:]


def merge_sort(items: list[int]) -> list[int]:
    if len(items) <= 1:
        return items[:]
    middle = len(items) // 2
    left = merge_sort(items[:middle])
    right = merge_sort(items[middle:])
    return merge(left, right)


if __name__ == "__main__":
    assert merge_sort([5, 2, 4, 1]) == [1, 2, 4, 5]
    assert merge_sort([3, -7, 3, 0, 8]) == [-7, 0, 3, 3, 8]
    assert merge([1, 6], [2, 3, 9]) == [1, 2, 3, 6, 9]
    merge_sort([2, 1])
