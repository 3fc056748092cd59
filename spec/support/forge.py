# Sends datagrams with forged sources to a group, by raw frames, and prints how many datagrams come back from the port,
# until none has come for 0.2 s.
# usage: forge.py interface group port < lines of: source, port, data in hexadecimal digits
import select
import socket
import struct
import sys

interface, group, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in group else socket.AF_INET
to = socket.inet_pton(family, group)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(source, source_port, data):
    length = 8 + len(data)
    pseudo = source + to + struct.pack(">II", length, 17)  # for IPv4 the sum is the same as over its own form
    empty = struct.pack(">HHHH", source_port, port, length, 0)
    return empty[:6] + struct.pack(">H", checksum(pseudo + empty + data) or 0xFFFF) + data


def frame(source, source_port, data):
    payload = udp(source, source_port, data)
    if family == socket.AF_INET6:
        head, mac, kind = struct.pack(">IHBB", 6 << 28, len(payload), 17, 1) + source + to, b"\x33\x33" + to[12:], 0x86DD
    else:
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 1, 17, 0, source, to)
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        mac, kind = b"\x01\x00\x5e" + bytes([to[1] & 127]) + to[2:], 0x0800
    return mac + bytes.fromhex("020000000001") + struct.pack(">H", kind) + head + payload


def isanswer(data):
    kind, = struct.unpack(">H", data[12:14])
    at = 14 + 40 if kind == 0x86DD else 14 + 20
    proto = data[20] if kind == 0x86DD else data[23]
    return kind in (0x0800, 0x86DD) and proto == 17 and data[at:at + 2] == struct.pack(">H", port)


raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
raw.bind((interface, 0))
for line in sys.stdin:
    source, source_port, data = (line.rstrip("\n") + " ").split(" ")[:3]
    raw.send(frame(socket.inet_pton(family, source), int(source_port), bytes.fromhex(data)))
answers = 0
while answers < 100000 and select.select([raw], [], [], 0.2)[0]:
    data, origin = raw.recvfrom(65536)
    answers += origin[2] != socket.PACKET_OUTGOING and isanswer(data)
print(answers)
