def stairs(n, memo=None):
    if memo is None:
        memo = {}
    if n <= 1:
        return 1
    if n in memo:
        return memo[n]
    memo[n] = stairs(n - 1, memo) + stairs(n - 2, memo)
    return memo[n]
