# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewer of the benches against a server of ours that says what no real one can be made to."""

import json
import socket
import struct
import time
import unittest

from lib_proc import BUILD, Process, scaled

WIDTH, HEIGHT = 120, 90
FENCE_REQUEST, BLOCK_BEFORE = 1 << 31, 1
TIGHT, LAST_RECT, EXTENDED_SIZE, FENCE, CONTINUOUS = 7, -224, -308, -312, -313
RESERVED = b"\0\0\0"
# Bytes of each client message; of SetEncodings and fences the head.
SIZES = {0: 20, 2: 4, 3: 10, 4: 8, 5: 6, 150: 10, 248: 9, 251: 24}


def fill(x, y, width, height, colour):
    return struct.pack(">4HiB", x, y, width, height, TIGHT, 0x80) + colour.to_bytes(3, "big")


def update(*rects):
    return struct.pack(">BxH", 0, len(rects)) + b"".join(rects)


def fence(payload, flags=FENCE_REQUEST | BLOCK_BEFORE):
    return struct.pack(">B3sIB", 248, RESERVED, flags, len(payload)) + payload


class Client:
    """bench-client and the server's end of its connection, after the handshake."""

    def __init__(self, *options):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(scaled(20))
        self.process = Process(BUILD / "bench/bench-client", *options, "127.0.0.1",
                               str(listener.getsockname()[1]))
        self.socket = listener.accept()[0]
        listener.close()
        self.socket.settimeout(scaled(20))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.hello()

    def hello(self):
        self.send(b"RFB 003.008\n")
        assert self.take(12) == b"RFB 003.008\n"
        self.send(b"\1\1")
        assert self.take(1) == b"\1"
        self.send(bytes(4))
        assert self.take(1) == b"\1"
        self.send(struct.pack(">HH16xI", WIDTH, HEIGHT, 4) + b"name")
        self.process.wait_line('{"event":"connected"', 20)
        self.encodings = None

    def send(self, data):
        self.socket.sendall(data)

    def take(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def message(self):
        """Type and body of the next message."""
        kind = self.take(1)[0]
        body = self.take(SIZES[kind] - 1)
        if kind == 2:
            body += self.take(4 * struct.unpack(">H", body[1:])[0])
            self.encodings = [e for e, in struct.iter_unpack(">i", body[3:])]
        elif kind == 248:
            body += self.take(body[-1])
        return kind, body

    def next_of(self, *kinds):
        while True:
            kind, body = self.message()
            if kind in kinds:
                return kind, body

    def command(self, line):
        mark = self.process.mark()
        self.process.send(line)
        return mark

    def answer(self, word, mark):
        return json.loads(self.process.wait_line('{"answer":"%s"' % word, 20, mark))

    def ask(self, line):
        return self.answer(line.split()[0], self.command(line))

    def close(self):
        self.process.stop()
        self.socket.close()


class BenchClient(unittest.TestCase):
    def start(self, *options):
        client = Client(*options)
        self.addCleanup(client.close)
        return client

    def assert_request(self, client, incremental):
        kind, body = client.next_of(3)
        self.assertEqual(struct.unpack(">B4H", body), (incremental, 0, 0, WIDTH, HEIGHT))
        return kind

    def test_asks_after_each_update(self):
        client = self.start("--encodings", "tight", "--no-continuous")
        self.assert_request(client, 0)
        self.assertEqual(client.encodings[0], TIGHT)
        self.assertIn(FENCE, client.encodings)
        self.assertNotIn(CONTINUOUS, client.encodings)
        for i in range(3):
            client.send(update(fill(0, 0, 9, 9, i)))
            self.assert_request(client, 1)
        # The announcement changes nothing for one who did not ask for it.
        client.send(b"\x96" + update(fill(0, 0, 9, 9, 99)))
        self.assertEqual(client.message()[0], 3)

    def test_continuous(self):
        client = self.start()
        self.assert_request(client, 0)
        client.send(b"\x96")
        kind, body = client.message()
        self.assertEqual((kind, struct.unpack(">B4H", body)), (150, (1, 0, 0, WIDTH, HEIGHT)))
        client.send(update(fill(0, 0, 9, 9, 1)) + fence(b"one"))
        self.assertEqual(client.message()[0], 248)
        # Another size: told again, with all of the picture asked for.
        client.send(update(struct.pack(">4Hi", 0, 0, 60, 50, EXTENDED_SIZE) + b"\1" + RESERVED
                           + bytes(16)))
        kind, body = client.message()
        self.assertEqual((kind, struct.unpack(">B4H", body)), (150, (1, 0, 0, 60, 50)))
        kind, body = client.message()
        self.assertEqual((kind, struct.unpack(">B4H", body)), (3, (0, 0, 0, 60, 50)))
        client.process.wait_line('{"event":"resized"', 20)

    def test_fences(self):
        client = self.start()
        client.next_of(3)
        # Not before what comes before it is there.
        data = update(fill(0, 0, 9, 9, 1)) + fence(b"payload", FENCE_REQUEST | 0x47)
        client.send(data[:10])
        client.socket.settimeout(0.3)
        with self.assertRaises(socket.timeout):
            client.message()
        client.socket.settimeout(scaled(20))
        client.send(data[10:])
        self.assertEqual(client.next_of(248)[1],
                         RESERVED + struct.pack(">IB", 7, 7) + b"payload")
        # One that is no request is an answer, and is not answered.
        client.send(fence(b"a", 0) + fence(b"b"))
        self.assertEqual(client.next_of(248)[1][-1:], b"b")

    def test_no_fence(self):
        client = self.start("--no-fence")
        client.next_of(3)
        self.assertNotIn(FENCE, client.encodings)

    def typed(self, client, count):
        """The keys as they come, each answered by `count` with its number."""
        for i in range(count):
            _, body = client.next_of(4)
            yield i, struct.unpack(">BxxI", body)
            self.assertEqual(client.next_of(4)[1][0], 0)

    def test_type(self):
        client = self.start()
        client.next_of(3)
        client.ask("begin keys")
        mark = client.command("type abé€ 100000 10 10 20 20")
        keys = []
        for i, (down, keysym) in self.typed(client, 4):
            keys.append((down, keysym))
            if i == 2:
                continue  # lost
            client.send(update(fill(40, 40, 9, 9, i + 1)))  # beside the box
            client.send(update(fill(10, 10, 9, 9, 5 * (i > 1))))  # nothing new for the first two
            time.sleep(0.05)
            client.send(update(fill(0, 0, 11, 11, i + 1)))
        answer = client.answer("type", mark)
        self.assertEqual((answer["keys"], answer["lost"]), (4, 1))
        self.assertEqual(keys, [(1, 0x61), (1, 0x62), (1, 0xe9), (1, 0x10020ac)])
        end = client.ask("end")
        self.assertEqual(end["name"], "keys")
        self.assertEqual(end["lost"], 1)
        first, second, last = end["latencies_us"]
        self.assertGreaterEqual(first, 50000)
        # The second finds the first's colour in the box.
        self.assertLess(second, 45000 * scaled(1))
        self.assertLess(last, 45000 * scaled(1))
        self.assertEqual(end["pixels_by"]["tight_fill"],
                         3 * (9 * 9 + 9 * 9 + 11 * 11))

    def test_wheel_and_counts(self):
        client = self.start()
        client.next_of(3)
        client.ask("begin wheel")
        mark = client.command("wheel 60 50 -3 20000")
        sent = [client.next_of(5)[1] for _ in range(6)]
        self.assertEqual(sent, [struct.pack(">BHH", mask, 60, 50) for mask in (8, 0) * 3])
        client.answer("wheel", mark)
        data = update(fill(0, 0, 10, 10, 7)) + update(fill(0, 0, 10, 10, 7)) \
            + update(struct.pack(">4Hi", 0, 0, 0, 0, LAST_RECT)) \
            + update(struct.pack(">4HiHH", 5, 5, 10, 10, 1, 0, 0))
        client.send(data + fence(b""))
        client.next_of(248)
        end = client.ask("end")
        self.assertEqual((end["updates"], end["frames"], end["copies"], end["rects"]), (3, 2, 1, 3))
        self.assertEqual((end["bytes_in"], end["rfb_bytes"]), (len(data) + 9,) * 2)
        self.assertEqual(end["bytes_by"]["tight_fill"], 2 * 16)
        self.assertEqual(end["bytes_by"]["copyrect"], 16)
        self.assertEqual(len(end["gaps_us"]), 1)
        self.assertGreater(end["bytes_out"], 6 * 6)

    def test_waits(self):
        client = self.start()
        client.next_of(3)
        mark = client.command("colour 5 5 010203")
        client.send(update(fill(0, 0, 10, 10, 0x010204)))
        client.send(update(fill(0, 0, 10, 10, 0x010203)))
        self.assertNotIn("error", client.answer("colour", mark))
        self.assertIn("010203", client.ask("colour 5 5 ffffff 50")["error"])
        started = time.monotonic()
        mark = client.command("still 300")
        time.sleep(0.2)
        client.send(update(fill(0, 0, 10, 10, 9)))
        self.assertNotIn("error", client.answer("still", mark))
        self.assertGreaterEqual(time.monotonic() - started, 0.5)
        mark = client.command("latency-click 3 3 50 50 9 9")
        self.assertEqual(client.next_of(5)[1][0], 1)
        time.sleep(0.03)
        client.send(update(fill(0, 0, 60, 60, 8)))
        self.assertGreaterEqual(client.answer("latency-click", mark)["latency_us"], 30000)

    def test_mistakes(self):
        client = self.start()
        for line in ("wheel 1 2 3", "pointer 1 2 x", "key a", "end", "barcode 0 0 9 9",
                     "record-stop", "compare /nonexistent/x", "nothing of the kind",
                     "hash maybe", "shot /nonexistent/x"):
            self.assertIn("error", client.ask(line), line)
        client.send(b"\x63")
        self.assertIn("asked for", json.loads(
            client.process.wait_line('{"event":"closed"', 20))["reason"])
        self.assertEqual(client.process.popen.wait(scaled(20)), 1)

    def test_slow_on_purpose(self):
        client = self.start("--read-rate", "200000")
        client.next_of(3)
        client.ask("begin slow")
        raw = update(struct.pack(">4Hi", 0, 0, 100, 80, 0) + b"abc\0" * 8000)
        started = time.monotonic()
        for _ in range(5):
            client.send(raw)
        client.send(fence(b""))
        client.next_of(248)
        # 160 kB, at the rate.
        self.assertGreater(time.monotonic() - started, 0.6)
        self.assertEqual(client.ask("end")["updates"], 5)


if __name__ == "__main__":
    unittest.main()
