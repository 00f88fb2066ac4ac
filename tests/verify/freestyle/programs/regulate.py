class Heater:
    def __init__(self, low, high):
        self.low, self.high = low, high
        self.on = False
        self.switches = 0
    def feel(self, temp):
        if temp < self.low and not self.on:
            self.on = True
            self.switches += 1
        elif temp > self.high and self.on:
            self.on = False
            self.switches += 1
def regulate(temps, low, high):
    heater = Heater(low, high)
    heated = []
    for temp in temps:
        heater.feel(temp)
        if heater.on:
            heated.append(temp)
    return [heater.switches, heated]
