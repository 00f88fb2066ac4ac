class Elevator:
    def __init__(self, top):
        self.top = top
        self.floor = 0
        self.travelled = 0
        self.refused = 0

    def go(self, target):
        if target < 0 or target > self.top:
            self.refused += 1
            return False
        self.travelled += abs(target - self.floor)
        self.floor = target
        return True


def ride(top, calls):
    lift = Elevator(top)
    served = [c for c in calls if lift.go(c)]
    return served, lift.travelled, lift.refused
