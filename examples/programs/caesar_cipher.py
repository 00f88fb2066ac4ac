"""Move every English letter of a text the given number of places along the alphabet, going
round at the end; keep its case, and leave all other characters as they are."""

from string import ascii_lowercase


def shift_letter(letter: str, places: int) -> str:
    index = ascii_lowercase.index(letter.lower())
    shifted = ascii_lowercase[(index + places) % len(ascii_lowercase)]
    return shifted.upper() if letter.isupper() else shifted


def caesar(text: str, places: int) -> str:
    result = []
    for char in text:
        if char.isascii() and char.isalpha():
            result.append(shift_letter(char, places))
        else:
            result.append(char)
    return "".join(result)


if __name__ == "__main__":
    assert caesar("Hi, Zoe!", 3) == "Kl, Crh!"
    assert caesar("abc", -1) == "zab"
    assert caesar("Route 66", 13) == "Ebhgr 66"
    caesar("Uryyb", 13)
