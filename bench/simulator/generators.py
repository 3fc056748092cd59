"""The deliveries of deliveries.lua by heapq and generators: the least that a simulator in
Python needs, without sockets, networks and timeouts: generators.py n sends."""
import sys
from heapq import heappop, heappush
from itertools import count
from random import random
from time import process_time

n, sends = int(sys.argv[1]), int(sys.argv[2])


def simulate():
    heap, sequence, counts = [], count(), [0] * n
    time = 0.5

    def receiver(i):
        while (yield) is not None:
            counts[i] += 1

    def sender():
        data = b"x" * 64
        for _ in range(sends):
            for process in receivers:
                heappush(heap, (time + 0.001 + 0.003 * random(), next(sequence), process, data))
            yield 0.001
        yield

    receivers = [receiver(i) for i in range(n)]
    for process in receivers:
        next(process)
    heappush(heap, (time, next(sequence), sender(), None))
    while heap:
        time, _, process, value = heappop(heap)
        wait = process.send(value)
        if wait is not None:
            heappush(heap, (time + wait, next(sequence), process, None))
    return sum(counts)


start = process_time()
received = simulate()
took = process_time() - start
assert received == n * sends
print("delivery %.1f" % (took / received * 1e9))
