def next_prime(n):
    tried = 0
    while True:
        n += 1
        tried += 1
        for d in range(2, n):
            if d * d > n:
                return n, tried
            if n % d == 0:
                break
        else:
            return n, tried
