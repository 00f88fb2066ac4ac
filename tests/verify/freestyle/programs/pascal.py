def pascal(depth):
    rows = [[1]]
    while len(rows) < depth:
        prev = rows[-1]
        row = [1]
        for k in range(len(prev) - 1):
            row.append(prev[k] + prev[k + 1])
        row.append(1)
        rows.append(row)
    return rows
