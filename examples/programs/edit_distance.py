"""Count the fewest single-letter insertions, deletions and replacements that turn one word into
another, by recursion on the ends of the words, with a decorator that remembers earlier
answers."""

from functools import wraps


def memoize(function):
    known = {}

    @wraps(function)
    def remembering(*args):
        if args not in known:
            known[args] = function(*args)
        return known[args]

    return remembering


@memoize
def edit_distance(first, second):
    if not first or not second:
        return len(first) + len(second)
    if first[-1] == second[-1]:
        return edit_distance(first[:-1], second[:-1])
    deleted = edit_distance(first[:-1], second)
    inserted = edit_distance(first, second[:-1])
    replaced = edit_distance(first[:-1], second[:-1])
    return 1 + min(deleted, inserted, replaced)


if __name__ == "__main__":
    assert edit_distance("cat", "cut") == 1
    assert edit_distance("flaw", "lawn") == 2
    assert edit_distance("on", "gone") == 2
    edit_distance("tea", "eat")
