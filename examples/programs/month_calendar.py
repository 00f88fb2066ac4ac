"""Name the weekday of a date of the Gregorian calendar with Sakamoto's method (`weekday`), and
print a month as a calendar whose weeks start on Monday, under a heading `year-month`
(`print_month`)."""

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_SHIFTS = (0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4)


def weekday_index(year, month, day):
    if month < 3:
        year -= 1
    leaps = year // 4 - year // 100 + year // 400
    return (year + leaps + MONTH_SHIFTS[month - 1] + day - 1) % 7


def weekday(year, month, day):
    index = weekday_index(year, month, day)
    return DAY_NAMES[index]


def month_length(year, month):
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return 29 if leap else 28
    return 30 if month in (4, 6, 9, 11) else 31


def print_month(year, month):
    print(f"{year}-{month:02}")
    cells = ["  "] * weekday_index(year, month, 1)
    for day in range(1, month_length(year, month) + 1):
        cells.append(f"{day:2}")
        if len(cells) == 7:
            print(*cells)
            cells = []
    if cells:
        print(*cells)


if __name__ == "__main__":
    assert weekday(2024, 2, 29) == "Thursday"
    assert weekday(1969, 7, 20) == "Sunday"
    print_month(2021, 2)
    print_month(2023, 9)
