def gcd(a, b):
    if b == 0:
        return a
    return gcd(b, a % b)


def reduce_fraction(p, q):
    g = gcd(p, q)
    p = p // g
    q = q // g
    return f"{p}/{q}"
