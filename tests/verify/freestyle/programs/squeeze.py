def squeeze(text):
    result = ""
    dropped = 0
    for pos, ch in enumerate(text):
        if pos > 0 and ch in "aeiou":
            dropped += 1
        elif result and result[-1] == ch:
            dropped += 1
        else:
            result += ch
    return result.upper(), dropped
