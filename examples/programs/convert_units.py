"""Convert a value between units of the same kind, rounded to two places: metres, kilometres,
miles and feet (`m`, `km`, `mi`, `ft`), or degrees `C`, `F` and `K`. Describe each unit by a
pair of closures that lead to and from a base unit; units of different kinds raise
ValueError."""


def linear(scale, offset=0):
    def to_base(value):
        return value * scale + offset

    def from_base(value):
        return (value - offset) / scale

    return to_base, from_base


LENGTHS = {"m": linear(1), "km": linear(1000), "mi": linear(1609.344), "ft": linear(0.3048)}
TEMPERATURES = {"K": linear(1), "C": linear(1, 273.15), "F": linear(5 / 9, 273.15 - 160 / 9)}


def convert(value, source, target):
    for units in (LENGTHS, TEMPERATURES):
        if source in units and target in units:
            to_base, _ = units[source]
            _, from_base = units[target]
            return round(from_base(to_base(value)), 2)
    raise ValueError(f"cannot convert {source} to {target}")


if __name__ == "__main__":
    assert convert(26.2, "mi", "km") == 42.16
    assert convert(212, "F", "C") == 100.0
    assert convert(1500, "m", "ft") == 4921.26
    convert(-40, "C", "F")
