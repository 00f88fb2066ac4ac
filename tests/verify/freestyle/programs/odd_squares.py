def squares(limit):
    k = 0
    while k * k <= limit:
        yield k * k
        k += 1


def odd_squares(limit):
    picked = []
    for s in squares(limit):
        if s % 2 == 1:
            picked.append(s)
    return picked
