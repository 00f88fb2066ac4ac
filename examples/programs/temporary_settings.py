"""Format amounts of cents as text according to settings for the decimal mark, the mark between
thousands and the currency sign, which keyword arguments may override for one call. Use a
context manager that puts the settings back afterwards, whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager

SETTINGS = {"decimal": ".", "thousands": ",", "sign": "$"}


@contextmanager
def override(**changes: str) -> Iterator[None]:
    saved = dict(SETTINGS)
    SETTINGS.update(changes)
    try:
        yield
    finally:
        SETTINGS.update(saved)


def format_cents(cents: int) -> str:
    whole, fraction = divmod(cents, 100)
    grouped = f"{whole:,}".replace(",", SETTINGS["thousands"])
    return f"{SETTINGS['sign']}{grouped}{SETTINGS['decimal']}{fraction:02}"


def format_all(amounts: list[int], **changes: str) -> list[str]:
    texts = []
    with override(**changes):
        for cents in amounts:
            texts.append(format_cents(cents))
    return texts


if __name__ == "__main__":
    assert format_all([123456, 5]) == ["$1,234.56", "$0.05"]
    assert format_all([100000], decimal=",", thousands=".", sign="") == ["1.000,00"]
    assert format_all([250, 99], sign="EUR ") == ["EUR 2.50", "EUR 0.99"]
    format_all([7000000], thousands=" ")
