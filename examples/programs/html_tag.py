"""Write an HTML element from a tag name, its children in order (texts or finished elements) and
its attributes as keyword arguments: an attribute that is True stands by its name alone, one
that is False or None is left out, and a final underscore in a name is dropped. An element
without children gets no closing tag."""


def format_attribute(name, value):
    name = name.removesuffix("_")
    if value is True:
        return f" {name}"
    if value is False or value is None:
        return ""
    return f' {name}="{value}"'


def tag(name, *children, **attributes):
    opening = f"<{name}"
    for key, value in attributes.items():
        opening += format_attribute(key, value)
    opening += ">"
    if not children:
        return opening
    return f"{opening}{''.join(children)}</{name}>"


if __name__ == "__main__":
    assert tag("p", "Hello") == "<p>Hello</p>"
    assert tag("input", type="checkbox", checked=True) == '<input type="checkbox" checked>'
    assert tag("label", "Name", for_="name", hidden=False) == '<label for="name">Name</label>'
    items = [tag("li", "tea"), tag("li", "milk")]
    tag("ul", *items, class_="shop")
