"""Evaluate a well-formed text of whole numbers, `+`, `-`, `*`, unary minus and parentheses,
with the usual precedence: split it into tokens with a generator, then parse by recursive
descent."""

from collections import deque
from collections.abc import Iterator


def tokenize(text: str) -> Iterator[str]:
    number = ""
    for char in text:
        if char.isdigit():
            number += char
            continue
        if number:
            yield number
            number = ""
        if not char.isspace():
            yield char
    if number:
        yield number


def parse_sum(tokens: deque[str]) -> int:
    total = parse_product(tokens)
    while tokens and tokens[0] in "+-":
        sign = 1 if tokens.popleft() == "+" else -1
        total += sign * parse_product(tokens)
    return total


def parse_product(tokens: deque[str]) -> int:
    product = parse_factor(tokens)
    while tokens and tokens[0] == "*":
        tokens.popleft()
        product *= parse_factor(tokens)
    return product


def parse_factor(tokens: deque[str]) -> int:
    token = tokens.popleft()
    if token == "-":
        return -parse_factor(tokens)
    if token != "(":
        return int(token)
    inner = parse_sum(tokens)
    tokens.popleft()
    return inner


def evaluate(text: str) -> int:
    tokens = deque(tokenize(text))
    return parse_sum(tokens)


if __name__ == "__main__":
    assert evaluate("2 + 3 * 4") == 14
    assert evaluate("(7 - 2) * -3") == -15
    assert evaluate("12-4-5") == 3
    evaluate("2*(1+1)")
