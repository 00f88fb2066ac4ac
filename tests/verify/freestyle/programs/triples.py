def triples(limit):
    found = []
    checked = 0
    for a in range(1, limit):
        for b in range(a, limit):
            c2 = a * a + b * b
            if c2 > limit * limit:
                break
            checked += 1
            c = int(c2 ** 0.5)
            if c * c == c2:
                found.append((a, b, c))
    return found, checked
