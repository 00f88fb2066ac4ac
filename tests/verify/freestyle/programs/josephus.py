def josephus(names, step):
    circle = list(names)
    out = []
    i = 0
    while len(circle) > 1:
        i = (i + step - 1) % len(circle)
        gone = circle.pop(i)
        out.append(gone)
    return {"out": out, "left": circle[0]}
