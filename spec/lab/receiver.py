# examples/receiver.lua, with Python's socket module.
# usage: python3 receiver.py --interface I [--group G] [--port P]
import argparse
import ipaddress
import socket
import struct

parser = argparse.ArgumentParser()
parser.add_argument("--interface", type=socket.if_nametoindex, required=True)
parser.add_argument("--group", type=ipaddress.ip_address, default="224.3.29.71")
parser.add_argument("--port", type=int, default=10000)
options = parser.parse_args()
group = options.group

if group.version == 4:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", options.port))
    membership = struct.pack("=4s4si", group.packed, bytes(4), options.interface)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
else:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", options.port))
    membership = struct.pack("=16si", group.packed, options.interface)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)

while True:
    print("\nwaiting to receive message", flush=True)
    data, address = sock.recvfrom(65535)
    print("received %d bytes from %s" % (len(data), address[0]))
    print(data.decode())
    print("sending acknowledgement to %s" % address[0], flush=True)
    sock.sendto(b"ack", address)
