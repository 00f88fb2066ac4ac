"""Merge the (start, end) intervals of a list that overlap or touch into tuples in order of
start (`merge_intervals`), and add up the length that the intervals cover together
(`covered_length`)."""


def merge_intervals(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            last_start, last_end = merged[-1]
            merged[-1] = (last_start, max(last_end, end))
        else:
            merged.append((start, end))
    return merged


def covered_length(intervals):
    length = 0
    for start, end in merge_intervals(intervals):
        length += end - start
    return length


if __name__ == "__main__":
    assert merge_intervals([(5, 8), (1, 3), (2, 4)]) == [(1, 4), (5, 8)]
    assert merge_intervals([(1, 10), (2, 3), (10, 12)]) == [(1, 12)]
    assert covered_length([(0, 4), (3, 6), (9, 10)]) == 7
    merge_intervals([(6, 7), (0, 2), (3, 5), (2, 2)])
