def shift_letter(ch, k):
    if not ch.isalpha():
        return ch
    pos = ord(ch) - ord("a")
    return chr((pos + k) % 26 + ord("a"))


def shift_text(text, k):
    out = ""
    for ch in text.lower():
        out += shift_letter(ch, k)
    return out
