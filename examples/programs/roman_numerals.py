"""Write a positive integer below 4000 as a Roman numeral (`to_roman`), and read a Roman numeral
back as an integer, where a smaller numeral before a larger one is subtracted (`from_roman`)."""

NUMERALS = [
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
]
VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def to_roman(number):
    parts = []
    for value, letters in NUMERALS:
        count, number = divmod(number, value)
        parts.append(letters * count)
    return "".join(parts)


def from_roman(numeral):
    total = 0
    previous = 0
    for letter in reversed(numeral):
        value = VALUES[letter]
        if value < previous:
            total -= value
        else:
            total += value
            previous = value
    return total


if __name__ == "__main__":
    assert to_roman(1994) == "MCMXCIV"
    assert to_roman(38) == "XXXVIII"
    assert from_roman("XIV") == 14
    assert from_roman("MMXXIV") == 2024
    from_roman("CDXLIX")
