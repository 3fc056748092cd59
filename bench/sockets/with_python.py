"""The cases in Python: with_python.py case size count."""
import socket
import sys
from os import environ
from time import perf_counter_ns as now

BURST = 64


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
    sending = receiving = 0
    for _ in range(0, count, n):
        start = now()
        for _ in range(n):
            sender.sendto(data, to)
        middle = now()
        for _ in range(n):
            receiver.recvfrom(65536)
        receiving += now() - middle
        sending += middle - start
    print("send %.1f\nreceive %.1f" % (sending / count - cost / n, receiving / count - cost / n))
    del space


rounds({"lone": 1, "burst": BURST}[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3]))
