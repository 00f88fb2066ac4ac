"""Work out the tax on a yearly income in whole euros when each band of income has its own rate:
nothing on the first 10000, 20 percent on the next 30000, 40 percent on the rest. Give the total
in euros, rounded down (`tax`), or the (rate, taxed part) pairs of the bands reached
(`breakdown`)."""

BANDS = ((10_000, 0), (30_000, 20))
TOP_RATE = 40


def breakdown(income):
    parts = []
    remaining = income
    for width, rate in BANDS:
        part = min(remaining, width)
        parts.append((rate, part))
        remaining -= part
        if remaining == 0:
            break
    else:
        parts.append((TOP_RATE, remaining))
    return parts


def tax(income):
    hundredths = 0
    for rate, part in breakdown(income):
        hundredths += rate * part
    return hundredths // 100


if __name__ == "__main__":
    assert tax(9_500) == 0
    assert tax(25_250) == 3050
    assert tax(52_000) == 10800
    assert breakdown(41_000) == [(0, 10000), (20, 30000), (40, 1000)]
    breakdown(40_000)
