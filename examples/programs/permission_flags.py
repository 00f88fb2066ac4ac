"""Turn the nine permission bits of a Unix file mode into text such as `ls` shows it
(`describe`), read such a text back as a number (`parse`), and clear the bits of a mask from a
mode (`restrict`), returning the texts of the bits that are left and of those that went."""

LETTERS = "rwxrwxrwx"


def describe(mode: int) -> str:
    text = ""
    for position, letter in enumerate(LETTERS):
        bit = 1 << (8 - position)
        text += letter if mode & bit else "-"
    return text


def parse(text: str) -> int:
    mode = 0
    for char in text:
        mode <<= 1
        if char != "-":
            mode |= 1
    return mode


def restrict(mode: int, mask: int) -> tuple[str, str]:
    kept = mode & ~mask
    cleared = mode & mask
    return describe(kept), describe(cleared)


if __name__ == "__main__":
    assert describe(0o754) == "rwxr-xr--"
    assert describe(6) == "------rw-"
    assert parse("rw-r-----") == 416
    assert restrict(0o666, 0o022) == ("rw-r--r--", "----w--w-")
    parse("--x--x--x")
