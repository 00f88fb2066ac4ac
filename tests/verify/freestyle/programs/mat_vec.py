def mat_vec(matrix, vector):
    result = []
    for row in matrix:
        acc = 0
        for a, b in zip(row, vector):
            acc += a * b
        result.append(acc)
    return result
