def take_until(items, stop):
    for x in items:
        if x == stop:
            return
        yield x


def head_total(items, stop):
    total = 0
    count = 0
    for x in take_until(items, stop):
        total += x
        count += 1
    if count == 0:
        return 0.0
    return total / count
