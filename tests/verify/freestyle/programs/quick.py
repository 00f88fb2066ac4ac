def quick(items):
    if len(items) < 2:
        return items
    pivot = items[0]
    small = []
    large = []
    for x in items[1:]:
        if x < pivot:
            small.append(x)
        else:
            large.append(x)
    left = quick(small)
    right = quick(large)
    return left + [pivot] + right
