def savings(amount, rate, goal):
    years = 0
    while amount < goal:
        amount = amount + amount * rate
        years += 1
        if years == 5:
            break
    return years, amount
