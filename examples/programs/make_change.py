"""Pay an amount of cents with as few coins as possible from the given kinds of coin, each
available without limit. Return the coins, largest first, or None if the amount cannot be
paid."""


def make_change(amount: int, coins: list[int]) -> list[int] | None:
    fewest: list[list[int] | None] = [[]]
    for total in range(1, amount + 1):
        best = None
        for coin in coins:
            rest = fewest[total - coin] if coin <= total else None
            if rest is not None and (best is None or len(rest) + 1 < len(best)):
                best = [*rest, coin]
        fewest.append(best)
    answer = fewest[amount]
    return None if answer is None else sorted(answer, reverse=True)


if __name__ == "__main__":
    assert make_change(6, [1, 3, 4]) == [3, 3]
    assert make_change(12, [5, 2]) == [5, 5, 2]
    assert make_change(7, [4, 6]) == None
    make_change(9, [1, 2, 5])
