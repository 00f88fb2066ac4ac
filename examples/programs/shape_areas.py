"""Model Rectangle, Square (a kind of Rectangle) and Triangle as Shapes with an `area` property,
made from a kind and its sizes: width and height, side, or base and height. Add up the areas of
some shapes given as (kind, sizes...) tuples (`total_area`), and find the largest of them
(`largest`)."""

from abc import ABC, abstractmethod


class Shape(ABC):
    @property
    @abstractmethod
    def area(self):
        raise NotImplementedError


class Rectangle(Shape):
    def __init__(self, width, height):
        self.width = width
        self.height = height

    @property
    def area(self):
        return self.width * self.height


class Square(Rectangle):
    def __init__(self, side):
        super().__init__(side, side)


class Triangle(Shape):
    def __init__(self, base, height):
        self.base = base
        self.height = height

    @property
    def area(self):
        return self.base * self.height / 2


KINDS = {"rectangle": Rectangle, "square": Square, "triangle": Triangle}


def make_shape(kind, *sizes):
    return KINDS[kind](*sizes)


def total_area(*descriptions):
    return sum(make_shape(*description).area for description in descriptions)


def largest(*descriptions):
    shapes = [make_shape(*description) for description in descriptions]
    return max(shapes, key=lambda shape: shape.area)


if __name__ == "__main__":
    assert total_area(("square", 3), ("rectangle", 2, 5)) == 19
    assert total_area(("triangle", 3, 5)) == 7.5
    assert total_area(("square", 2), ("triangle", 4, 1), ("triangle", 1, 1)) == 6.5
    largest(("rectangle", 4, 2), ("square", 3), ("triangle", 5, 3))
