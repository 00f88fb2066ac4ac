def factors(n):
    p = 2
    while p * p <= n:
        if n % p == 0:
            yield p
            n //= p
        else:
            p += 1
    if n > 1:
        yield n


def factor_tally(n):
    tally = {}
    for f in factors(n):
        tally[f] = tally.get(f, 0) + 1
    return tally
