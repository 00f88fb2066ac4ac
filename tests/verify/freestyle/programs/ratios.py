def ratios(pairs):
    good = []
    bad = 0
    for a, b in pairs:
        try:
            r = a / b
        except ZeroDivisionError:
            bad += 1
        else:
            good.append(r)
    return good, bad
