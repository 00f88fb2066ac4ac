"""Programs and Calls for the tests of the renderings; they trace alike on every Python version."""

PROGRAMS = {
    "loop": (
        "def total(numbers):\n    result = 0\n    for number in numbers:\n"
        "        result += number\n    return result\n",
        "total([1, 2, 3, 4, 5, 6])",
    ),
    "recursion": (
        "def power(base, n):\n    if n == 0:\n        return 1\n"
        "    rest = power(base, n - 1)\n    return base * rest\n",
        "power(2, 3)",
    ),
    "generator": (
        "def upto(n):\n    i = 0\n    while i < n:\n        yield i\n        i += 1\n\n\n"
        "def f():\n    found = []\n    for x in upto(2):\n        found.append(x)\n"
        "    return found\n",
        "f()",
    ),
    "exception": (
        "def f(x):\n    y = x + 1\n    raise ValueError(y)\n",
        "f(1)",
    ),
    "multiline": (
        'def f(x):\n    text = """a\n    b"""\n    total = max(\n        x,\n        2,\n    )\n'
        "    del text\n    return total\n",
        "f(1)",
    ),
    "closure": (
        "def counter():\n    n = 0\n\n    def step():\n        nonlocal n\n        n += 1\n"
        "        return n\n\n    step()\n    return step()\n",
        "counter()",
    ),
    "over_limit": ("def f():\n    i = 0\n    while True:\n        i += 1\n", "f()"),
}
"""Name -> (source, Call); ``over_limit`` never ends."""
