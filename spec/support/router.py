# Routes a group by the kernel's multicast routing, from one interface to another,
# for one source.
# usage: router.py source group from to
import socket
import struct
import sys
import time

source, group, incoming, outgoing = sys.argv[1:]
indexes = [socket.if_nametoindex(name) for name in (incoming, outgoing)]
INIT, ADD_INTERFACE, ADD_ROUTE = 200, 202, 204  # linux/mroute.h and mroute6.h

if ":" in group:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    level = socket.IPPROTO_IPV6
    interfaces = [struct.pack("HBBHI", i, 0, 1, index, 0) for i, index in enumerate(indexes)]

    def address(text):
        return struct.pack("HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, text), 0)

    route = address(source) + address(group) + struct.pack("H2x8I", 0, 1 << 1, *[0] * 7)
else:
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    level = socket.IPPROTO_IP
    interfaces = [struct.pack("HBBIII", i, 8, 1, 0, index, 0) for i, index in enumerate(indexes)]
    route = struct.pack("4s4sH32BIIIi", socket.inet_aton(source), socket.inet_aton(group), 0, 0, 1, *[0] * 30, 0, 0, 0, 0)

sock.setsockopt(level, INIT, 1)
for interface in interfaces:
    sock.setsockopt(level, ADD_INTERFACE, interface)
sock.setsockopt(level, ADD_ROUTE, route)
print("routing", flush=True)
time.sleep(100)
