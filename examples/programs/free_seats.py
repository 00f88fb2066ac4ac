"""Find seats in a row numbered from one to `seats`, given the sets of seats that are booked and
of seats that are broken. Give the set of usable seats (`free_seats`), and the lowest numbers of
the given size of group that can sit side by side, as a list that is empty if there is no such
place (`seats_for_group`)."""


def free_seats(seats: int, booked: set[int], broken: set[int]) -> set[int]:
    every_seat = set(range(1, seats + 1))
    unusable = booked | broken
    return every_seat - unusable


def seats_for_group(seats: int, booked: set[int], broken: set[int], size: int) -> list[int]:
    free = free_seats(seats, booked, broken)
    for first in range(1, seats - size + 2):
        if (block := set(range(first, first + size))) <= free:
            return sorted(block)
    return []


if __name__ == "__main__":
    assert seats_for_group(8, {2, 5}, {3}, 3) == [6, 7, 8]
    assert seats_for_group(6, {3}, {3, 5}, 2) == [1, 2]
    assert seats_for_group(5, {2, 4}, {1}, 2) == []
    seats_for_group(7, {1, 4}, {2}, 2)
