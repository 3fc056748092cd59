# examples/sender.lua, with Python's socket module.
# usage: python3 sender.py [message] --interface I [--group G] [--port P] [--ttl N] [--timeout S]
import argparse
import ipaddress
import socket
import struct

parser = argparse.ArgumentParser()
parser.add_argument("message", nargs="?", default="very important data")
parser.add_argument("--interface", type=socket.if_nametoindex, required=True)
parser.add_argument("--group", type=ipaddress.ip_address, default="224.3.29.71")
parser.add_argument("--port", type=int, default=10000)
parser.add_argument("--ttl", type=int, default=1)
parser.add_argument("--timeout", type=float, default=0.2)
options = parser.parse_args()
group = options.group

if group.version == 4:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, options.ttl)
    by = struct.pack("=4s4si", bytes(4), bytes(4), options.interface)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, by)
else:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, options.ttl)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, options.interface)
sock.settimeout(options.timeout)

try:
    print('sending "%s"' % options.message)
    sock.sendto(options.message.encode(), (str(group), options.port))
    while True:
        print("waiting to receive")
        try:
            data, server = sock.recvfrom(16)
        except socket.timeout:
            print("timed out, no more responses")
            break
        print('received "%s" from %s' % (data.decode(), server[0]))
finally:
    print("closing socket")
    sock.close()
