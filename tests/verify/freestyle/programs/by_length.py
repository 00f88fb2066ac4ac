def by_length(words):
    groups = {}
    for w in words:
        groups.setdefault(len(w), []).append(w)
    sizes = sorted(groups, reverse=True)
    longest = groups[sizes[0]]
    longest.sort()
    return sizes, longest
