# SPDX-License-Identifier: GPL-3.0-or-later
"""A router between the zones of lib_border, each a network namespace, and real packets through it.

Every host answers on every port: a SYN with a SYN-ACK, a datagram with the same datagram. A cell is
open when the answer came, and shut when the router counted one more packet that it dropped; nothing is
concluded from silence. Run as a program, the file is what sends and answers in a namespace.
"""

import json
import os
import select
import socket
import struct
import sys
import time

ANSWER_PORT = 7
SO_RCVBUFFORCE = 33
IPV6_CHECKSUM = 7


# --- in a namespace of a zone -----------------------------------------------------------------------

def answer():
    """Answers: TCP by the kernel (a listener with SYN cookies), UDP by an echo."""
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.bind(("::", ANSWER_PORT))
    listener.listen(4096)
    echo = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    echo.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    echo.bind(("::", ANSWER_PORT))
    print("READY", flush=True)
    poll = select.poll()
    poll.register(echo, select.POLLIN)
    poll.register(0, 0)  # ends with who started us
    while not any(descriptor == 0 for descriptor, _event in poll.poll()):
        data, peer = echo.recvfrom(512)
        echo.sendto(data, peer)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Sender:
    """Sends first packets and keeps which were answered, by a number."""

    def __init__(self):
        self.sockets = {}
        self.sent = {}
        self.answered = []
        self.poll = select.poll()
        self.receivers = {}
        for family, kind in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            raw = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_TCP)
            raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
            raw.setblocking(False)
            self.poll.register(raw, select.POLLIN)
            self.receivers[raw.fileno()] = (raw, "tcp", family)

    def socket(self, proto, family, src, sport):
        key = (proto, family, src, sport)
        if key not in self.sockets:
            kind = socket.AF_INET if family == 4 else socket.AF_INET6
            if proto == "tcp":
                made = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_TCP)
                if family == 6:
                    made.setsockopt(socket.IPPROTO_IPV6, IPV6_CHECKSUM, 16)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # it only sends
                made.bind((src, 0))
            else:
                made = socket.socket(kind, socket.SOCK_DGRAM)
                made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
                made.bind((src, sport))
                made.setblocking(False)
                self.poll.register(made, select.POLLIN)
                self.receivers[made.fileno()] = (made, "udp", family)
            self.sockets[key] = made
        return self.sockets[key]

    def send(self, number, proto, family, src, sport, dst, dport):
        self.sent[number] = (proto, family, src, sport, dst, dport)
        out = self.socket(proto, family, src, sport)
        if proto == "udp":
            out.sendto(str(number).encode(), (dst, dport))
            return
        head = struct.pack("!HHIIBBHHH", sport, dport, number, 0, 5 << 4, 2, 65535, 0, 0)
        if family == 4:
            pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 6, 20)
            head = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
        out.sendto(head, (dst, 0))

    def take(self, timeout):
        for descriptor, _event in self.poll.poll(timeout):
            source, proto, family = self.receivers[descriptor]
            while True:
                try:
                    data, peer = source.recvfrom(2048)
                except BlockingIOError:
                    break
                if proto == "udp":
                    self.note(proto, family, source.getsockname()[1], peer[0], peer[1], int(data))
                else:
                    self.take_tcp(family, data, peer[0])

    def take_tcp(self, family, data, peer):
        if family == 4:
            data = data[(data[0] & 15) * 4:]
        sport, dport, _seq, ack, _offset, flags = struct.unpack("!HHIIBB", data[:14])
        if flags & 0x12 == 0x12:
            self.note("tcp", family, dport, peer, sport, (ack - 1) & 0xffffffff)

    def note(self, proto, family, sport, dst, dport, number):
        """An answer; it counts if it is the whole reverse of what was sent under that number."""
        sent = self.sent.get(number)
        if sent and sent[:2] + sent[3:] == (proto, family, sport, dst, dport):
            self.answered.append(number)

    def run(self):
        print("READY", flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            if "send" in order:
                self.sent.clear()
            for packet in order.get("send", []):
                self.send(*packet)
            self.take(order.get("wait", 0))
            print(json.dumps(self.answered), flush=True)
            self.answered.clear()


def main(arguments):
    if arguments == ["answer"]:
        answer()
    elif arguments == ["send"]:
        Sender().run()
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

# --- the router -------------------------------------------------------------------------------------

import subprocess  # noqa: E402

from lib_border import HOSTS, ROUTER, ZONES  # noqa: E402
from lib_net import Network  # noqa: E402
from lib_proc import in_netns, run, scaled  # noqa: E402

CHUNK = 400


class Helper:
    """This file in a namespace."""

    def __init__(self, netns, role):
        self.process = subprocess.Popen(
            in_netns(netns) + [sys.executable, "-B", os.path.abspath(__file__), role],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        if self.process.stdout.readline() != "READY\n":
            raise AssertionError("the %s in %s does not start" % (role, netns))

    def ask(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class RouterWorld(Network):
    """The zones around a router in which rules can be loaded. `close()` removes it all."""

    def __init__(self):
        self.helpers = []
        self.senders = {}
        self.number = 0
        super().__init__(workstations=0)

    def _build(self, workstations):
        self.router = self.add("rt")
        self.zones = {}
        for sysctl in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                       "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"):
            run("sysctl", "-qw", sysctl, netns=self.router)
        for zone in ZONES:
            self._build_zone(zone)

    def _build_zone(self, zone):
        netns = self.zones[zone] = self.add(zone)
        run("sysctl", "-qw", "net.ipv4.tcp_syncookies=2", netns=netns)
        run("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", netns=netns)
        run("sysctl", "-qw", "net.ipv4.conf.default.rp_filter=0", netns=netns)
        self.link(netns, "net", self.router, zone)
        bits4, bits6 = (network.rpartition("/")[2] for network in ZONES[zone])
        self.address(self.router, zone, ROUTER[zone][0] + "/" + bits4, ROUTER[zone][1] + "/" + bits6)
        for host in HOSTS:
            if host.zone == zone:
                self.address(netns, "net", host.v4 + "/" + bits4, host.v6 + "/" + bits6)
        run("ip", "-n", netns, "route", "add", "default", "via", ROUTER[zone][0])
        run("ip", "-n", netns, "-6", "route", "add", "default", "via", ROUTER[zone][1])
        run("nft", "-f", "-", netns=netns, input="""
            table inet answers {
                chain incoming {
                    type nat hook prerouting priority dstnat;
                    meta l4proto { tcp, udp } iifname "net" redirect to :%d
                }
            }""" % ANSWER_PORT)
        self.helpers.append(Helper(netns, "answer"))

    def add_source(self, zone, v4, v6):
        """A further address from which a zone sends, of a network that is not its own."""
        self.address(self.zones[zone], "lo", v4 + "/32", v6 + "/128")

    def close(self):
        for helper in self.helpers + list(self.senders.values()):
            helper.close()
        self.helpers = []
        self.senders = {}
        super().close()

    def sender(self, zone):
        if zone not in self.senders:
            self.senders[zone] = Helper(self.zones[zone], "send")
        return self.senders[zone]

    def try_all(self, packets, dropped, seconds=20):
        """Sends first packets of one zone. The set of those that were answered; every other one
        was counted by `dropped()`, or it fails."""
        answered = set()
        for at in range(0, len(packets), CHUNK):
            answered |= self._try_chunk(packets[at:at + CHUNK], dropped, seconds)
        return answered

    def _try_chunk(self, packets, dropped, seconds):
        sender = self.sender(packets[0].arrival)
        before = dropped()
        numbered = {}
        for packet in packets:
            self.number += 1
            numbered[self.number] = packet
        order = [(number, p.proto, p.family, p.src, p.sport, p.dst, p.dport)
                 for number, p in numbered.items()]
        answered = set(sender.ask(send=order, wait=0))
        deadline = time.monotonic() + scaled(seconds)
        while True:
            answered |= set(sender.ask(wait=5))
            drops = dropped() - before
            if len(answered) + drops >= len(packets):
                break
            if time.monotonic() > deadline:
                raise AssertionError("of %d packets %d were answered and %d dropped" %
                                     (len(packets), len(answered), drops))
        if len(answered) + drops != len(packets):
            raise AssertionError("of %d packets %d were answered and %d dropped" %
                                 (len(packets), len(answered), drops))
        return {numbered[number] for number in answered}


def nft_drops(world, comment=None):
    """Packets that the nftables export dropped, in all or by the rule with that comment."""
    listed = json.loads(run("nft", "-j", "list", "table", "inet", "lazaret-border",
                            netns=world.router))
    total = 0
    for item in listed["nftables"]:
        rule = item.get("rule", {})
        expressions = rule.get("expr", [])
        if {"drop": None} in expressions and (comment is None or rule.get("comment") == comment):
            total += sum(e["counter"]["packets"] for e in expressions if "counter" in e)
    return total


def iptables_drops(world):
    """The same of the iptables export, both families."""
    total = 0
    for command in ("iptables-save", "ip6tables-save"):
        for line in run(command, "-c", "-t", "filter", netns=world.router).splitlines():
            if line.endswith("-A LAZARET-SHUT -j DROP") or line.endswith("INVALID -j DROP"):
                total += int(line[1:].partition(":")[0])
    return total
