"""Convert a non-negative whole number, written with the digits 0-9 and a-z, from one base (2 to
36) to another. Write zero as a single digit, and no other number with a leading zero."""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def parse(text: str, base: int) -> int:
    number = 0
    for digit in text.lower():
        number = number * base + DIGITS.index(digit)
    return number


def write(number: int, base: int) -> str:
    if number == 0:
        return DIGITS[0]
    text = ""
    while number > 0:
        number, digit = divmod(number, base)
        text = DIGITS[digit] + text
    return text


def convert_base(text: str, source: int, target: int) -> str:
    number = parse(text, source)
    return write(number, target)


if __name__ == "__main__":
    assert convert_base("ff", 16, 10) == "255"
    assert convert_base("19", 10, 2) == "10011"
    assert convert_base("000", 8, 3) == "0"
    assert parse("zz", 36) == 1295
    convert_base("1201", 3, 16)
