"""Simulate a turnstile that starts locked: a coin unlocks it, a push through an unlocked one
locks it again and lets a person in, a coin in an unlocked one is given back, a push on a locked
one does nothing, and `reset` locks it. Return the final state, the people let in and the coins
given back."""


def run_turnstile(events):
    state = "locked"
    people = 0
    returned = 0
    for event in events:
        match state, event:
            case "locked", "coin":
                state = "unlocked"
            case "unlocked", "push":
                state = "locked"
                people += 1
            case "unlocked", "coin":
                returned += 1
            case _, "reset":
                state = "locked"
            case "locked", "push":
                pass
            case _:
                raise ValueError(f"unknown event: {event}")
    return state, people, returned


if __name__ == "__main__":
    assert run_turnstile(["coin", "push", "push"]) == ("locked", 1, 0)
    assert run_turnstile(["push", "coin", "coin"]) == ("unlocked", 0, 1)
    assert run_turnstile(["coin", "reset", "push", "coin", "push"]) == ("locked", 1, 0)
    run_turnstile(["coin", "coin", "coin", "push"])
