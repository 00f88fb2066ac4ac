class Account:
    def __init__(self, balance):
        self.balance = balance

    def withdraw(self, amount):
        if amount > self.balance:
            raise ValueError("too much")
        self.balance -= amount


def account(start, amounts):
    acc = Account(start)
    refused = []
    for amount in amounts:
        try:
            acc.withdraw(amount)
        except ValueError:
            refused.append(amount)
    return acc.balance, refused
