def election(ballots):
    counts = {}
    for name in ballots:
        counts[name] = counts.get(name, 0) + 1
    winner = None
    most = 0
    for name, c in counts.items():
        if c > most:
            winner = name
            most = c
        elif c == most:
            winner = None
    return winner, counts
