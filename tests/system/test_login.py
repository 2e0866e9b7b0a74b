# SPDX-License-Identifier: GPL-3.0-or-later
"""The front door with guests it does not want."""

import contextlib
import os
import socket
import ssl
import struct
import time
import warnings

from lib_proc import Process, run, scaled, wait_until
from lib_rfb import Closed, Refused, connect_in
from lib_system import SystemTest

WRONG = "Name or password is wrong, or this account may not log in here."
BLUE = (0x30, 0x60, 0xC0)


class Login(SystemTest):
    users = ("alice", "bob", "carol")
    options = {"handshake-timeout": 4, "login-timeout": 6, "stall-timeout": 6,
               "login-delay-max": 8, "max-waiting": 60, "max-waiting-per-address": 20}
    seconds = 120

    def expect_refusal(self, user, password, sentence=WRONG):
        self.assertEqual(self.refused(user, password), sentence)
        line = self.system.wait_log("login.refused", 'user="%s"' % user, since=self.mark)
        self.assertIn("address=", line)
        return line

    def test_wrong_password(self):
        self.expect_refusal(self.system.name("carol"), "wrong")
        with self.system.client("bob") as client:
            client.wait_colour(BLUE)

    def test_unknown_user(self):
        self.expect_refusal("lzt-nobody-has-this-name", "secret")

    def test_empty_password(self):
        run("passwd", "-d", self.system.name("carol"))
        self.addCleanup(run, "chpasswd", input="%s:%s\n" % self.system.users["carol"])
        self.expect_refusal(self.system.name("carol"), "")

    def test_empty_name(self):
        self.assertEqual(self.refused("", "secret"), "Please give a user name.")

    def test_root(self):
        self.expect_refusal("root", "secret")

    def test_expired_account(self):
        name, password = self.system.users["carol"]
        run("usermod", "--expiredate", "2020-01-01", name)
        self.addCleanup(run, "usermod", "--expiredate", "", name)
        self.expect_refusal(name, password, "This account or its password has expired. "
                            "Please ask your administrator to renew it.")

    def test_outside_the_group(self):
        name = "lzt%d-out" % os.getpid()
        run("useradd", "--no-create-home", "--shell", "/usr/sbin/nologin", name)
        self.addCleanup(run, "userdel", name)
        run("chpasswd", input="%s:right\n" % name)
        self.expect_refusal(name, "right")

    def test_administrator(self):
        name, password = self.system.users["carol"]
        run("usermod", "--append", "--groups", "adm", name)
        self.addCleanup(run, "gpasswd", "--delete", name, "adm")
        self.expect_refusal(name, password)

    def test_names_with_strange_bytes(self):
        impossible = "The user name has characters that cannot be in one."
        for name, sentence in ((b"\xff\xfe", impossible), (b"a\0b", impossible),
                               (b"a\nlogin.accepted user=\"eve\"", impossible),
                               (b"../../etc/passwd", WRONG), (b"-rf", WRONG), (b"%s%n", WRONG)):
            with self.subTest(name=name):
                self.assertEqual(self.refused(name, b"x"), sentence)
        time_of_line = [line for line in self.system.log_text()[self.mark:].splitlines()
                        if line.startswith("login.accepted")]
        self.assertEqual(time_of_line, [])

    def test_longest_name(self):
        self.assertEqual(self.refused("x" * 255, "y" * 255), WRONG)

    def test_oversized_names(self):
        for user, password in ((4096, 1), (1, 4096), (0xFFFFFFFF, 0), (0, 0xFFFFFFFF),
                               (0x7FFFFFFF, 0x7FFFFFFF)):
            with self.subTest(user=user, password=password):
                with self.system.connection() as connection:
                    connection.to_credentials()
                    connection.write(struct.pack(">II", user, password))
                    with contextlib.suppress(OSError):
                        for _ in range(8):
                            connection.write(b"x" * 1024)
                    with self.assertRaises((Refused, Closed, OSError)):
                        connection.security_result()

    def test_wait_grows_for_this_account_only(self):
        name = "lzt-guessed"
        took = []
        for _ in range(4):
            started = time.monotonic()
            self.refused(name, "guess")
            took.append(time.monotonic() - started)
        # 1 s after the first failure, 2 s after the second, 4 s after the third.
        self.assertGreater(took[2], 1.9)
        self.assertGreater(took[3], 3.9)
        started = time.monotonic()
        self.refused("lzt-another", "guess")
        self.assertLess(time.monotonic() - started, max(took[3], scaled(3)))
        self.system.wait_log("login.delayed", name, since=self.mark)

    def test_garbage_instead_of_rfb(self):
        for text in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03",
                     b"\0" * 4096, b"RFB 003.008", b"SSH-2.0-OpenSSH_9.2\r\n"):
            with self.subTest(text=text[:20]):
                with self.system.connection() as connection:
                    connection.read(12)
                    connection.write(text)
                    self.assertNotIn(b"\x13", connection.read_to_end(4096)[:2])

    def test_older_versions(self):
        for version in (b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 004.000\n"):
            with self.subTest(version=version):
                with self.system.connection() as connection:
                    connection.versions(version)
                    rest = connection.read_to_end(4096)
                    self.assertNotIn(rest[:4], (b"\0\0\0\1", b"\0\0\0\2"))

    def test_other_security_types(self):
        for kind in (0, 1, 2, 5, 16, 18, 20, 255):
            with self.subTest(kind=kind):
                with self.system.connection() as connection:
                    connection.versions()
                    self.assertEqual(connection.read(2), b"\1\x13")
                    connection.write(bytes([kind]))
                    self.assertNotEqual(connection.read_to_end(4096)[:2], b"\0\2")

    def test_other_subtypes(self):
        for subtype in (0, 1, 2, 256, 257, 258, 259, 260, 261, 263, 264, 0xFFFFFFFF):
            with self.subTest(subtype=subtype):
                with self.system.connection() as connection:
                    connection.versions()
                    connection.security()
                    self.assertEqual(connection.read(2), b"\0\2")
                    connection.write(b"\0\2")
                    connection.read(1 + 1 + 4)
                    connection.write(struct.pack(">I", subtype))
                    self.assertNotIn(b"\1", connection.read_to_end(64)[:1])

    def test_garbage_before_tls(self):
        with self.system.connection() as connection:
            connection.versions()
            connection.security()
            connection.vencrypt()
            connection.write(b"garbage" * 100)
            self.assertLess(len(connection.read_to_end(4096)), 100)

    def test_bytes_between_subtype_and_tls(self):
        """TLS that comes with the choice is somebody's injection: it ends the connection, even if
        it would be a good handshake."""
        with self.system.connection() as connection:
            connection.versions()
            connection.security()
            self.assertEqual(connection.read(2), b"\0\2")
            connection.write(b"\0\2")
            connection.read(1 + 1 + 4)
            context = connection.context()
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            hello = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            with contextlib.suppress(ssl.SSLWantReadError):
                hello.do_handshake()
            connection.write(struct.pack(">I", 262) + outgoing.read())
            # At most the acknowledgement of the subtype: no handshake.
            self.assertLessEqual(len(connection.read_to_end(4096)), 1)

    def test_silent_clients(self):
        started = time.monotonic()
        stages = []
        for stage in range(4):
            connection = self.system.connection()
            self.addCleanup(connection.close)
            if stage > 0:
                connection.versions()
            if stage > 1:
                connection.security()
            if stage > 2:
                connection.vencrypt()
            stages.append(connection)
        for number, connection in enumerate(stages):
            with self.subTest(stage=number):
                connection.socket.settimeout(scaled(10))
                self.assertLess(len(connection.read_to_end(4096)), 256)
        self.assertLess(time.monotonic() - started, scaled(15))

    def test_silent_after_tls(self):
        with self.system.connection() as connection:
            connection.to_credentials()
            connection.socket.settimeout(scaled(12))
            self.assertLess(len(connection.read_to_end(4096)), 256)

    def test_a_byte_now_and_then(self):
        """Slowness does not stretch the time for the handshake."""
        with self.system.connection() as connection:
            started = time.monotonic()
            connection.read(12)
            with contextlib.suppress(OSError):
                for byte in b"RFB 003.008\n" * 3:
                    connection.write(bytes([byte]))
                    time.sleep(0.5)
            self.assertLess(time.monotonic() - started, scaled(10))
            connection.socket.settimeout(scaled(10))
            connection.read_to_end(4096)

    def test_a_viewer_that_reads_nothing(self):
        bob = self.login("bob", 1)
        bob.wait_colour(BLUE)
        client = self.login("alice")
        client.wait_colour(BLUE)
        client.set_encodings([0])
        # A small window, then requests without end and without reading an answer.
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.socket.settimeout(2)
        with contextlib.suppress(OSError):
            for _ in range(400):
                client.request(False)
        self.system.wait_state("alice", "detached", 30)
        # The other session is as it was, and the same user can come again.
        bob.refresh(False)
        with self.system.client("alice") as again:
            again.wait_colour(BLUE)


class Flood(SystemTest):
    options = {"handshake-timeout": 20}
    seconds = 180

    def test_500_connections_at_once(self):
        alice = self.login("alice", 0)
        alice.wait_colour(BLUE)
        # All from one workstation; the sockets are made in one helper process.
        code = ("import socket,sys,time\n"
                "held=[]\n"
                "for i in range(500):\n"
                " s=socket.socket(); s.setblocking(False)\n"
                " s.connect_ex((%r,%d)); held.append(s)\n"
                "print('open', flush=True)\n"
                "sys.stdin.read()\n" % (self.system.address, self.system.port))
        flood = Process("/usr/bin/python3", "-c", code, netns=self.network.workstations[1])
        self.addCleanup(flood.stop)
        flood.wait_line("open")
        self.system.wait_log("client.refused", "max-waiting-per-address", since=self.mark)
        # A session that runs is not disturbed, and somebody else gets in meanwhile.
        alice.refresh(False)
        with self.system.client("bob", 0) as bob:
            bob.wait_colour(BLUE)
        self.assertLessEqual(len(self.system.processes("lazaret-gateway")), 20 + 2 + 5)
        flood.stop()
        wait_until(lambda: len(self.system.processes("lazaret-gateway")) <= 2, 30,
                   "the gateways of the flood are gone")
        with self.system.client("bob", 1) as bob:
            bob.wait_colour(BLUE)


class OpenDoor(SystemTest):
    """What can be seen from a workstation without logging in."""

    users = ("alice",)

    def test_only_the_viewers_port_is_open(self):
        open_ports = []
        workstation = self.network.workstations[0]
        listening = run("ss", "-Hltun", netns=self.network.system)
        for line in listening.splitlines():
            local = line.split()[4]
            address, _, port = local.rpartition(":")
            if address not in ("127.0.0.1", "[::1]"):
                open_ports.append((line.split()[0], int(port)))
        self.assertEqual(open_ports, [("tcp", self.system.port)])
        with self.assertRaises(OSError):
            connect_in(workstation, self.system.address, 22, 3)

    def test_certificate_is_verified_by_the_viewer(self):
        """A client that trusts another authority turns away: the certificate is a real one."""
        with self.system.connection() as connection:
            connection.versions()
            connection.security()
            connection.vencrypt()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            with self.assertRaises(ssl.SSLError):
                context.wrap_socket(connection.socket, server_hostname="x")

    def test_certificate_names_the_address(self):
        out = run("certtool", "--certificate-info", "--infile", self.system.state / "server.pem")
        self.assertIn(self.system.address, out)
        self.assertIn("localhost", out)

    def test_tls_versions(self):
        versions = ssl.TLSVersion
        for version in (versions.TLSv1_2, versions.TLSv1_3):
            with self.subTest(version=version):
                self.assertIn(self.handshake(version), ("TLSv1.2", "TLSv1.3"))
        for version in (versions.TLSv1, versions.TLSv1_1):
            with self.subTest(version=version):
                with self.assertRaises(ssl.SSLError) as raised:
                    self.handshake(version)
                # The server says it, not our own library.
                self.assertIn("ALERT", raised.exception.reason)

    def handshake(self, version):
        with self.system.connection() as connection:
            connection.versions()
            connection.security()
            connection.vencrypt()
            context = connection.context()
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
            connection.socket = context.wrap_socket(connection.socket, server_hostname="x")
            return connection.socket.version()
