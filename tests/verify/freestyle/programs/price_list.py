def price_list(prices, orders):
    total = 0
    problems = []
    for item, amount in orders:
        try:
            cost = prices[item] * int(amount)
            total += cost
        except KeyError:
            problems.append(item)
        except ValueError:
            problems.append(amount)
    return total, problems
