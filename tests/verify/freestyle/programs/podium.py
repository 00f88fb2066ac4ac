def podium(scores):
    ranked = sorted(scores.items(), key=lambda kv: (-kv[1], kv[0]))
    names = [name for name, _ in ranked[:3]]
    top = ranked[0][1]
    ties = 0
    for _, score in ranked:
        if score == top:
            ties += 1
    return names, ties
