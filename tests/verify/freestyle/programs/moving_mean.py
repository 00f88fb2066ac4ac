def moving_mean(xs, k):
    window = []
    means = []
    for x in xs:
        window.append(x)
        if len(window) > k:
            window.pop(0)
        if len(window) == k:
            means.append(sum(window) / k)
    return means
