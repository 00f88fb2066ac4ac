"""Pick the given number of best (name, score) results from a list with a heap that never grows
beyond that number, and return them best first; of two equal scores the one whose name is
earlier in the alphabet is the better."""

import heapq
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    name: str
    score: int

    def __lt__(self, other: "Result") -> bool:
        if self.score != other.score:
            return self.score < other.score
        return self.name > other.name


def top_scores(results: list[tuple[str, int]], number: int) -> list[tuple[str, int]]:
    heap: list[Result] = []
    for name, score in results:
        result = Result(name, score)
        if len(heap) < number:
            heapq.heappush(heap, result)
        else:
            heapq.heappushpop(heap, result)
    best = sorted(heap, reverse=True)
    return [(result.name, result.score) for result in best]


if __name__ == "__main__":
    assert top_scores([("Ida", 7), ("Max", 9), ("Eve", 4)], 2) == [("Max", 9), ("Ida", 7)]
    assert top_scores([("Zed", 5), ("Amy", 5), ("Kim", 5)], 2) == [("Amy", 5), ("Kim", 5)]
    assert top_scores([("Ben", 3)], 4) == [("Ben", 3)]
    top_scores([("Uma", 1), ("Lee", 8), ("Joe", 8), ("Tom", 6)], 3)
