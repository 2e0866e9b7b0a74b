# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the monitor: starts lazaret-keyd and lazaret-gateway, speaks ipc with them, and
holds the display's end of the stream. The viewer's end is the test's."""

import contextlib
import fcntl
import os
import pathlib
import re
import select
import socket
import ssl
import struct
import subprocess
import tempfile
import time

from lib_proc import scaled

BUILD = pathlib.Path(os.environ.get("BUILD") or
                     pathlib.Path(__file__).resolve().parents[2] / "build/check")
SOURCE = pathlib.Path(__file__).resolve().parents[2]
NOBODY = 65534
X509PLAIN = 262
WRONG = "Wrong user name or password."


def message_types():
    text = (SOURCE / "src/ipc/messages.def").read_text()
    names = re.findall(r"^M\((\w+),", text, re.M)
    return {name: number for number, name in enumerate(names)}


TYPES = message_types()
# Values of gnutls_sign_algorithm_t
SIGN = {name: int(number) for name, number in re.findall(
    r"GNUTLS_SIGN_(\w+) = (\d+)", pathlib.Path("/usr/include/gnutls/gnutls.h").read_text())}
NAMES = {number: name for name, number in TYPES.items()}
VERSION = int(re.search(r"#define IPC_VERSION (\d+)",
                        (SOURCE / "src/ipc/message.h").read_text()).group(1))


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">I", len(data)) + data


def take_string(body):
    size = struct.unpack(">I", body[:4])[0]
    return body[4:4 + size].decode(), body[4 + size:]


class Channel:
    """The monitor's end of a SOCK_SEQPACKET pair."""

    def __init__(self):
        self.mine, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def send(self, name, body=b"", fds=()):
        head = struct.pack(">HH", TYPES[name], VERSION)
        socket.send_fds(self.mine, [head + body], list(fds))

    def receive(self, expected=None, timeout=10):
        """(name, body); (None, b"") at the end of the connection."""
        self.mine.settimeout(scaled(timeout))
        try:
            data, fds, _, _ = socket.recv_fds(self.mine, 70000, 4)
        except ConnectionResetError:
            data, fds = b"", []
        for fd in fds:
            os.close(fd)
        if not data:
            if expected:
                raise AssertionError("%s expected, but the channel was closed" % expected)
            return None, b""
        number, version = struct.unpack(">HH", data[:4])
        assert version == VERSION, version
        name = NAMES[number]
        if expected and name != expected:
            raise AssertionError("%s expected, got %s %r" % (expected, name, data[4:]))
        return name, data[4:]

    def close(self):
        self.mine.close()
        self.theirs.close()


class Process:
    """A program of ours with descriptors 3, 4, … and its log in a file."""

    def __init__(self, program, fds):
        self.log_file = tempfile.TemporaryFile()
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 200) for fd in fds]
        actions = [(os.POSIX_SPAWN_DUP2, fd, 3 + i) for i, fd in enumerate(high)]
        actions.append((os.POSIX_SPAWN_DUP2, self.log_file.fileno(), 2))
        actions.append((os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDWR, 0))
        path = str(BUILD / program)
        self.pid = os.posix_spawn(path, [path], {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
                                  file_actions=actions)
        for fd in high:
            os.close(fd)
        self.pidfd = os.pidfd_open(self.pid)
        self.status = None

    def log(self):
        return os.pread(self.log_file.fileno(), 1 << 20, 0).decode("utf-8", "replace")

    def wait_log(self, text, timeout=10):
        end = time.monotonic() + scaled(timeout)
        while text not in self.log():
            if time.monotonic() > end:
                raise AssertionError("%r is not in the log:\n%s" % (text, self.log()))
            time.sleep(0.01)

    def wait(self, timeout=10):
        """The exit status, -N for signal N."""
        if self.status is None:
            ready, _, _ = select.select([self.pidfd], [], [], scaled(timeout))
            if not ready:
                raise AssertionError("it does not exit; its log:\n" + self.log())
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def stop(self):
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)
            self.wait()
        os.close(self.pidfd)
        self.log_file.close()


def memfd(data):
    fd = os.memfd_create("config", os.MFD_CLOEXEC)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


