"""Count the fewest steps from `S` to `E` in a maze given as a list of equally long rows, in
which `#` is a wall and a step goes to one of the four neighbouring squares; -1 if there is no
way."""

from collections import deque


def find(maze: list[str], mark: str) -> tuple[int, int]:
    for row, line in enumerate(maze):
        if (column := line.find(mark)) >= 0:
            return row, column
    raise ValueError(f"no {mark} in the maze")


def neighbours(maze: list[str], row: int, column: int) -> list[tuple[int, int]]:
    around = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    height, width = len(maze), len(maze[0])
    inside = [(r, c) for r, c in around if 0 <= r < height and 0 <= c < width]
    return [(r, c) for r, c in inside if maze[r][c] != "#"]


def maze_steps(maze: list[str]) -> int:
    start, end = find(maze, "S"), find(maze, "E")
    steps = {start: 0}
    queue = deque([start])
    while queue:
        square = queue.popleft()
        if square == end:
            return steps[square]
        for neighbour in neighbours(maze, *square):
            if neighbour not in steps:
                steps[neighbour] = steps[square] + 1
                queue.append(neighbour)
    return -1


if __name__ == "__main__":
    assert maze_steps(["S.", "#E"]) == 2
    assert maze_steps(["S#E", ".#.", "..."]) == 6
    assert maze_steps(["S#E"]) == -1
    maze_steps(["..E", ".S."])
