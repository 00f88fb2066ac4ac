"""Find the longest stretch of a text in which no character occurs twice; of several equally
long ones, the first."""


def longest_unique_run(text: str) -> str:
    last_seen: dict[str, int] = {}
    start = 0
    best = ""
    for end, char in enumerate(text):
        if last_seen.get(char, -1) >= start:
            start = last_seen[char] + 1
        last_seen[char] = end
        if end - start + 1 > len(best):
            best = text[start : end + 1]
    return best


if __name__ == "__main__":
    assert longest_unique_run("abcabd") == "cabd"
    assert longest_unique_run("level") == "lev"
    assert longest_unique_run("zzz") == "z"
    longest_unique_run("pwwkew")
