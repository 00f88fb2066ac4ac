def newton(target, guess):
    steps = 0
    error = abs(guess * guess - target)
    while error > 0.1 and steps < 5:
        guess = (guess + target / guess) / 2
        error = abs(guess * guess - target)
        steps += 1
    return guess, steps
