"""Model an Account with an owner and a balance in cents, whose `deposit` and `withdraw` return
the new balance; withdrawing more than is available raises InsufficientFunds. A CreditAccount
may go below zero down to its limit. `transfer` moves money if it can, and returns a report
either way."""


class InsufficientFunds(Exception):
    def __init__(self, missing: int):
        super().__init__(f"{missing} cents short")
        self.missing = missing


class Account:
    def __init__(self, owner: str, balance: int = 0):
        self.owner = owner
        self.balance = balance

    @property
    def available(self) -> int:
        return self.balance

    def deposit(self, cents: int) -> int:
        self.balance += cents
        return self.balance

    def withdraw(self, cents: int) -> int:
        if cents > self.available:
            raise InsufficientFunds(cents - self.available)
        self.balance -= cents
        return self.balance


class CreditAccount(Account):
    def __init__(self, owner: str, balance: int = 0, limit: int = 0):
        super().__init__(owner, balance)
        self.limit = limit

    @property
    def available(self) -> int:
        return super().available + self.limit


def transfer(source: Account, target: Account, cents: int) -> str:
    try:
        source.withdraw(cents)
    except InsufficientFunds as error:
        return f"{source.owner} is {error}"
    target.deposit(cents)
    return f"{source.owner} {source.balance}, {target.owner} {target.balance}"


if __name__ == "__main__":
    ann = Account("Ann", 500)
    bob = CreditAccount("Bob", balance=100, limit=300)
    assert transfer(ann, bob, 900) == "Ann is 400 cents short"
    assert transfer(bob, ann, 250) == "Bob -150, Ann 750"
    card = CreditAccount("Cleo", limit=1000)
    assert card.withdraw(640) == -640
    purse = Account("Dan", 20)
    purse.withdraw(35)
