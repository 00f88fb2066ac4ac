def mines(rows):
    board = []
    for r in range(len(rows)):
        line = ""
        for c in range(len(rows[r])):
            if rows[r][c] == "*":
                line += "*"
                continue
            count = 0
            for other in rows[max(r - 1, 0):r + 2]:
                count += other[max(c - 1, 0):c + 2].count("*")
            line += str(count)
        board.append(line)
    return board
