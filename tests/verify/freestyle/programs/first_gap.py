def is_sorted(nums):
    for i in range(1, len(nums)):
        if nums[i] < nums[i - 1]:
            return False
    return True


def first_gap(nums):
    if not is_sorted(nums):
        nums = sorted(nums)
    want = 1
    for x in nums:
        if x == want:
            want += 1
        elif x > want:
            return want
    return -1
