"""Follow a series of numbers with closures that keep their state: `running_averages` lists the
mean of all the numbers so far after each number, and `record_highs` lists the numbers that are
higher than all the ones before."""

from collections.abc import Callable


def make_averager() -> Callable[[float], float]:
    count = 0
    total = 0.0

    def average(number: float) -> float:
        nonlocal count, total
        count += 1
        total += number
        return total / count

    return average


def make_record_check() -> Callable[[float], bool]:
    highest: float | None = None

    def is_record(number: float) -> bool:
        nonlocal highest
        if highest is not None and number <= highest:
            return False
        highest = number
        return True

    return is_record


def running_averages(numbers: list[float]) -> list[float]:
    average = make_averager()
    return [average(number) for number in numbers]


def record_highs(numbers: list[float]) -> list[float]:
    is_record = make_record_check()
    return list(filter(is_record, numbers))


if __name__ == "__main__":
    assert running_averages([4, 8, 3]) == [4.0, 6.0, 5.0]
    assert running_averages([-1, 2]) == [-1.0, 0.5]
    assert record_highs([3, 1, 5, 5, 9]) == [3, 5, 9]
    record_highs([2, 2, 1])
