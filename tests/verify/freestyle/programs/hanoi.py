def move(n, src, dst, via, log):
    if n == 0:
        return
    move(n - 1, src, via, dst, log)
    log.append(src + dst)
    move(n - 1, via, dst, src, log)


def hanoi(n):
    log = []
    move(n, "A", "C", "B", log)
    return log
