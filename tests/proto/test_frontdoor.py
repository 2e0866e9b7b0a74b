# SPDX-License-Identifier: GPL-3.0-or-later
"""lazaret-gateway and lazaret-keyd, alive: handshakes good and bad, the login, the relay, the end."""

import os
import pathlib
import select
import socket
import ssl
import struct
import subprocess
import threading
import time
import unittest
import zlib

from lib_frontdoor import (Certificates, Channel, Gateway, Keyd, NOBODY, PIXEL_FORMAT, Process, TYPES, VERSION,
                           WRONG,
                           memfd, SIGN, rect, server_init, set_encodings, string, take_string, update)
from lib_proc import scaled

EXTENDED_CLIPBOARD = -0x3f5e1a32  # 0xc0a1e5ce
CAPS, REQUEST, PEEK, NOTIFY, PROVIDE = (1 << n for n in range(24, 29))
TEXT = 1


def update_request(incremental=0, width=640, height=480):
    return struct.pack(">BBHHHH", 3, incremental, 0, 0, width, height)


def extended_cut(flags, data=b"", message=6):
    body = struct.pack(">I", flags) + data
    return struct.pack(">B3xi", message, -len(body)) + body


def provided(text):
    data = text.encode().replace(b"\n", b"\r\n") + b"\0"
    return zlib.compress(struct.pack(">I", len(data)) + data)


class FrontDoor(unittest.TestCase):
    KIND = "ecdsa"

    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates(cls.KIND)
        cls.keyd = Keyd()
        ok, reason, cls.chain = cls.keyd.load(cls.certificates.cert, cls.certificates.key)
        if not ok:
            raise AssertionError(reason)

    @classmethod
    def tearDownClass(cls):
        cls.keyd.close()
        cls.certificates.close()

    def gateway(self, *options, **named):
        gateway = Gateway(self.keyd, self.chain, options, **named)
        self.addCleanup(gateway.close)
        return gateway

    def assert_ended(self, gateway, event, status=0):
        self.assertEqual(gateway.process.wait(), status, gateway.process.log())
        self.assertIn(event, gateway.process.log())


class Negotiation(FrontDoor):
    """Everything before TLS."""

    def refused(self, version):
        gateway = self.gateway()
        self.assertEqual(gateway.read(12), b"RFB 003.008\n")
        gateway.write(version)
        data = gateway.read_to_end()
        gateway.viewer.close()
        self.assert_ended(gateway, "gateway.malformed")
        return data

    def test_old_versions_are_told_why(self):
        for version in (b"RFB 003.003\n", b"RFB 003.005\n", b"RFB 003.006\n"):
            data = self.refused(version)
            self.assertEqual(data[:4], b"\0\0\0\0")
            self.assertIn(b"RFB 3.8", data[8:])
            self.assertEqual(len(data), 8 + struct.unpack(">I", data[4:8])[0])
        for version in (b"RFB 003.007\n", b"RFB 003.889\n", b"RFB 004.001\n"):
            data = self.refused(version)
            self.assertEqual(data[:1], b"\0")
            self.assertEqual(len(data), 5 + struct.unpack(">I", data[1:5])[0])

    def test_garbage_gets_no_word(self):
        for first in (b"G", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01", b"RFB 003-008\n",
                      b"RFB 00a.008\n", os.urandom(64) + b"\0"):
            self.assertEqual(self.refused(first), b"")

    def test_other_security_types(self):
        for kind in (0, 1, 2, 16, 18, 20):
            gateway = self.gateway()
            gateway.read(12)
            gateway.write(b"RFB 003.008\n")
            self.assertEqual(gateway.read(2), b"\x01\x13")
            gateway.write(bytes([kind]))
            self.assertEqual(gateway.read_to_end()[:4], b"\0\0\0\1")
            gateway.viewer.close()
            self.assert_ended(gateway, "security type")

    def test_other_vencrypt_versions(self):
        for version in (b"\0\1", b"\0\0", b"\0\3", b"\1\0"):
            gateway = self.gateway()
            gateway.read(12)
            gateway.write(b"RFB 003.008\n")
            gateway.read(2)
            gateway.write(b"\x13")
            gateway.read(2)
            gateway.write(version)
            self.assertEqual(gateway.read_to_end(), b"\xff")
            gateway.viewer.close()
            self.assert_ended(gateway, "VeNCrypt version")

    def test_other_subtypes(self):
        # Plain, TLSNone, TLSVnc, TLSPlain (anonymous TLS), X509None, X509Vnc, SASL
        for subtype in (256, 257, 258, 259, 260, 261, 263, 264, 0, 0xffffffff):
            gateway = self.gateway()
            gateway.read(12)
            gateway.write(b"RFB 003.008\n")
            gateway.read(2)
            gateway.write(b"\x13")
            gateway.read(2)
            gateway.write(b"\x00\x02")
            gateway.read(6)
            gateway.write(struct.pack(">I", subtype))
            self.assertEqual(gateway.read_to_end(), b"\x00")
            gateway.viewer.close()
            self.assert_ended(gateway, "subtype")

    def test_bytes_ahead_of_tls_end_it(self):
        """At each step, more than the answer that is due."""
        steps = [(12, b"RFB 003.008\n"), (2, b"\x13"), (2, b"\x00\x02"), (6, struct.pack(">I", 262))]
        for extra in range(4):
            gateway = self.gateway()
            for number, (count, answer) in enumerate(steps[:extra + 1]):
                gateway.read(count)
                gateway.write(answer + (b"\x16" if number == extra else b""))
            self.assertEqual(gateway.read_to_end(), b"")
            gateway.viewer.close()
            self.assert_ended(gateway, "gateway.malformed")

    def test_bytes_that_come_one_by_one_are_fine(self):
        gateway = self.gateway()
        for count, answer in ((12, b"RFB 003.008\n"), (2, b"\x13"), (2, b"\x00\x02"),
                              (6, struct.pack(">I", 262))):
            gateway.read(count)
            for byte in answer:
                gateway.write(bytes([byte]))
        self.assertEqual(gateway.read(1), b"\x01")
        gateway.start_tls(self.certificates.cert)
        gateway.channel.receive("GATEWAY_SECURED")

    def test_silence_and_slow_drips_time_out(self):
        silent = self.gateway("handshake-timeout = 1")
        slow = self.gateway("handshake-timeout = 1")
        started = time.monotonic()
        for byte in b"RFB 003.008\n" * 10:
            try:
                slow.write(bytes([byte]))
                time.sleep(scaled(0.2))
            except OSError:
                break
        self.assertLess(time.monotonic() - started, scaled(5))
        self.assert_ended(slow, "gateway.timeout")
        self.assert_ended(silent, "gateway.timeout")

    def test_leaving_at_each_step(self):
        for steps in range(4):
            gateway = self.gateway()
            for count, answer in ((12, b"RFB 003.008\n"), (2, b"\x13"), (2, b"\x00\x02"))[:steps]:
                gateway.read(count)
                gateway.write(answer)
            gateway.viewer.close()
            self.assert_ended(gateway, "gateway.lost")


