def to_int(text):
    try:
        return int(text)
    except ValueError:
        return None


def parse_ints(row):
    total = 0
    skipped = []
    for field in row.split(","):
        value = to_int(field)
        if value is None:
            skipped.append(field)
            continue
        total += value
    return total, skipped
