VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}


def roman(text):
    total = 0
    prev = 0
    for ch in reversed(text):
        value = VALUES.get(ch, 0)
        if value == 0:
            return None
        if value < prev:
            total -= value
        else:
            total += value
            prev = value
    return total
