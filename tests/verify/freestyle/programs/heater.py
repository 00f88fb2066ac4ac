class Heater:
    def __init__(self, low, high):
        self.low = low
        self.high = high
        self.on = False
        self.switches = 0

    def feel(self, temp):
        if temp < self.low and not self.on:
            self.on = True
            self.switches += 1
        elif temp > self.high and self.on:
            self.on = False
            self.switches += 1
        return self.on


def thermostat(temps, low, high):
    heater = Heater(low, high)
    log = [heater.feel(t) for t in temps]
    return log.count(True), heater.switches
