def egypt(a, b):
    total = 0
    rounds = 0
    while a > 0:
        if a % 2 == 1:
            total += b
        a //= 2
        b *= 2
        rounds += 1
    return {"product": total, "rounds": rounds}
