def invert(table):
    flipped = {v: k for k, v in table.items()}
    lost = len(table) - len(flipped)
    keys = sorted(flipped)
    return keys, lost, flipped[keys[0]]
