"""Follow the Collatz rule from a positive integer: halve an even number, otherwise triple it
and add one. Count the steps to reach one, or give None if more than `limit` steps are needed
(`count_steps`); report the highest number on the way to one (`peak`)."""


def following(number):
    return number // 2 if number % 2 == 0 else 3 * number + 1


def path(start):
    number = start
    while number != 1:
        yield number
        number = following(number)
    yield number


def count_steps(start, limit):
    number = start
    steps = 0
    while steps <= limit:
        if number == 1:
            break
        number = following(number)
        steps += 1
    else:
        return None
    return steps


def peak(start):
    highest = start
    for number in path(start):
        highest = max(highest, number)
    return highest


if __name__ == "__main__":
    assert count_steps(6, 20) == 8
    assert count_steps(7, 5) == None
    assert peak(3) == 16
    count_steps(16, 4)
    peak(9)
