"""Judge a tic-tac-toe board, given as nine characters `X`, `O` or `.` row by row: `X wins`, `O
wins`, `draw` when the board is full, otherwise `open`. Keep each player's squares as the bits
of an integer and compare them with the eight winning lines."""

ROWS = (0b111_000_000, 0b000_111_000, 0b000_000_111)
COLUMNS = (0b100_100_100, 0b010_010_010, 0b001_001_001)
DIAGONALS = (0b100_010_001, 0b001_010_100)
LINES = ROWS + COLUMNS + DIAGONALS


def squares_of(player: str, board: str) -> int:
    bits = 0
    for square in board:
        bits = bits << 1 | (square == player)
    return bits


def has_line(bits: int) -> bool:
    for line in LINES:
        if bits & line == line:
            return True
    return False


def judge(board: str) -> str:
    for player in "XO":
        if has_line(squares_of(player, board)):
            verdict = f"{player} wins"
            break
    else:
        verdict = "open" if "." in board else "draw"
    return verdict


if __name__ == "__main__":
    assert judge("XOOXO.X..") == "X wins"
    assert judge("XXO.OXO..") == "O wins"
    assert judge("XOXXOOOXX") == "draw"
    judge("X...O....")
