def windows(values, size):
    for start in range(len(values) - size + 1):
        yield sum(values[start:start + size])


def window_peaks(values, size):
    peaks = []
    best = None
    for s in windows(values, size):
        if best is None or s > best:
            best = s
            peaks.append(s)
    return peaks
