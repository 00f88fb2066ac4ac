"""Evaluate an expression in postfix notation, its whole numbers and the operators `+`, `-`,
`*`, `/` and `neg` separated by spaces, with a stack; `/` is true division. An expression that
leaves too few or too many values raises ValueError."""


def apply(token, stack):
    match token:
        case "neg":
            result = -stack.pop()
        case "+":
            result = stack.pop() + stack.pop()
        case "*":
            result = stack.pop() * stack.pop()
        case "-" | "/":
            right, left = stack.pop(), stack.pop()
            result = left - right if token == "-" else left / right
        case _:
            result = int(token)
    stack.append(result)


def calculate(expression):
    stack = []
    try:
        for token in expression.split():
            apply(token, stack)
    except IndexError:
        raise ValueError("too few values") from None
    if len(stack) != 1:
        raise ValueError(f"{len(stack)} values left over")
    return stack.pop()


if __name__ == "__main__":
    assert calculate("3 4 + 2 *") == 14
    assert calculate("7 2 /") == 3.5
    assert calculate("5 neg 1 -") == -6
    calculate("8 3 3 - /")
