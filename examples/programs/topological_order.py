"""Order tasks so that each comes after everything it needs, given a dictionary from each task
to the list of tasks it needs; go through the dictionary in its order, depth first. Return None
if some tasks need each other in a circle."""


def topological_order(needs: dict[str, list[str]]) -> list[str] | None:
    order: list[str] = []
    in_progress: set[str] = set()

    def visit(task: str) -> bool:
        if task in order:
            return True
        if task in in_progress:
            return False
        in_progress.add(task)
        for needed in needs.get(task, []):
            if not visit(needed):
                return False
        in_progress.remove(task)
        order.append(task)
        return True

    for task in needs:
        if not visit(task):
            return None
    return order


if __name__ == "__main__":
    assert topological_order({"shoes": ["socks"], "socks": []}) == ["socks", "shoes"]
    assert topological_order({"bake": ["mix"], "eat": ["bake"], "mix": ["shop"]}) == [
        "shop",
        "mix",
        "bake",
        "eat",
    ]
    assert topological_order({"egg": ["hen"], "hen": ["egg"]}) == None
    topological_order({"d": ["b", "c"], "b": ["a"], "c": ["a"]})
