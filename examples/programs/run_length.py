"""Compress a text with `encode` to a list of (character, count) pairs, one pair for every run
of equal characters, and rebuild the text from such pairs with `decode`."""


def encode(text: str) -> list[tuple[str, int]]:
    runs: list[tuple[str, int]] = []
    for char in text:
        if runs and runs[-1][0] == char:
            count = runs[-1][1]
            runs[-1] = (char, count + 1)
        else:
            runs.append((char, 1))
    return runs


def decode(runs: list[tuple[str, int]]) -> str:
    text = ""
    for char, count in runs:
        text += char * count
    return text


if __name__ == "__main__":
    assert encode("aaabcc") == [("a", 3), ("b", 1), ("c", 2)]
    assert encode("zz z") == [("z", 2), (" ", 1), ("z", 1)]
    assert decode([("h", 1), ("m", 3), ("!", 1)]) == "hmmm!"
    encode("1112")
