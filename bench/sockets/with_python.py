"""The cases in Python: with_python.py case size count."""
import socket
import sys
from os import environ
from statistics import median
from time import perf_counter_ns as now

BURST = 64
BATCH = 512  # datagrams: see worker.lua


def rounds(n, size, count):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    receiver.bind(("", 0))
    membership = socket.inet_aton("239.1.2.3") + socket.inet_aton("127.0.0.1")
    receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    space = [bytes(65536), bytes(int(environ.get("MCAST_LAYOUT", 0))), bytes(65536)]
    data, to = b"x" * size, ("239.1.2.3", receiver.getsockname()[1])
    cost = 0
    for _ in range(100000):
        start = now()
        cost += now() - start
    cost /= 100000
    sends, receives, sending, receiving, done = [], [], 0, 0, 0
    for _ in range(0, count, n):
        start = now()
        for _ in range(n):
            sender.sendto(data, to)
        middle = now()
        for _ in range(n):
            receiver.recvfrom(65536)
        receiving += now() - middle
        sending += middle - start
        done += n
        if done >= min(BATCH, count):
            sends.append(sending / done)
            receives.append(receiving / done)
            sending = receiving = done = 0
    print("send %.1f\nreceive %.1f" % (median(sends) - cost / n, median(receives) - cost / n))
    del space


rounds({"lone": 1, "burst": BURST}[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]))
