"""Break a text into lines no longer than the given width, filling each line with as many words
as fit; a word longer than the width gets a line of its own. Return the list of lines."""


def wrap(text: str, width: int) -> list[str]:
    lines = []
    line = ""
    for word in text.split():
        if not line:
            line = word
        elif len(line) + 1 + len(word) <= width:
            line += " " + word
        else:
            lines.append(line)
            line = word
    if line:
        lines.append(line)
    return lines


if __name__ == "__main__":
    assert wrap("the quick brown fox jumps", 10) == ["the quick", "brown fox", "jumps"]
    assert wrap("an extraordinary day", 6) == ["an", "extraordinary", "day"]
    assert wrap("one", 20) == ["one"]
    wrap("a bb ccc dddd", 4)
