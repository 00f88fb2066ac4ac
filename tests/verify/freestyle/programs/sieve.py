def sieve(n):
    flags = [True] * (n + 1)
    primes = []
    for p in range(2, n + 1):
        if not flags[p]:
            continue
        primes.append(p)
        for m in range(p * p, n + 1, p):
            flags[m] = False
    return primes
