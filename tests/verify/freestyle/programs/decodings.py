def fits(pair):
    return 10 <= int(pair) <= 26

def decodings(digits):
    if digits == "":
        return 1
    total = 0
    if digits[0] != "0":
        total += decodings(digits[1:])
    if len(digits) >= 2 and fits(digits[:2]):
        total += decodings(digits[2:])
    return total
