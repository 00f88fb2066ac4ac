def labels(people):
    out = []
    for pos, (name, age) in enumerate(people, start=1):
        if age < 18:
            group = "minor"
        elif age < 65:
            group = "adult"
        else:
            group = "senior"
        out.append(f"{pos}. {name.title()} ({group})")
    return "; ".join(out)
