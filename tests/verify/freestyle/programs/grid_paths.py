def grid_paths(rows, cols, walls):
    ways = [0] * cols
    ways[0] = 1
    for r in range(rows):
        for c in range(cols):
            if (r, c) in walls:
                ways[c] = 0
            elif c > 0:
                ways[c] += ways[c - 1]
    return ways[-1]
