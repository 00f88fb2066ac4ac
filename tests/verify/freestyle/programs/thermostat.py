class Device:
    def __init__(self, low, high):
        self.low, self.high = low, high
        self.heating = False
        self.switches = 0

    def read(self, temp):
        if not self.heating and temp < self.low:
            self.heating = True
            self.switches += 1
        elif self.heating and temp > self.high:
            self.heating = False
            self.switches += 1

def thermostat(low, high, temps):
    device, warm = Device(low, high), 0
    for t in temps:
        device.read(t)
        warm += device.heating
    return [warm, device.switches]
