def stockroom(stock, orders):
    log = []
    for name, qty in orders:
        try:
            stock[name] -= qty
            if stock[name] <= 0:
                del stock[name]
        except KeyError:
            log.append("no " + name)
        finally:
            log.append(len(stock))
    return log
