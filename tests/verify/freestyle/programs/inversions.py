def inversions(nums):
    count = 0
    widest = 0
    for i in range(len(nums)):
        for j in range(i + 1, len(nums)):
            if nums[i] > nums[j]:
                count += 1
                if j - i > widest:
                    widest = j - i
    return count, widest
