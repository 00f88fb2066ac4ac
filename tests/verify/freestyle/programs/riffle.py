def riffle(deck, times):
    while times > 0:
        mid = (len(deck) + 1) // 2
        top, bottom = deck[:mid], deck[mid:]
        deck = ""
        for i in range(mid):
            deck += top[i]
            if i < len(bottom):
                deck += bottom[i]
        times -= 1
    return deck
