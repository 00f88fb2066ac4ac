def bisect_find(data, x):
    lo, hi = 0, len(data)
    steps = 0
    while lo < hi:
        mid = (lo + hi) // 2
        steps += 1
        if data[mid] == x:
            return mid, steps
        if data[mid] < x:
            lo = mid + 1
        else:
            hi = mid
    return -1, steps
