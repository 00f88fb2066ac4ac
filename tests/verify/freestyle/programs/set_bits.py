def set_bits(n):
    ones = 0
    width = 0
    mask = 0
    while n > 0:
        if n & 1:
            ones += 1
            mask |= 1 << width
        n >>= 1
        width += 1
    return ones, width, mask ^ 1
