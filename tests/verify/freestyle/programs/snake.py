def pieces(name):
    word = ""
    for ch in name:
        if ch.isupper() and word:
            yield word
            word = ""
        word += ch.lower()
    if word:
        yield word

def snake(name, limit):
    out = []
    for piece in pieces(name):
        if len(out) == limit:
            break
        out.append(piece)
    return "_".join(out)
