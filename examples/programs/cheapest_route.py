"""Find the cheapest route between two places of a road map, given as place to neighbour to
cost, with Dijkstra's algorithm. Return the cost and the list of places on the route, or None if
the goal cannot be reached."""

from heapq import heappop, heappush


def cheapest_route(roads, start, goal):
    queue = [(0, [start])]
    settled = set()
    while queue:
        cost, route = heappop(queue)
        place = route[-1]
        if place == goal:
            return cost, route
        if place in settled:
            continue
        settled.add(place)
        for neighbour, distance in roads.get(place, {}).items():
            if neighbour not in settled:
                heappush(queue, (cost + distance, [*route, neighbour]))
    return None


if __name__ == "__main__":
    assert cheapest_route({"A": {"B": 1, "C": 5}, "B": {"C": 2}}, "A", "C") == (3, ["A", "B", "C"])
    assert cheapest_route({"A": {"B": 4}, "B": {"A": 4}, "C": {"A": 1}}, "B", "C") == None
    roads = {
        "home": {"park": 3, "shop": 2},
        "shop": {"park": 2, "work": 6},
        "park": {"work": 4},
    }
    assert cheapest_route(roads, "home", "work") == (7, ["home", "park", "work"])
    cheapest_route(roads, "shop", "work")