class Tls(FrontDoor):
    def test_old_versions_are_refused(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            def old(context, version=version):
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = context.maximum_version = version
            gateway = self.gateway()
            gateway.negotiate()
            with self.assertRaises((ssl.SSLError, OSError)):
                gateway.start_tls(configure=old)
            gateway.viewer.close()
            self.assert_ended(gateway, "gateway.tls-failed")

    def test_anonymous_and_weak_suites_are_refused(self):
        for suites in ("aNULL:@SECLEVEL=0", "AES128-SHA:@SECLEVEL=0", "ECDHE+AESCBC:@SECLEVEL=0",
                       "DHE:@SECLEVEL=0"):
            def weak(context, suites=suites):
                context.maximum_version = ssl.TLSVersion.TLSv1_2
                context.set_ciphers(suites)
            gateway = self.gateway()
            gateway.negotiate()
            with self.assertRaises((ssl.SSLError, OSError)):
                gateway.start_tls(configure=weak)
            gateway.viewer.close()
            self.assert_ended(gateway, "gateway.tls-failed")

    def test_garbage_instead_of_hello(self):
        for data in (b"hello\n" * 20, b"\x16\x03\x01\xff\xff" + b"\0" * 3000,
                     b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + b"\0" * 16379, os.urandom(500)):
            gateway = self.gateway("handshake-timeout = 1")
            gateway.negotiate()
            gateway.write(data)
            gateway.read_to_end()
            gateway.viewer.close()
            self.assertEqual(gateway.process.wait(), 0)
            self.assertRegex(gateway.process.log(), r"gateway\.(tls-failed|timeout)")

    def test_slow_hello_times_out(self):
        gateway = self.gateway("handshake-timeout = 1")
        gateway.negotiate()
        started = time.monotonic()
        with self.assertRaises(OSError):
            for byte in b"\x16\x03\x01\x00\xf0" + b"\x01" * 100:
                gateway.write(bytes([byte]))
                time.sleep(scaled(0.1))
        self.assertLess(time.monotonic() - started, scaled(5))
        self.assert_ended(gateway, "gateway.timeout")


class OtherKeys(unittest.TestCase):
    def check(self, kind):
        certificates = Certificates(kind)
        self.addCleanup(certificates.close)
        keyd = Keyd()
        self.addCleanup(keyd.close)
        ok, reason, chain = keyd.load(certificates.cert, certificates.key)
        self.assertTrue(ok, reason)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            def only(context, version=version):
                context.minimum_version = context.maximum_version = version
            gateway = Gateway(keyd, chain)
            self.addCleanup(gateway.close)
            gateway.secured(certificates.cert, only)
            self.assertEqual(gateway.tls.version(), version.name.replace("_", "."))
            gateway.send_login()
            gateway.receive_login()

    def test_rsa(self):
        self.check("rsa")

    def test_rsa_pss(self):
        self.check("rsa-pss")

    def test_p384(self):
        self.check("p384")

    def test_ed25519(self):
        self.check("ed25519")


class Login(FrontDoor):
    def test_refusal_reaches_the_viewer(self):
        gateway = self.gateway()
        gateway.secured(self.certificates.cert)
        gateway.send_login("bob", "wrong")
        self.assertEqual(gateway.receive_login(), ("bob", "wrong"))
        gateway.channel.send("GATEWAY_REFUSE", string(WRONG))
        self.assertEqual(gateway.result(), WRONG)
        # Closed in order: an end within TLS raises here.
        self.assertEqual(gateway.tls.recv(1), b"")
        gateway.tls.close()
        self.assert_ended(gateway, "gateway.refused")

    def test_refusal_reaches_a_viewer_that_talks_on(self):
        gateway = self.gateway()
        gateway.secured()
        gateway.send_login()
        gateway.receive_login()
        gateway.write(b"x" * 30000)
        gateway.channel.send("GATEWAY_REFUSE", string(WRONG))
        self.assertEqual(gateway.result(), WRONG)

    def test_odd_names(self):
        cases = [("", "x", "user name"), ("a\0b", "x", "user name"), (b"\xff\xfe", "x", "user name"),
                 ("a", "x\0y", "password")]
        for user, password, word in cases:
            gateway = self.gateway()
            gateway.secured()
            gateway.send_login(user, password)
            self.assertIn(word, gateway.result())
            self.assertEqual(gateway.read_to_end(), b"")
            gateway.tls.close()
            self.assert_ended(gateway, "gateway.refused")

    def test_limits_of_lengths(self):
        gateway = self.gateway()
        gateway.secured()
        gateway.send_login("u" * 256, "p" * 1024)
        self.assertEqual(gateway.receive_login(), ("u" * 256, "p" * 1024))
        for lengths in ((257, 0), (1, 1025), (0xffffffff, 0xffffffff), (0, 0x80000000)):
            gateway = self.gateway()
            gateway.secured()
            # The lengths alone: nothing more may be awaited.
            gateway.write(struct.pack(">II", *lengths))
            self.assertIn("too long", gateway.result())
            gateway.tls.close()
            self.assert_ended(gateway, "gateway.refused")

    def test_empty_password_goes_to_the_monitor(self):
        gateway = self.gateway()
        gateway.secured()
        gateway.send_login("alice", "")
        self.assertEqual(gateway.receive_login(), ("alice", ""))

    def test_credentials_in_pieces(self):
        gateway = self.gateway()
        gateway.secured()
        for byte in struct.pack(">II", 5, 3) + b"alicepw!":
            gateway.write(bytes([byte]))
        self.assertEqual(gateway.receive_login(), ("alice", "pw!"))

    def test_more_than_credentials(self):
        gateway = self.gateway()
        gateway.secured()
        gateway.write(struct.pack(">II", 1, 1) + b"ab" + b"\x01")
        self.assertIn("more than", gateway.result())

    def test_login_timeout_is_told(self):
        gateway = self.gateway("login-timeout = 1")
        gateway.secured()
        gateway.write(b"\0\0\0\5")
        self.assertIn("too long", gateway.result())
        gateway.tls.close()
        self.assert_ended(gateway, "gateway.refused")

    def test_password_leaves_no_trace(self):
        """Neither in the log nor, once it was handed over, in the memory of the process."""
        password = "correct-horse-battery-staple"
        gateway = self.gateway()
        gateway.secured()
        gateway.send_login("alice", password)
        gateway.receive_login()
        gateway.admit()
        self.assertIsNone(gateway.result())
        gateway.write(b"\1")
        gateway.display.sendall(server_init(64, 64, b""))
        gateway.read(24)
        self.assertNotIn(password, gateway.process.log())
        found = []
        with open("/proc/%d/maps" % gateway.process.pid) as maps, \
                open("/proc/%d/mem" % gateway.process.pid, "rb", 0) as memory:
            for line in maps:
                span, rights = line.split()[:2]
                start, end = (int(x, 16) for x in span.split("-"))
                if "w" not in rights:
                    continue
                memory.seek(start)
                at = memory.read(end - start).find(password.encode())
                if at >= 0:
                    found.append(line + hex(start + at))
        self.assertEqual(found, [])

    def test_the_monitor_may_not_admit_twice_or_early(self):
        gateway = self.gateway()
        gateway.secured()
        gateway.admit()
        gateway.process.wait_log("ipc.refused")
        gateway.display.close()

    def test_monitor_gone_during_login(self):
        gateway = self.gateway()
        gateway.secured()
        gateway.channel.close()
        self.assertIn("restarted", gateway.result())

    def test_closed_by_the_monitor(self):
        gateway = self.gateway()
        gateway.secured()
        gateway.channel.send("GATEWAY_CLOSE", string("The server is going down."))
        self.assertEqual(gateway.result(), "The server is going down.")

    def test_client_init_belongs_to_the_opening(self):
        gateway = self.gateway()
        gateway.secured()
        gateway.send_login()
        gateway.receive_login()
        gateway.admit()
        gateway.result()
        # Pipelined with what follows it, in one record.
        gateway.write(b"\0" + update_request(1))
        gateway.display.sendall(server_init(640, 480, b""))
        self.assertEqual(gateway.from_viewer(10), update_request(1))


class Relay(FrontDoor):
    def test_name_is_ours(self):
        self.assertEqual(self.gateway().joined(account="zoë"), "Lazaret: zoë")

    def test_both_ways(self):
        gateway = self.gateway()
        gateway.joined()
        gateway.write(set_encodings(7, 16, 1, 0, -239, -224, 5, 2, -1234))
        # What the display does not know is left out.
        expected = set_encodings(7, 16, 1, 0, -239, -224)
        self.assertEqual(gateway.from_viewer(len(expected)), expected)
        gateway.write(update_request())
        self.assertEqual(gateway.from_viewer(10), update_request())
        data = update(rect(1, 2, 2, 1, 0) + b"12345678", rect(0, 0, 5, 5, 1) + b"\0\1\0\2")
        gateway.display.sendall(data)
        self.assertEqual(gateway.read(len(data)), data)
        keys = struct.pack(">BBxxI", 4, 1, 0x20ac) + struct.pack(">BBHH", 5, 0x7f, 7, 8)
        gateway.write(keys)
        self.assertEqual(gateway.from_viewer(len(keys)), keys)

    def test_padding_is_made_zero(self):
        gateway = self.gateway()
        gateway.joined()
        gateway.write(b"\x04\x01\xaa\xbb\0\0\0\x41")
        self.assertEqual(gateway.from_viewer(8), b"\x04\x01\0\0\0\0\0\x41")
        gateway.display.sendall(b"\0\xee\0\1" + rect(0, 0, 1, 1, 0) + b"abcd")
        self.assertEqual(gateway.read(20), update(rect(0, 0, 1, 1, 0) + b"abcd"))

    def test_malformed_client_messages(self):
        cases = [b"\x01", b"\x07", b"\x99", b"\xff\x01", b"\xfa\0\1\2",
                 struct.pack(">BxH", 2, 257), struct.pack(">BxH", 2, 65535),
                 b"\0" * 20, b"\0\0\0\0" + PIXEL_FORMAT[:3] + b"\0" + PIXEL_FORMAT[4:],
                 struct.pack(">B3xI", 6, 65 << 20), extended_cut(CAPS),
                 struct.pack(">BBHHHH", 150, 1, 0, 0, 1, 1), b"\xf8\0\0\0\0\0\0\0\0",
                 struct.pack(">BxHHBx", 251, 1, 1, 0), struct.pack(">BBHII", 255, 0, 1, 1, 1)]
        for data in cases:
            gateway = self.gateway()
            gateway.joined()
            gateway.write(data)
            self.assertEqual(gateway.display.recv(1), b"", data)
            self.assert_ended(gateway, "client.malformed")

    def test_malformed_display(self):
        cases = [b"\x01\0\0\0\0\1" + b"\0" * 6, b"\x99", b"\0\0\0\0", b"\0\0\xff\xff",
                 update(rect(639, 0, 2, 1, 0)), update(rect(0, 0, 0, 1, 0)),
                 update(rect(0, 0, 1, 1, 7)), update(rect(0, 0, 1, 1, 1) + b"\xff\xff\0\0"),
                 update(rect(0, 0, 0, 0, -307) + string("page")), b"\xf8\0\0\0", b"\xf0" + b"\0" * 16]
        for data in cases:
            gateway = self.gateway()
            gateway.joined()
            gateway.write(set_encodings(1, -307))
            gateway.from_viewer(8)
            gateway.write(update_request())
            gateway.from_viewer(10)
            good = update(rect(0, 0, 1, 1, 0) + b"abcd")
            gateway.display.sendall(good + data + b"\0" * 64)
            seen = gateway.read_to_end()
            self.assertTrue(seen.startswith(good), data)
            self.assertLess(len(seen), len(good) + 17)
            _, body = gateway.channel.receive("GATEWAY_ACCUSE")
            self.assertGreater(len(take_string(body)[0]), 10)
            gateway.tls.close()
            self.assert_ended(gateway, "display.malformed")

    def test_display_ends_between_and_within_messages(self):
        for tail, event in ((b"", "gateway.closed"), (b"\0\0\0\1\0", "display.cut-off")):
            gateway = self.gateway()
            gateway.joined()
            good = update(rect(0, 0, 1, 1, 0) + b"abcd")
            gateway.display.sendall(good + tail)
            gateway.display.close()
            self.assertTrue(gateway.read_to_end().startswith(good))
            gateway.tls.close()
            self.assert_ended(gateway, event)

    def test_viewer_leaves(self):
        for how in ("bye", "cut"):
            gateway = self.gateway()
            gateway.joined()
            if how == "bye":
                with self.assertRaises((OSError, ssl.SSLError)):
                    gateway.tls.unwrap()
                    gateway.tls.recv(1)
                    raise OSError
            else:
                gateway.tls.close()
            self.assertEqual(gateway.display.recv(1), b"")
            self.assert_ended(gateway, "gateway.left")

    def test_a_viewer_that_reads_nothing(self):
        gateway = self.gateway("stall-timeout = 5")
        gateway.viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        gateway.joined(width=1024, height=1024)
        gateway.display.settimeout(scaled(2))
        piece = update(rect(0, 0, 1024, 1024, 0)) + bytes(4 << 20)
        sent = 0
        started = time.monotonic()
        with self.assertRaises((socket.timeout, BrokenPipeError, ConnectionResetError)):
            while sent < 200 << 20:
                sent += gateway.display.send(piece[sent % len(piece):])
        # Held back: kernel buffers and ours, not the display's whole stream.
        self.assertLess(sent, 16 << 20)
        self.assertEqual(gateway.process.wait(30), 0)
        self.assertIn("gateway.stalled", gateway.process.log())
        self.assertLess(time.monotonic() - started, scaled(25))

    def test_a_display_that_reads_nothing(self):
        gateway = self.gateway()
        gateway.joined()
        gateway.tls.settimeout(scaled(1))
        message = struct.pack(">BBHH", 5, 0, 1, 1) * 2000
        sent = 0
        with self.assertRaises(socket.timeout):
            while sent < 200 << 20:
                gateway.tls.sendall(message)
                sent += len(message)
        self.assertLess(sent, 32 << 20)
        memory = pathlib.Path("/proc/%d/status" % gateway.process.pid).read_text()
        rss = int(memory.split("VmRSS:")[1].split()[0])
        self.assertLess(rss, 40000)

    def test_large_updates_pass_whole_both_ways_at_once(self):
        gateway = self.gateway()
        gateway.joined(width=1000, height=1000)
        pixels = os.urandom(4000000)
        data = update(rect(0, 0, 1000, 1000, 0) + pixels) * 3
        keys = struct.pack(">BBxxI", 4, 1, 0x61) * 3000
        gateway.display.setblocking(False)
        gateway.tls.setblocking(False)
        seen, got, out, back = bytearray(), bytearray(), memoryview(data), memoryview(keys)
        end = time.monotonic() + scaled(30)
        while (len(seen) < len(data) or len(got) < len(keys)) and time.monotonic() < end:
            select.select([gateway.tls, gateway.display],
                          [s for s, d in ((gateway.tls, back), (gateway.display, out)) if d],
                          [], 1)
            for move in (lambda: seen.extend(gateway.tls.recv(65536)),
                         lambda: got.extend(gateway.display.recv(65536))):
                try:
                    move()
                except (BlockingIOError, ssl.SSLWantReadError):
                    pass
            try:
                out = out[gateway.display.send(out[:65536]):] if out else out
            except BlockingIOError:
                pass
            try:
                back = back[gateway.tls.send(back[:8192]):] if back else back
            except (BlockingIOError, ssl.SSLWantWriteError):
                pass
        self.assertEqual(bytes(seen), data)
        self.assertEqual(bytes(got), keys)

    def test_a_key_while_a_picture_is_on_its_way(self):
        """Whatever the viewer says, and whenever, the rest of the picture comes."""
        gateway = self.gateway()
        gateway.joined(width=500, height=500)
        data = update(rect(0, 0, 500, 500, 0) + os.urandom(1000000))
        key = struct.pack(">BBxxI", 4, 1, 0x61)
        gateway.display.settimeout(scaled(30))
        gateway.tls.settimeout(scaled(5))
        rounds = 1500

        def paint():
            for _ in range(rounds):
                gateway.display.sendall(data)

        painter = threading.Thread(target=paint, daemon=True)
        painter.start()
        for turn in range(rounds):
            seen, moment = bytearray(), turn * len(data) // rounds
            while len(seen) < len(data):
                if len(seen) == moment:
                    gateway.tls.sendall(key)
                end = moment if len(seen) < moment else len(data)
                seen += gateway.tls.recv(min(65536, end - len(seen)))
            self.assertEqual(bytes(seen), data)
        painter.join()
        gateway.display.settimeout(scaled(5))
        got = b""
        while len(got) < rounds * len(key):
            got += gateway.display.recv(65536)
        self.assertEqual(got, key * rounds)

    def test_goes_on_without_the_monitor(self):
        gateway = self.gateway()
        gateway.joined()
        gateway.channel.close()
        gateway.process.wait_log("gateway.monitor-gone")
        gateway.write(update_request())
        self.assertEqual(gateway.from_viewer(10), update_request())
        gateway.display.sendall(b"\x02")
        self.assertEqual(gateway.read(1), b"\x02")

    def test_idle_means_no_wake_up(self):
        gateway = self.gateway()
        gateway.joined()
        gateway.write(update_request())
        gateway.from_viewer(10)

        def switches():
            text = pathlib.Path("/proc/%d/status" % gateway.process.pid).read_text()
            return int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])
        gateway.display.sendall(b"\x02")
        gateway.read(1)
        time.sleep(0.2)
        before = switches()
        time.sleep(2)
        self.assertLessEqual(switches() - before, 1)

    def test_small_update_is_not_held_back(self):
        gateway = self.gateway()
        gateway.joined()
        data = update(rect(0, 0, 1, 1, 0) + b"abcd")
        times = []
        for _ in range(50):
            started = time.monotonic()
            gateway.display.sendall(data)
            gateway.read(len(data))
            times.append(time.monotonic() - started)
        self.assertLess(sorted(times)[25], scaled(0.01))

    def test_confinement_of_the_live_process(self):
        gateway = self.gateway()
        gateway.joined()
        base = pathlib.Path("/proc/%d" % gateway.process.pid)
        status = base.joinpath("status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        self.assertEqual(fields["Uid"].split(), [str(NOBODY)] * 4)
        self.assertEqual(fields["Gid"].split(), [str(NOBODY)] * 4)
        self.assertEqual(fields["Groups"].strip(), "")
        self.assertEqual(fields["NoNewPrivs"].strip(), "1")
        self.assertEqual(fields["Seccomp"].strip(), "2")
        for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(fields[caps], 16), 0, caps)
        self.assertEqual(os.listdir(base / "root"), [])
        for space in ("mnt", "net", "ipc", "uts"):
            self.assertNotEqual(os.readlink(base / "ns" / space),
                                os.readlink("/proc/self/ns/" + space))
        self.assertEqual(sorted(os.readlink(base / "fd" / n) for n in os.listdir(base / "fd")
                                if os.readlink(base / "fd" / n).startswith("/")
                                and not os.readlink(base / "fd" / n).startswith("/dev/null")
                                and "deleted" not in os.readlink(base / "fd" / n)), [])


