"""Take the items of an order (item to quantity) out of a stock of the same form, all or
nothing: if any item is short, put everything back. Return the stock left over, without the
items that ran out. Do the putting back in a context manager."""


class OutOfStock(Exception):
    pass


class AllOrNothing:
    def __init__(self, stock):
        self.stock = stock

    def __enter__(self):
        self.before = dict(self.stock)
        return self.stock

    def __exit__(self, kind, error, traceback):
        if kind is OutOfStock:
            self.stock.update(self.before)
            return True
        return False


def take(stock, item, quantity):
    left = stock.get(item, 0) - quantity
    if left < 0:
        raise OutOfStock(item)
    stock[item] = left


def fulfil(stock, order):
    with AllOrNothing(stock):
        for item, quantity in order.items():
            take(stock, item, quantity)
    return {item: count for item, count in stock.items() if count > 0}


if __name__ == "__main__":
    assert fulfil({"bolt": 5, "nut": 2}, {"bolt": 3, "nut": 2}) == {"bolt": 2}
    assert fulfil({"bolt": 5, "nut": 2}, {"bolt": 3, "nut": 4}) == {"bolt": 5, "nut": 2}
    fulfil({"saw": 1}, {"hammer": 1})
    fulfil({"glue": 4, "tape": 3}, {"tape": 1})
