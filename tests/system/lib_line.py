# SPDX-License-Identifier: GPL-3.0-or-later
"""A slow line between a workstation and the system, in the network of lib_net: packets between the
two take it in place of the cable. tests/tools/line.c does the work."""

import concurrent.futures
import ctypes
import json
import os
import socket

import lib_net
from lib_proc import BUILD, Process, run

DEVICE = "slow"
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def socket_in(netns, kind=socket.SOCK_DGRAM):
    """A socket of a namespace, for this process: made by a thread that goes there and ends."""
    def make():
        with open("/run/netns/" + netns, "rb") as place:
            if _libc.setns(place.fileno(), CLONE_NEWNET) < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), netns)
        return socket.socket(socket.AF_INET, kind)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(make).result()


class Line:
    """From now on packets between the workstation and the system go this way. Both ways have the
    same numbers: `rate` in bits a second (0: no bottleneck), `delay` in seconds one way, `loss` as
    a share, `queue` in bytes."""

    def __init__(self, network, workstation=0, rate=0, delay=0.0, loss=0.0, queue=64 << 10, seed=1):
        left, right = network.workstations[workstation], network.system
        numbers = self.numbers(rate=rate, delay=delay, loss=loss, queue=queue)
        self.process = Process(
            BUILD / "tests/tools/line", left, DEVICE, right, DEVICE,
            "right.seed=%d" % seed, "left.seed=%d" % (seed + 1000003),
            *["both.%s=%d" % pair for pair in numbers.items()])
        self.process.wait_line("READY", 20)
        here, there = "10.77.0.%d" % (10 + workstation), lib_net.SYSTEM_LAN
        for netns, source, target in ((left, here, there), (right, there, here)):
            # Nobody else is to talk on it.
            run("sysctl", "-qw", "net.ipv6.conf.%s.disable_ipv6=1" % DEVICE, netns=netns)
            run("ip", "-n", netns, "link", "set", DEVICE, "up")
            run("ip", "-n", netns, "route", "add", target + "/32", "dev", DEVICE, "src", source)

    @staticmethod
    def numbers(**given):
        units = {"rate": 1, "delay": 1e6, "loss": 1e6, "queue": 1}
        return {name: round(value * units[name]) for name, value in given.items()}

    def set(self, way="both", **given):
        """Changes numbers; `way` is "both", "right" (to the system) or "left"."""
        for name, value in self.numbers(**given).items():
            self.process.send("%s.%s=%d" % (way, name, value))

    def stats(self):
        """{"right": {...}, "left": {...}}: packets, bytes, lost, dropped, late, …"""
        mark = self.process.mark()
        self.process.send("stats")
        self.process.wait_line('"left"', 10, mark)
        found = [json.loads(line) for line in self.process.lines[mark:] if line.startswith("{")]
        return {way["way"]: way for way in found}

    def close(self):
        """The devices and the routes go with it."""
        self.process.stop()
