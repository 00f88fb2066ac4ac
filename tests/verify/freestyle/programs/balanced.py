class Stack:
    def __init__(self):
        self.items = []

    def push(self, x):
        self.items.append(x)

    def pop(self):
        return self.items.pop()


def balanced(text):
    pairs = {")": "(", "]": "["}
    stack = Stack()
    for ch in text:
        if ch in "([":
            stack.push(ch)
        elif ch in pairs:
            if not stack.items or stack.pop() != pairs[ch]:
                return False
    return stack.items == []
