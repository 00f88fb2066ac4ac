def selection(items):
    swaps = 0
    n = len(items)
    for i in range(n - 1):
        low = i
        for j in range(i + 1, n):
            if items[j] < items[low]:
                low = j
        if low != i:
            items[i], items[low] = items[low], items[i]
            swaps += 1
    return items, swaps
