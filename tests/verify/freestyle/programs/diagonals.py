def diagonals(grid):
    n = len(grid)
    main = 0
    anti = 0
    for i in range(n):
        for j in range(n):
            if i == j:
                main += grid[i][j]
            if i + j == n - 1:
                anti += grid[i][j]
    return main - anti
