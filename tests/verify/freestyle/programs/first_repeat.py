def first_repeat(items):
    seen = set()
    order = []
    for x in items:
        if x in seen:
            return x, order
        seen.add(x)
        order.append(x)
    return None, order
