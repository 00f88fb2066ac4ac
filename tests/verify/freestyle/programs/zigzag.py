def zigzag(text, height):
    rows = [""] * height
    row = 0
    step = 1
    for ch in text:
        rows[row] += ch
        if row == 0:
            step = 1
        elif row == height - 1:
            step = -1
        row += step
    return "".join(rows)
