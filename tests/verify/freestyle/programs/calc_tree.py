def calc_tree(node):
    if isinstance(node, int):
        return node
    op, left, right = node
    a = calc_tree(left)
    b = calc_tree(right)
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    return a * b
