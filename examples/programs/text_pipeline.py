"""Clean up a text by the named steps, in the order given: `squeeze` makes one space of every
run of white space and trims the ends, `censor` replaces each digit by `*`, `title` capitalises
each word, `initials` keeps the first letter of each word. Let a decorator with an argument
register the steps."""

from functools import reduce

STEPS = {}


def step(name):
    def register(function):
        STEPS[name] = function
        return function

    return register


@step("squeeze")
def squeeze_spaces(text):
    words = text.split()
    return " ".join(words)


@step("censor")
def censor_digits(text):
    return "".join("*" if char.isdigit() else char for char in text)


@step("title")
def capitalise_words(text):
    return " ".join(word.capitalize() for word in text.split(" "))


@step("initials")
def keep_initials(text):
    return "".join(word[0] for word in text.split())


def clean(text, *names):
    chosen = [STEPS[name] for name in names]
    return reduce(lambda value, function: function(value), chosen, text)


if __name__ == "__main__":
    assert clean("  ada   LOVELACE ", "squeeze", "title") == "Ada Lovelace"
    assert clean("portable network graphics", "title", "initials") == "PNG"
    assert clean("pin  4711", "censor", "squeeze") == "pin ****"
    clean("grace hopper", "initials", "title")
