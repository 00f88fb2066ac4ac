def peel(n):
    d = 2
    while d * d <= n:
        while n % d == 0:
            yield d
            n //= d
        d += 1
    if n > 1:
        yield n

def powers(n):
    counts = {}
    for p in peel(n):
        counts[p] = counts.get(p, 0) + 1
    return counts
