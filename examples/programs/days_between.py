"""Count the days from one (year, month, day) date of the Gregorian calendar to another,
negative if the second comes first; do the arithmetic yourself, leap years included."""

MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def day_number(year: int, month: int, day: int) -> int:
    past = year - 1
    days = past * 365 + past // 4 - past // 100 + past // 400
    days += sum(MONTH_LENGTHS[: month - 1])
    if month > 2 and is_leap(year):
        days += 1
    return days + day


def days_between(start: tuple[int, int, int], end: tuple[int, int, int]) -> int:
    first = day_number(*start)
    last = day_number(*end)
    return last - first


if __name__ == "__main__":
    assert days_between((2024, 2, 28), (2024, 3, 1)) == 2
    assert days_between((1900, 2, 28), (1900, 3, 1)) == 1
    assert days_between((2001, 1, 1), (2000, 1, 1)) == -366
    days_between((1999, 12, 25), (2000, 1, 6))
