"""Find the greatest common divisor (`gcd`) and the least common multiple (`lcm`) of any number
of positive integers, given as separate arguments, with Euclid's algorithm."""


def gcd_of_two(a, b):
    while b:
        a, b = b, a % b
    return a


def gcd(first, *others):
    result = first
    for number in others:
        result = gcd_of_two(result, number)
        if result == 1:
            break
    return result


def lcm(first, *others):
    result = first
    for number in others:
        result = result // gcd_of_two(result, number) * number
    return result


if __name__ == "__main__":
    assert gcd(48, 36, 30) == 6
    assert gcd(9, 14, 21, 35) == 1
    assert lcm(4, 6, 10) == 60
    lcm(7, 21)
    gcd(270, 192)
