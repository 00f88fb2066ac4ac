"""Count the words of a text (`count_words`), ignoring case and any of the marks `.,;:!?-()`
round a word, and list the given number of most frequent words as (word, count) pairs
(`most_frequent`); words with equal counts come in alphabetical order."""

PUNCTUATION = ".,;:!?-()"


def count_words(text):
    counts = {}
    for part in text.lower().split():
        word = part.strip(PUNCTUATION)
        if word:
            counts[word] = counts.get(word, 0) + 1
    return counts


def most_frequent(text, number):
    counts = count_words(text)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ranked[:number]


if __name__ == "__main__":
    assert most_frequent("The cat saw the dog; the dog ran.", 2) == [("the", 3), ("dog", 2)]
    assert most_frequent("Why? Why not - why not!", 5) == [("why", 3), ("not", 2)]
    assert count_words("To be, or not to be") == {"to": 2, "be": 2, "or": 1, "not": 1}
    most_frequent("b a b a c", 1)
