def close_pairs(nums, gap):
    found = []
    for i in range(len(nums)):
        for j in range(i + 1, len(nums)):
            d = abs(nums[i] - nums[j])
            if d <= gap:
                found.append((i, j))
    return found
