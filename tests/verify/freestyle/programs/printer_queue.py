class Queue:
    def __init__(self, jobs):
        self.jobs = list(jobs)
        self.clock = 0

    def tick(self, slice_):
        name, left = self.jobs.pop(0)
        if left > slice_:
            self.clock += slice_
            self.jobs.append((name, left - slice_))
            return None
        self.clock += left
        return name


def printer_queue(jobs, slice_):
    q = Queue(jobs)
    done = []
    while q.jobs:
        name = q.tick(slice_)
        if name is not None:
            done.append((name, q.clock))
    return done
