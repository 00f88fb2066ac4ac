def pieces(length, limit):
    if length <= limit:
        return [length]
    half = length // 2
    left = pieces(half, limit)
    right = pieces(length - half, limit)
    return left + right


def chop(bars, limit):
    cuts = 0
    longest = 0
    for bar in bars:
        got = pieces(bar, limit)
        cuts += len(got) - 1
        longest = max(longest, max(got))
    return [cuts, longest]
