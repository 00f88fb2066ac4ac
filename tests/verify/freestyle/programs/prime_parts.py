def parts(n):
    d = 2
    while d * d <= n:
        if n % d == 0:
            yield d
            n //= d
        else:
            d += 1
    if n > 1:
        yield n


def prime_parts(n):
    powers = {}
    for p in parts(n):
        powers[p] = powers.get(p, 0) + 1
    return powers
