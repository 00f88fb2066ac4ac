def search(nums, i, left, chosen, found):
    if left == 0:
        found.append(tuple(chosen))
        return
    if i == len(nums) or left < 0:
        return
    chosen.append(nums[i])
    search(nums, i + 1, left - nums[i], chosen, found)
    chosen.pop()
    search(nums, i + 1, left, chosen, found)


def subsets_of_sum(nums, target):
    found = []
    search(nums, 0, target, [], found)
    return found
