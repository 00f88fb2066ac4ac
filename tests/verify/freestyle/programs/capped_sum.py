def capped_sum(nums, cap):
    total = 0
    used = 0
    for n in nums:
        if n < 0:
            continue
        if total + n > cap:
            break
        total += n
        used += 1
    return total, used
