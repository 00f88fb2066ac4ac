def rail_fence(text, height):
    rails = [""] * height
    row = 0
    step = 1
    for ch in text:
        rails[row] += ch
        if row == height - 1:
            step = -1
        elif row == 0:
            step = 1
        row += step
    return "".join(rails)
