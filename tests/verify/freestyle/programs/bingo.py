def bingo(card, called):
    wins = []
    marked = 0
    for i, row in enumerate(card):
        for cell in row:
            if cell not in called:
                break
            marked += 1
        else:
            wins.append(i)
    return wins, marked
