def coin_ways(amount, coins):
    if amount == 0:
        return 1
    if amount < 0 or not coins:
        return 0
    with_first = coin_ways(amount - coins[0], coins)
    without = coin_ways(amount, coins[1:])
    return with_first + without
