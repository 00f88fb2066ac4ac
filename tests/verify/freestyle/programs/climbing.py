def climbing(nums):
    best = []
    for i in range(len(nums)):
        longest = 0
        for j in range(i):
            if nums[j] < nums[i] and best[j] > longest:
                longest = best[j]
        best.append(longest + 1)
    return best
