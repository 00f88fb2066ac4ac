def digit_sum(n):
    s = 0
    while n > 0:
        s += n % 10
        n //= 10
    return s


def digital_root(n):
    rounds = 0
    while n > 9:
        n = digit_sum(n)
        rounds += 1
    return n, rounds
