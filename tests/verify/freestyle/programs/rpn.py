def apply(op, a, b):
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    return a * b


def rpn(text):
    stack = []
    for token in text.split():
        if token.isdigit():
            stack.append(int(token))
        else:
            b = stack.pop()
            a = stack.pop()
            stack.append(apply(token, a, b))
    return stack
