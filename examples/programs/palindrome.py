"""Find the first pair of positions, going inwards from both ends, at which the letters and
digits of a text differ when case and punctuation are ignored (`first_mismatch`, None if there
is no such pair), and use it to tell whether the text is a palindrome (`is_palindrome`)."""


def first_mismatch(text):
    left, right = 0, len(text) - 1
    while left < right:
        if not text[left].isalnum():
            left += 1
        elif not text[right].isalnum():
            right -= 1
        elif text[left].lower() != text[right].lower():
            return left, right
        else:
            left += 1
            right -= 1
    return None


def is_palindrome(text):
    return first_mismatch(text) is None


if __name__ == "__main__":
    assert first_mismatch("Anne, Ana") == (2, 6)
    assert first_mismatch("abcda") == (1, 3)
    is_palindrome("No 'x' in Nixon")
    is_palindrome("Hannah!")
