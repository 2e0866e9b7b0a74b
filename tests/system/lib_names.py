# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server for tests, as a program: lib_names.py ADDRESS FILE. The file is JSON, {"name":
["192.0.2.1", …]}, read for every question; a name with null is answered SERVFAIL, one that is not
in it does not exist. Answers that are too long for UDP come truncated, and whole over TCP."""

import ipaddress
import json
import pathlib
import socketserver
import struct
import sys
import threading

ZONE = None


def question_of(data):
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("ascii"))
        at += 1 + data[at]
    kind, = struct.unpack_from(">H", data, at + 1)
    return ".".join(labels).lower(), kind, data[12:at + 5]


def answer(data, most):
    name, kind, question = question_of(data)
    zone = json.loads(ZONE.read_text(encoding="utf-8"))
    code = 3 if name not in zone else 2 if zone[name] is None else 0
    version = {1: 4, 28: 6}.get(kind)
    addresses = [ipaddress.ip_address(a) for a in (zone.get(name) or ())]
    records = [b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(a.packed)) + a.packed
               for a in addresses if a.version == version]
    body = question + b"".join(records)
    flags = 0x8180 | code
    if 12 + len(body) > most:
        flags, records, body = flags | 0x0200, [], question
    return data[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + body


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(answer(self.request[0], 512), self.client_address)


class Tcp(socketserver.StreamRequestHandler):
    timeout = 30

    def handle(self):
        head = self.rfile.read(2)
        while len(head) == 2:
            out = answer(self.rfile.read(struct.unpack(">H", head)[0]), 65535)
            self.wfile.write(struct.pack(">H", len(out)) + out)
            head = self.rfile.read(2)


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    allow_reuse_address = True


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


if __name__ == "__main__":
    ZONE = pathlib.Path(sys.argv[2])
    for server in (UdpServer((sys.argv[1], 53), Udp), TcpServer((sys.argv[1], 53), Tcp)):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    sys.exit(0)
