def round_robin(jobs, quantum):
    queue = list(jobs.items())
    clock = 0
    finished = {}
    while queue:
        name, left = queue.pop(0)
        if left > quantum:
            clock += quantum
            queue.append((name, left - quantum))
        else:
            clock += left
            finished[name] = clock
    return finished