class Certificates:
    """A CA and server certificates of one kind, made with openssl."""

    KINDS = {
        "rsa": ["-newkey", "rsa:2048"],
        "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "ed25519": ["-newkey", "ed25519"],
        "rsa-pss": ["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    }

    def __init__(self, kind="ecdsa", name="server"):
        self.folder = tempfile.TemporaryDirectory()
        self.cert = os.path.join(self.folder.name, name + ".pem")
        self.key = os.path.join(self.folder.name, name + ".key")
        subprocess.run(
            ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=localhost", "-days", "2",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key,
             "-out", self.cert] + (self.KINDS[kind] if isinstance(kind, str) else kind), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.folder.cleanup()


class Keyd:
    def __init__(self, uid=NOBODY):
        self.channel = Channel()
        self.ends = []
        config = memfd(struct.pack(">IIB", uid, uid, 3))
        self.process = Process("src/keyd/lazaret-keyd", [self.channel.theirs.fileno(), config])
        os.close(config)
        self.channel.theirs.close()

    def load(self, cert, key):
        """(ok, reason, chain)"""
        with open(cert, "rb") as c, open(key, "rb") as k:
            self.channel.send("KEYD_LOAD", fds=[c.fileno(), k.fileno()])
        _, body = self.channel.receive("KEYD_LOADED")
        ok = body[0] == 1
        reason, rest = take_string(body[1:])
        chain, rest = take_string(rest)
        assert len(rest) == 8 and (rest != bytes(8)) == ok
        return ok, reason, chain

    def new_channel(self):
        """A gateway's end."""
        channel = Channel()
        self.channel.send("KEYD_CHANNEL", fds=[channel.theirs.fileno()])
        channel.theirs.close()
        self.ends.append(channel.mine)
        return channel.mine

    def close(self):
        for end in self.ends:
            end.close()
        self.channel.close()
        self.process.stop()


class Gateway:
    """A gateway with a viewer's socket, and the monitor's and the display's ends."""

    def __init__(self, keyd, chain, options=(), uid=NOBODY, keyd_channel=None):
        self.channel = Channel()
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.viewer = socket.create_connection(server.getsockname()[:2])
            accepted, _ = server.accept()
        self.viewer.settimeout(scaled(10))
        signer = keyd_channel or keyd.new_channel()
        with tempfile.NamedTemporaryFile("w") as pem:
            pem.write(chain)
            pem.flush()
            data = subprocess.run(
                [str(BUILD / "tests/proto/launch-config"), str(uid), str(uid), pem.name,
                 "log-level = debug"] + list(options), check=True, stdout=subprocess.PIPE).stdout
        config = memfd(data)
        self.process = Process("src/gateway/lazaret-gateway", [
            self.channel.theirs.fileno(), config, accepted.fileno(), signer.fileno()])
        os.close(config)
        accepted.close()
        signer.close()
        self.channel.theirs.close()
        self.display = None
        self.tls = None

    # --- the viewer's side, in the clear

    def read(self, count, stream=None):
        stream = stream or self.tls or self.viewer
        out = b""
        while len(out) < count:
            data = stream.recv(count - len(out))
            if not data:
                raise EOFError("%d of %d bytes" % (len(out), count))
            out += data
        return out

    def read_to_end(self):
        stream = self.tls or self.viewer
        out = b""
        with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            while True:
                data = stream.recv(65536)
                if not data:
                    break
                out += data
        return out

    def write(self, data):
        (self.tls or self.viewer).sendall(data)

    def negotiate(self):
        """Up to the acknowledgement of X509Plain."""
        assert self.read(12) == b"RFB 003.008\n"
        self.write(b"RFB 003.008\n")
        assert self.read(2) == b"\x01\x13"
        self.write(b"\x13")
        assert self.read(2) == b"\x00\x02"
        self.write(b"\x00\x02")
        assert self.read(6) == b"\x00\x01" + struct.pack(">I", X509PLAIN)
        self.write(struct.pack(">I", X509PLAIN))
        assert self.read(1) == b"\x01"

    def start_tls(self, ca=None, configure=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = ca is not None
        context.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
        if ca:
            context.load_verify_locations(ca)
        if configure:
            configure(context)
        self.tls = context.wrap_socket(self.viewer, server_hostname="localhost",
                                       suppress_ragged_eofs=False)

    def secured(self, ca=None, configure=None):
        self.negotiate()
        self.start_tls(ca, configure)
        self.channel.receive("GATEWAY_SECURED")

    def send_login(self, user="alice", password="secret"):
        user, password = (s.encode() if isinstance(s, str) else s for s in (user, password))
        self.write(struct.pack(">II", len(user), len(password)) + user + password)

    def receive_login(self):
        _, body = self.channel.receive("GATEWAY_LOGIN")
        user, body = take_string(body)
        password, body = take_string(body)
        assert body == b""
        return user, password

    def admit(self, clipboard=0, title=0, account="alice"):
        self.display, theirs = socket.socketpair()
        self.display.settimeout(scaled(10))
        self.channel.send("GATEWAY_ADMIT",
                          string(account) + string("s-1") + bytes([clipboard, title]),
                          [theirs.fileno()])
        theirs.close()

    def result(self):
        """None for OK, else the reason."""
        if self.read(4) == b"\0\0\0\0":
            return None
        size = struct.unpack(">I", self.read(4))[0]
        return self.read(size).decode()

    def joined(self, width=640, height=480, **rights):
        """Everything up to ServerInit; returns the desktop's name."""
        self.secured()
        self.send_login()
        self.receive_login()
        self.admit(**rights)
        assert self.result() is None
        self.write(b"\x01")
        self.display.sendall(server_init(width, height, b"whatever"))
        assert self.read(4) == struct.pack(">HH", width, height)
        assert self.read(16) == PIXEL_FORMAT
        size = struct.unpack(">I", self.read(4))[0]
        return self.read(size).decode()

    def from_viewer(self, count):
        return self.read(count, self.display)

    def close(self):
        for s in (self.tls, self.viewer, self.display):
            if s:
                s.close()
        self.channel.close()
        self.process.stop()


PIXEL_FORMAT = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)


def server_init(width, height, name):
    return struct.pack(">HH", width, height) + PIXEL_FORMAT + string(name)


def set_encodings(*encodings):
    return struct.pack(">BxH", 2, len(encodings)) + struct.pack(
        ">%di" % len(encodings), *encodings)


def rect(x, y, width, height, encoding):
    return struct.pack(">HHHHi", x, y, width, height, encoding)


def update(*rects):
    return struct.pack(">BxH", 0, len(rects)) + b"".join(rects)
