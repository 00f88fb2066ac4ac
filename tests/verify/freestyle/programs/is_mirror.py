def is_mirror(s):
    lo = 0
    hi = len(s) - 1
    while lo < hi:
        if s[lo] == " ":
            lo += 1
            continue
        if s[hi] == " ":
            hi -= 1
            continue
        if s[lo] != s[hi]:
            return False
        lo += 1
        hi -= 1
    return True
