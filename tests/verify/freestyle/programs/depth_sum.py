def depth_sum(node, depth=1):
    total = 0
    for part in node:
        if isinstance(part, list):
            total += depth_sum(part, depth + 1)
        else:
            total += part * depth
    return total
