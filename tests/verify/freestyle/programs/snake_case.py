def snake_case(name):
    out = ""
    humps = 0
    for i, ch in enumerate(name):
        if ch.isupper():
            if i > 0 and out[-1] != "_":
                out += "_"
                humps += 1
            out += ch.lower()
        elif ch == " " or ch == "-":
            out += "_"
        else:
            out += ch
    return out, humps
