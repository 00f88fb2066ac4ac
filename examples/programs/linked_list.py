"""Build a singly linked list from the items given, with a method `reverse` that turns the links
round, a method `remove` that unlinks the first node with a value, and a method `to_list`;
`reverse` and `remove` return the items that result, as a list."""


class Node:
    def __init__(self, value, next_node=None):
        self.value = value
        self.next = next_node


class LinkedList:
    def __init__(self, *values):
        self.head = None
        for value in reversed(values):
            self.head = Node(value, self.head)

    def to_list(self):
        values = []
        node = self.head
        while node is not None:
            values.append(node.value)
            node = node.next
        return values

    def reverse(self):
        done = None
        node = self.head
        while node is not None:
            following = node.next
            node.next = done
            done = node
            node = following
        self.head = done
        return self.to_list()

    def remove(self, value):
        before = Node(None, self.head)
        node = before
        while node.next is not None and node.next.value != value:
            node = node.next
        if node.next is not None:
            node.next = node.next.next
        self.head = before.next
        return self.to_list()


if __name__ == "__main__":
    numbers = LinkedList(1, 2, 3)
    assert numbers.reverse() == [3, 2, 1]
    letters = LinkedList("a", "b", "a", "c")
    assert letters.remove("a") == ["b", "a", "c"]
    tail = LinkedList(4, 5, 6)
    assert tail.remove(6) == [4, 5]
    single = LinkedList(9)
    single.reverse()
