def best_run(nums):
    best = nums[0]
    current = 0
    for x in nums:
        current = max(x, current + x)
        if current > best:
            best = current
    return best
