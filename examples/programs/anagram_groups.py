"""Group the words of a list that are anagrams of each other, ignoring case. Return the groups
that have at least two words, in order of their first word, with the words as they came."""


def signature(word: str) -> str:
    letters = sorted(word.lower())
    return "".join(letters)


def anagram_groups(words: list[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for word in words:
        key = signature(word)
        groups.setdefault(key, []).append(word)
    return [group for group in groups.values() if len(group) > 1]


if __name__ == "__main__":
    assert anagram_groups(["tea", "Eat", "cup", "ate"]) == [["tea", "Eat", "ate"]]
    assert anagram_groups(["stop", "now", "won", "pots"]) == [["stop", "pots"], ["now", "won"]]
    assert anagram_groups(["one", "two"]) == []
    anagram_groups(["Night", "thing", "nigh", "hing"])