class PointerButtons(FrontDoor):
    def test_long_form_only_after_it_was_confirmed(self):
        gateway = self.gateway()
        gateway.joined()
        gateway.write(set_encodings(-316))
        gateway.from_viewer(8)
        gateway.write(struct.pack(">BBHH", 5, 0x81, 1, 2))
        self.assertEqual(gateway.from_viewer(6), struct.pack(">BBHH", 5, 0x01, 1, 2))
        gateway.display.sendall(update(rect(9, 9, 9, 9, -316)))
        self.assertEqual(gateway.read(16), update(rect(0, 0, 0, 0, -316)))
        gateway.write(struct.pack(">BBHHB", 5, 0x81, 1, 2, 0xfe))
        self.assertEqual(gateway.from_viewer(7), struct.pack(">BBHHB", 5, 0x81, 1, 2, 0x02))


class Clipboard(FrontDoor):
    """The policy: off, in, out, both; classic and extended."""

    def joined(self, policy, extended=True):
        gateway = self.gateway()
        gateway.joined(clipboard=policy)
        gateway.write(set_encodings(EXTENDED_CLIPBOARD) if extended else set_encodings())
        count = 8 if extended and policy else 4
        self.assertEqual(gateway.from_viewer(count)[:4], struct.pack(">BxH", 2, count // 8))
        return gateway

    def arrives(self, gateway, data, expected):
        """What the display sees of it; a bell's worth of other input marks the end."""
        mark = struct.pack(">BBxxI", 4, 1, 0xff0d)
        gateway.write(data + mark)
        self.assertEqual(gateway.from_viewer(len(expected + mark)), expected + mark)

    def leaves(self, gateway, data, expected):
        gateway.display.sendall(data + b"\x02")
        self.assertEqual(gateway.read(len(expected) + 1), expected + b"\x02")

    def test_off(self):
        gateway = self.joined(0)
        self.arrives(gateway, struct.pack(">B3xI", 6, 3) + b"abc", b"")
        self.leaves(gateway, struct.pack(">B3xI", 3, 3) + b"abc", b"")
        gateway.tls.close()
        gateway.process.wait()
        self.assertEqual(gateway.process.log().count("clipboard.blocked"), 2)

    def test_in(self):
        gateway = self.joined(1)
        self.arrives(gateway, struct.pack(">B3xI", 6, 3) + b"a\xfcb",
                     struct.pack(">B3xI", 6, 3) + b"a\xfcb")
        self.leaves(gateway, struct.pack(">B3xI", 3, 3) + b"abc", b"")
        self.leaves(gateway, extended_cut(NOTIFY | TEXT, message=3), b"")
        self.leaves(gateway, extended_cut(PROVIDE | TEXT, provided("secret"), message=3), b"")
        self.leaves(gateway, extended_cut(REQUEST | TEXT, message=3),
                    extended_cut(REQUEST | TEXT, message=3))
        self.arrives(gateway, extended_cut(NOTIFY | TEXT), extended_cut(NOTIFY | TEXT))
        self.arrives(gateway, extended_cut(REQUEST | TEXT), b"")

    def test_out(self):
        gateway = self.joined(2)
        self.arrives(gateway, struct.pack(">B3xI", 6, 3) + b"abc", b"")
        self.arrives(gateway, extended_cut(NOTIFY | TEXT), b"")
        self.arrives(gateway, extended_cut(PROVIDE | TEXT, provided("secret")), b"")
        self.arrives(gateway, extended_cut(REQUEST | TEXT), extended_cut(REQUEST | TEXT))
        self.leaves(gateway, struct.pack(">B3xI", 3, 3) + b"abc",
                    struct.pack(">B3xI", 3, 3) + b"abc")
        self.leaves(gateway, extended_cut(REQUEST | TEXT, message=3), b"")

    def test_both_keeps_only_text_without_controls(self):
        gateway = self.joined(3)
        dirty = "ä€\x1b[201~漢\u0085\tx\ny\x07\x7f"
        gateway.write(extended_cut(PROVIDE | TEXT, provided(dirty)))
        head = gateway.from_viewer(8)
        size = -struct.unpack(">i", head[4:])[0]
        body = gateway.from_viewer(size)
        self.assertEqual(struct.unpack(">I", body[:4])[0], PROVIDE | TEXT)
        self.assertEqual(zlib.decompress(body[4:])[4:], "ä€[201~漢\tx\r\ny".encode() + b"\0")

    def test_other_formats_are_left_out(self):
        gateway = self.joined(3)
        html = 4
        self.arrives(gateway, extended_cut(NOTIFY | TEXT | html), extended_cut(NOTIFY | TEXT))
        data = zlib.compress(string("a\0") + string("<b>a</b>\0"))
        gateway.write(extended_cut(PROVIDE | TEXT | html, data))
        head = gateway.from_viewer(8)
        body = gateway.from_viewer(-struct.unpack(">i", head[4:])[0])
        self.assertEqual(struct.unpack(">I", body[:4])[0], PROVIDE | TEXT)
        self.assertEqual(zlib.decompress(body[4:]), string("a\0"))

    def test_too_long_is_dropped_and_the_connection_stays(self):
        gateway = self.joined(3)
        limit = 256 * 1024
        exact = b"x" * limit
        gateway.write(struct.pack(">B3xI", 6, limit) + exact)
        self.assertEqual(gateway.from_viewer(8 + limit)[8:], exact)
        self.arrives(gateway, struct.pack(">B3xI", 6, limit + 1) + exact + b"x", b"")
        self.arrives(gateway, struct.pack(">B3xI", 6, 5 << 20) + bytes(5 << 20), b"")
        self.arrives(gateway, extended_cut(PROVIDE | TEXT, provided("x" * (limit + 1))), b"")
        # A bomb: 100 MB of text in 100 kB.
        bomb = zlib.compress(struct.pack(">I", 100 << 20) + bytes(100 << 20))
        self.arrives(gateway, extended_cut(PROVIDE | TEXT, bomb), b"")
        self.assertIn("clipboard.too-long", gateway.process.log())


class Title(FrontDoor):
    def test_only_by_option_filtered_behind_our_name(self):
        gateway = self.gateway()
        gateway.joined(title=1)
        gateway.write(set_encodings(-307))
        self.assertEqual(gateway.from_viewer(8), set_encodings(-307))
        gateway.display.sendall(update(rect(0, 0, 0, 0, -307) + string("Bank\x1b\n\u202e geld")))
        data = gateway.read(20)
        title = gateway.read(struct.unpack(">I", data[16:])[0]).decode()
        self.assertEqual(title, "Lazaret: alice - Bank    geld")

    def test_never_listed_to_the_display_without_the_option(self):
        gateway = self.gateway()
        gateway.joined(title=0)
        gateway.write(set_encodings(-307, 0))
        self.assertEqual(gateway.from_viewer(8), set_encodings(0))


class Key(unittest.TestCase):
    """lazaret-keyd by itself."""

    def setUp(self):
        self.certificates = Certificates("ecdsa")
        self.addCleanup(self.certificates.close)
        self.keyd = Keyd()
        self.addCleanup(self.keyd.close)

    def load(self):
        ok, reason, chain = self.keyd.load(self.certificates.cert, self.certificates.key)
        self.assertTrue(ok, reason)
        return chain

    @staticmethod
    def ask(channel, body):
        channel.send(struct.pack(">HH", TYPES["KEYD_SIGN"], VERSION) + body)
        channel.settimeout(scaled(10))
        try:
            return channel.recv(70000)[4:]
        except ConnectionResetError:
            return b""

    @classmethod
    def sign(cls, channel, algorithm, data):
        """The signature, b"" when refused."""
        body = cls.ask(channel, struct.pack(">II", algorithm, len(data)) + data)
        return body[5:] if body[:1] == b"\1" else b""

    def test_one_signature_a_channel(self):
        self.load()
        channel = self.keyd.new_channel()
        self.assertTrue(self.sign(channel, SIGN["ECDSA_SHA256"], bytes(32)))
        with self.assertRaises((BrokenPipeError, ConnectionResetError, AssertionError)):
            self.assertTrue(self.sign(channel, SIGN["ECDSA_SHA256"], bytes(32)))

    def test_two_requests_at_once_get_one_signature(self):
        self.load()
        channel = self.keyd.new_channel()
        body = struct.pack(">HH", TYPES["KEYD_SIGN"], VERSION) + struct.pack(
            ">II", SIGN["ECDSA_SHA256"], 32) + bytes(32)
        with self.assertRaises(OSError):
            channel.send(body)
            channel.send(body)
            answers = [channel.recv(70000), channel.recv(70000)]
            self.assertEqual(answers[1], b"")
            raise OSError

    def test_refuses_what_tls_does_not_sign(self):
        self.load()
        cases = [(SIGN["ECDSA_SHA256"], 31), (SIGN["ECDSA_SHA256"], 33),
                 (SIGN["ECDSA_SHA256"], 0), (SIGN["ECDSA_SHA256"], 600), (SIGN["RSA_SHA256"], 32),
                 (0, 32), (9999, 32), (SIGN["ECDSA_SHA1"], 20)]
        for algorithm, size in cases:
            self.assertEqual(self.sign(self.keyd.new_channel(), algorithm, bytes(size)), b"",
                             (algorithm, size))
        self.assertEqual(self.ask(self.keyd.new_channel(), b"\0\0"), b"")
        self.assertEqual(
            self.ask(self.keyd.new_channel(),
                     struct.pack(">II", SIGN["ECDSA_SHA256"], 0xffffffff) + bytes(32)), b"")
        self.assertTrue(self.sign(self.keyd.new_channel(), SIGN["ECDSA_SHA256"], bytes(32)))

    def test_raw_rsa_only_of_a_digest(self):
        rsa = Certificates("rsa")
        self.addCleanup(rsa.close)
        ok, reason, _ = self.keyd.load(rsa.cert, rsa.key)
        self.assertTrue(ok, reason)
        raw = SIGN["RSA_RAW"]
        sha256 = bytes.fromhex("3031300d060960864801650304020105000420") + bytes(32)
        sha1 = bytes.fromhex("3021300906052b0e03021a05000414") + bytes(20)
        self.assertEqual(len(self.sign(self.keyd.new_channel(), raw, sha256)), 256)
        for data in (sha1, bytes(51), sha256 + b"\0", sha256[:-1], b"\0\2" + bytes(254)):
            self.assertEqual(self.sign(self.keyd.new_channel(), raw, data), b"", data)

    def test_no_key_no_signature(self):
        channel = self.keyd.new_channel()
        self.assertEqual(self.sign(channel, SIGN["ECDSA_SHA256"], bytes(32)), b"")

    def test_bad_files_keep_the_old_key_and_say_why(self):
        other = Certificates("ecdsa")
        self.addCleanup(other.close)
        chain = self.load()
        self.assertIn("BEGIN CERTIFICATE", chain)
        for cert, key, word in ((self.certificates.cert, other.key, "does not belong"),
                                (self.certificates.key, self.certificates.key, "certificate"),
                                (self.certificates.cert, self.certificates.cert, "private key"),
                                ("/dev/null", self.certificates.key, "certificate"),
                                (self.certificates.cert, "/dev/null", "private key"),
                                ("/dev/zero", self.certificates.key, "too long")):
            ok, reason, _ = self.keyd.load(cert, key)
            self.assertFalse(ok)
            self.assertIn(word, reason)
        self.assertTrue(self.sign(self.keyd.new_channel(), SIGN["ECDSA_SHA256"], bytes(32)))

    def test_encrypted_and_short_keys_are_explained(self):
        short = Certificates(["-newkey", "rsa:1024"])
        locked = Certificates("ecdsa")
        self.addCleanup(short.close)
        self.addCleanup(locked.close)
        ok, reason, _ = self.keyd.load(short.cert, short.key)
        self.assertFalse(ok)
        self.assertIn("2048", reason)
        subprocess.run(["openssl", "pkcs8", "-topk8", "-in", locked.key, "-out", locked.key + ".enc",
                        "-passout", "pass:geheim"], check=True)
        ok, reason, _ = self.keyd.load(locked.cert, locked.key + ".enc")
        self.assertFalse(ok)
        self.assertIn("encrypted", reason)

    def test_expired_certificate_is_warned_of(self):
        old = Certificates("ecdsa")
        self.addCleanup(old.close)
        with open(old.cert + ".template", "w") as template:
            template.write("cn = localhost\nactivation_date = \"2020-01-01\"\n"
                           "expiration_date = \"2020-02-01\"\n")
        subprocess.run(["certtool", "--generate-self-signed", "--load-privkey", old.key,
                        "--template", old.cert + ".template", "--outfile", old.cert], check=True,
                       stderr=subprocess.DEVNULL)
        ok, reason, _ = self.keyd.load(old.cert, old.key)
        self.assertTrue(ok, reason)
        self.keyd.process.wait_log("keyd.certificate-expired")

    def test_reload_for_new_gateways_only(self):
        chain = self.load()
        gateway = Gateway(self.keyd, chain)
        self.addCleanup(gateway.close)
        gateway.joined()
        new = Certificates("rsa")
        self.addCleanup(new.close)
        ok, reason, new_chain = self.keyd.load(new.cert, new.key)
        self.assertTrue(ok, reason)
        gateway.write(update_request())
        self.assertEqual(gateway.from_viewer(10), update_request())
        later = Gateway(self.keyd, new_chain)
        self.addCleanup(later.close)
        later.secured(new.cert)

    def test_confinement_and_end(self):
        self.load()
        base = pathlib.Path("/proc/%d" % self.keyd.process.pid)
        fields = dict(line.split(":", 1)
                      for line in base.joinpath("status").read_text().splitlines())
        self.assertEqual(fields["Uid"].split(), [str(NOBODY)] * 4)
        self.assertEqual(fields["Seccomp"].strip(), "2")
        self.assertEqual(int(fields["CapEff"], 16) | int(fields["CapBnd"], 16), 0)
        self.assertEqual(os.listdir(base / "root"), [])
        self.keyd.channel.close()
        self.assertEqual(self.keyd.process.wait(), 0)


class Start(unittest.TestCase):
    def test_nonsense_configuration(self):
        for program in ("src/gateway/lazaret-gateway", "src/keyd/lazaret-keyd"):
            for data in (b"", b"\0" * 7, b"\xff" * 100):
                channel = Channel()
                a, b = socket.socketpair()
                config = memfd(data)
                process = Process(program, [channel.theirs.fileno(), config, a.fileno(), b.fileno()])
                os.close(config)
                self.assertEqual(process.wait(), 1)
                self.assertIn("start-failed", process.log())
                process.stop()
                channel.close()
                a.close()
                b.close()
