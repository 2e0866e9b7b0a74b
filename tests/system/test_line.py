# SPDX-License-Identifier: GPL-3.0-or-later
"""The slow line of the tests is what it claims to be; without that the tests on it mean nothing."""

import statistics
import socket
import threading
import time
import unittest

import lib_net
from lib_line import Line, socket_in

ALONE = True

PORT = 4000
HEADERS = 28  # IP and UDP
WORKSTATION = "10.77.0.10"


def soon(trips):
    """What one in four does not exceed: a machine that is busy only ever makes a trip longer."""
    return statistics.quantiles(trips, n=4)[0]


class SlowLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = lib_net.Network(1)

    @classmethod
    def tearDownClass(cls):
        cls.network.close()

    def line(self, **numbers):
        line = Line(self.network, **numbers)
        self.addCleanup(line.close)
        return line

    def pair(self):
        """Datagram sockets, bound: the workstation's and the system's."""
        left = socket_in(self.network.workstations[0])
        right = socket_in(self.network.system)
        for end, address in ((left, WORKSTATION), (right, lib_net.SYSTEM_LAN)):
            self.addCleanup(end.close)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            end.bind((address, PORT))
            end.settimeout(2)
        return left, right

    def trips(self, left, right, count, size=100):
        """Round trips in seconds, one after the other, of datagrams of that size on the line."""
        found = []
        for _ in range(count):
            start = time.monotonic()
            left.sendto(bytes(size - HEADERS), (lib_net.SYSTEM_LAN, PORT))
            data, address = right.recvfrom(2000)
            right.sendto(data, address)
            left.recvfrom(2000)
            found.append(time.monotonic() - start)
        return found

    @staticmethod
    def received(end, seconds=0.5):
        """The numbers of all datagrams that come until none has come for a while."""
        end.settimeout(seconds)
        found = []
        try:
            while True:
                found.append(int.from_bytes(end.recv(2000)[:4], "big"))
        except (TimeoutError, socket.timeout):
            return found

    def test_round_trip(self):
        self.line(delay=0.04)
        left, right = self.pair()
        trips = self.trips(left, right, 25)
        self.assertGreaterEqual(min(trips), 0.08)
        self.assertLess(soon(trips), 0.083)

    def test_round_trip_has_the_time_of_sending(self):
        line = self.line(rate=2_000_000, delay=0.01)
        left, right = self.pair()
        # 1,250 bytes take 5 ms at 2 Mbit/s.
        trips = self.trips(left, right, 25, 1250)
        self.assertGreaterEqual(min(trips), 0.03)
        self.assertLess(soon(trips), 0.033)
        line.set(delay=0.0)
        self.trips(left, right, 1)
        trips = self.trips(left, right, 25, 1250)
        self.assertGreaterEqual(min(trips), 0.01)
        self.assertLess(soon(trips), 0.013)

    def test_ways_differ(self):
        line = self.line(delay=0.01)
        line.set("right", delay=0.05)
        line.set("left", delay=0.0)
        left, right = self.pair()
        self.trips(left, right, 2)
        start = time.monotonic()
        left.sendto(b"x", (lib_net.SYSTEM_LAN, PORT))
        _data, address = right.recvfrom(100)
        middle = time.monotonic()
        right.sendto(b"x", address)
        left.recvfrom(100)
        self.assertGreaterEqual(middle - start, 0.05)
        self.assertLess(middle - start, 0.06)
        self.assertLess(time.monotonic() - middle, 0.01)

    def test_throughput(self):
        """Of TCP, which fills whatever there is: 1,448 bytes of each 1,500 are data."""
        line = self.line(rate=2_000_000, delay=0.04)
        listener = socket_in(self.network.workstations[0], socket.SOCK_STREAM)
        sender = socket_in(self.network.system, socket.SOCK_STREAM)
        with listener, sender:
            listener.bind((WORKSTATION, PORT))
            listener.listen()
            sender.connect((WORKSTATION, PORT))
            receiver, _ = listener.accept()
            stop = threading.Event()

            def send():
                while not stop.is_set():
                    sender.send(bytes(20000))

            thread = threading.Thread(target=send, daemon=True)
            thread.start()
            with receiver:
                total, start, end = 0, time.monotonic() + 2, time.monotonic() + 6
                while time.monotonic() < end:
                    size = len(receiver.recv(1 << 16))
                    total += size if time.monotonic() >= start else 0
                stop.set()
                while thread.is_alive():
                    receiver.recv(1 << 16)
        rate = total * 8 * 1500 / 1448 / 4
        print("result: slow line of 2 Mbit/s carries %.3f" % (rate / 1e6))
        self.assertAlmostEqual(rate / 2e6, 1, delta=0.03)
        self.assertEqual(line.stats()["left"]["lost"], 0)

    def lossy(self, seed, count=5000):
        line = self.line(loss=0.03, seed=seed, queue=1 << 20)
        left, right = self.pair()
        got = []
        # In portions that fit the buffers on the way.
        for first in range(0, count, 500):
            for number in range(first, first + 500):
                left.sendto(number.to_bytes(4, "big"), (lib_net.SYSTEM_LAN, PORT))
            got += self.received(right, 0.05)
        got += self.received(right)
        stats = line.stats()["right"]
        line.close()
        left.close()
        right.close()
        self.assertEqual(stats["dropped"], 0)
        self.assertEqual(stats["lost"], count - len(got))
        self.assertEqual(got, sorted(got))
        return set(range(count)) - set(got)

    def test_loss(self):
        lost = self.lossy(7)
        # Four standard deviations of 12.
        self.assertLess(abs(len(lost) - 150), 48)
        self.assertEqual(lost, self.lossy(7))
        self.assertNotEqual(lost, self.lossy(8))

    def test_queue(self):
        """What does not fit is dropped at the tail; what fits leaves at the rate of the line."""
        line = self.line(rate=1_000_000, queue=10_000)
        left, right = self.pair()
        for number in range(40):
            left.sendto(number.to_bytes(4, "big") + bytes(996 - HEADERS),
                        (lib_net.SYSTEM_LAN, PORT))
        start = time.monotonic()
        right.settimeout(1)
        right.recv(2000)
        while right.recv(2000)[3] < 9:
            pass
        self.assertAlmostEqual(time.monotonic() - start, 0.08, delta=0.01)
        # Some more, for what left while the burst came.
        rest = self.received(right)
        self.assertLess(len(rest), 4)
        stats = line.stats()["right"]
        self.assertEqual(stats["dropped"], 40 - 10 - len(rest))
        self.assertEqual(stats["queued_max"], 10_000)
