def pair_with_sum(values, target):
    left = 0
    right = len(values) - 1
    while left < right:
        s = values[left] + values[right]
        if s == target:
            return [left, right]
        if s < target:
            left += 1
        else:
            right -= 1
    return None
