class Turnstile:
    def __init__(self):
        self.locked = True
        self.coins = 0

    def coin(self):
        self.coins += 1
        self.locked = False

    def push(self):
        if self.locked:
            return False
        self.locked = True
        return True


def turnstile(events):
    gate = Turnstile()
    passed = 0
    for event in events:
        if event == "coin":
            gate.coin()
        elif gate.push():
            passed += 1
    return passed, gate.coins, gate.locked
