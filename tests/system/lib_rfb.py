# SPDX-License-Identifier: GPL-3.0-or-later
"""A small RFB client for tests: VeNCrypt X509Plain and Raw, and every stage of the opening by hand
for those who want to do it wrongly. Strict: what is not well-formed raises Malformed."""

import contextlib
import socket
import ssl
import struct
import subprocess
import time

from lib_proc import in_netns, scaled

VENCRYPT = 19
X509PLAIN = 262

RAW, COPYRECT, TIGHT, ZRLE = 0, 1, 7, 16
DESKTOP_SIZE, LAST_RECT, CURSOR, EXTENDED_DESKTOP_SIZE = -223, -224, -239, -308
ALPHA_CURSOR = -314
ENCODING_NAMES = {RAW: "raw", COPYRECT: "copyrect", TIGHT: "tight", ZRLE: "zrle"}


class Malformed(Exception):
    """The server said something that the protocol does not allow."""


class Closed(Exception):
    """The server closed the connection."""


class Refused(Exception):
    """The login was refused; the text is the server's reason."""


def connect_in(netns, address, port, timeout=30):
    """A TCP connection made in a namespace: the socket is made there and handed over, so that
    the test needs no thread or process of its own for it."""
    if not netns:
        return socket.create_connection((address, port), timeout=scaled(timeout))
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    code = ("import socket,sys\n"
            "c=socket.socket(fileno=%d)\n"
            "s=socket.socket(socket.%s)\n"
            "s.settimeout(%f)\n"
            "try:\n s.connect((%r,%d))\n"
            "except OSError as e:\n c.send(str(e.errno or 110).encode())\n"
            "else:\n socket.send_fds(c,[b'ok'],[s.fileno()])\n"
            % (there.fileno(), family.name, scaled(timeout), address, port))
    with here:
        process = subprocess.Popen(
            in_netns(netns) + ["/usr/bin/python3", "-S", "-E", "-c", code],
            pass_fds=[there.fileno()], stdin=subprocess.DEVNULL)
        there.close()
        message, fds, _, _ = socket.recv_fds(here, 64, 1)
        process.wait()
    if not fds:
        raise OSError(int(message or b"111"), "connect %s:%d" % (address, port))
    connection = socket.socket(fileno=fds[0])
    connection.settimeout(scaled(timeout))
    return connection


class Client:
    """One connection. Each stage of the opening is a method; login() does them all."""

    def __init__(self, address, port, ca, netns=None, timeout=30):
        self.ca = ca
        self.address = address
        self.socket = connect_in(netns, address, port, timeout)
        self.received = 0
        self.width = self.height = 0
        self.name = ""
        self.picture = None
        self.cut_text = []
        self.cursors = 0
        self.rectangles = {}
        self.layout_changes = []

    # --- bytes

    def read(self, count):
        out = bytearray()
        while len(out) < count:
            try:
                data = self.socket.recv(min(count - len(out), 1 << 16))
            except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                data = b""
            if not data:
                raise Closed("after %d bytes, while %d of %d were there"
                             % (self.received, len(out), count))
            self.received += len(data)
            out += data
        return bytes(out)

    def unpack(self, form):
        values = struct.unpack(">" + form, self.read(struct.calcsize(">" + form)))
        return values if len(values) > 1 else values[0]

    def write(self, data):
        self.socket.sendall(data)

    def read_to_end(self, limit=1 << 20):
        """What still comes until the server closes."""
        out = b""
        with contextlib.suppress(Closed):
            while len(out) < limit:
                out += self.read(1)
        return out

    # --- opening

    def versions(self, version=b"RFB 003.008\n"):
        greeting = self.read(12)
        if greeting != b"RFB 003.008\n":
            raise Malformed("version %r" % greeting)
        self.write(version)

    def security(self):
        count = self.unpack("B")
        if count == 0:
            raise Refused(self.read(self.unpack("I")).decode("utf-8"))
        types = list(self.read(count))
        if types != [VENCRYPT]:
            raise Malformed("security types %s" % types)
        self.write(bytes([VENCRYPT]))

    def vencrypt(self):
        if self.read(2) != b"\0\2":
            raise Malformed("VeNCrypt version")
        self.write(b"\0\2")
        if self.unpack("B") != 0:
            raise Malformed("VeNCrypt version refused")
        subtypes = [self.unpack("I") for _ in range(self.unpack("B"))]
        if subtypes != [X509PLAIN]:
            raise Malformed("subtypes %s" % subtypes)
        self.write(struct.pack(">I", X509PLAIN))
        if self.unpack("B") != 1:
            raise Refused("subtype")

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # The name is checked where the certificate has the address; a test may use others.
        context.check_hostname = False
        return context

    def tls(self):
        self.socket = self.context().wrap_socket(self.socket, server_hostname=self.address)

    def credentials(self, user, password):
        user, password = (t.encode() if isinstance(t, str) else t for t in (user, password))
        self.write(struct.pack(">II", len(user), len(password)) + user + password)

    def security_result(self):
        if self.unpack("I") != 0:
            raise Refused(self.read(self.unpack("I")).decode("utf-8"))

    def server_init(self, shared=True):
        self.write(b"\1" if shared else b"\0")
        self.width, self.height = self.unpack("HH")
        self.read(16)
        size = self.unpack("I")
        if size > 1024:
            raise Malformed("name of %d bytes" % size)
        self.name = self.read(size).decode("utf-8")

    def to_credentials(self):
        self.versions()
        self.security()
        self.vencrypt()
        self.tls()
        return self

    def login(self, user, password):
        self.to_credentials()
        self.credentials(user, password)
        self.security_result()
        self.server_init()
        self.set_pixel_format()
        self.set_encodings([RAW, ALPHA_CURSOR, DESKTOP_SIZE, EXTENDED_DESKTOP_SIZE, LAST_RECT])
        self.picture = bytearray(4 * self.width * self.height)
        return self

    # --- client messages

    def set_pixel_format(self):
        self.write(struct.pack(">Bxxx BBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))

    def set_encodings(self, encodings):
        self.write(struct.pack(">BxH%di" % len(encodings), 2, len(encodings), *encodings))

    def request(self, incremental=True):
        self.write(struct.pack(">BBHHHH", 3, incremental, 0, 0, self.width, self.height))

    def key(self, keysym, down=None):
        for state in ((1, 0) if down is None else (down,)):
            self.write(struct.pack(">BBxxI", 4, state, keysym))

    def type(self, text):
        for character in text:
            code = ord(character)
            if character == "\n":
                code = 0xFF0D
            elif code > 0xFF:
                code |= 0x01000000
            self.key(code)

    def chord(self, *keysyms):
        for keysym in keysyms:
            self.key(keysym, 1)
        for keysym in reversed(keysyms):
            self.key(keysym, 0)

    def pointer(self, x, y, buttons=0):
        self.write(struct.pack(">BBHH", 5, buttons, x, y))

    def look(self, seconds):
        """Goes on looking, as a person does between seeing and doing. Chromium takes no input for a page
        before it knows that its first picture was shown."""
        until = time.monotonic() + seconds
        self.pump(lambda: time.monotonic() > until)

    def click(self, x, y, button=1):
        self.look(0.2)
        self.pointer(x, y)
        self.pointer(x, y, 1 << (button - 1))
        self.pointer(x, y)

    def wheel(self, x, y, notches):
        """As fast as a hand turns it. Of what comes within one frame Chromium takes at most one page:
        a burst would not scroll as far as it should."""
        bit = 16 if notches > 0 else 8
        self.look(0.2)
        for _ in range(abs(notches)):
            self.pointer(x, y, bit)
            self.pointer(x, y, 0)
            self.look(0.05)

    def cut(self, text):
        data = text.encode("latin-1", "replace")
        self.write(struct.pack(">BxxxI", 6, len(data)) + data)

    def resize(self, width, height):
        self.write(struct.pack(">BxHHBx IHHHHI", 251, width, height, 1, 0, 0, 0, width, height, 0))

    # --- server messages

    def message(self, kind=None):
        """Reads one message (or what follows its type), applies it, and returns its type."""
        if kind is None:
            kind = self.unpack("B")
        if kind == 0:
            self.update()
        elif kind == 2:
            pass
        elif kind == 3:
            self.read(3)
            size = self.unpack("i")
            if abs(size) > 1 << 20:
                raise Malformed("cut text of %d bytes" % size)
            self.cut_text.append(self.read(abs(size)))
        else:
            raise Malformed("message of type %d" % kind)
        return kind

    def update(self):
        self.read(1)
        pixels = False
        for _ in range(self.unpack("H")):
            x, y, w, h, encoding = self.unpack("HHHHi")
            if encoding == ALPHA_CURSOR:
                # TigerVNC's viewer (1.12) dies of pixels before a cursor in the same message.
                if pixels:
                    raise Malformed("a cursor behind pixels")
                if self.unpack("i") != RAW:
                    raise Malformed("a cursor that is not raw")
                self.read(4 * w * h)
                self.cursors += 1
                continue
            name = ENCODING_NAMES.get(encoding, str(encoding))
            self.rectangles[name] = self.rectangles.get(name, 0) + 1
            if encoding == LAST_RECT:
                return
            if encoding in (DESKTOP_SIZE, EXTENDED_DESKTOP_SIZE):
                if encoding == EXTENDED_DESKTOP_SIZE:
                    screens = self.unpack("B")
                    self.read(3 + 16 * screens)
                    self.layout_changes.append((x, y, w, h))
                if (w, h) != (self.width, self.height) and y == 0:
                    self.width, self.height = w, h
                    self.picture = bytearray(4 * w * h)
                continue
            pixels = True
            if x + w > self.width or y + h > self.height:
                raise Malformed("rectangle %d,%d %dx%d on %dx%d"
                                % (x, y, w, h, self.width, self.height))
            if encoding == RAW:
                data = self.read(4 * w * h)
                for row in range(h):
                    at = 4 * ((y + row) * self.width + x)
                    self.picture[at:at + 4 * w] = data[4 * w * row:4 * w * (row + 1)]
            elif encoding == COPYRECT:
                from_x, from_y = self.unpack("HH")
                rows = [bytes(self.picture[4 * ((from_y + r) * self.width + from_x):]
                              [:4 * w]) for r in range(h)]
                for row in range(h):
                    at = 4 * ((y + row) * self.width + x)
                    self.picture[at:at + 4 * w] = rows[row]
            else:
                raise Malformed("encoding %d, which was not asked for" % encoding)

    def refresh(self, incremental=True):
        """Asks for an update and takes messages until one has come."""
        self.request(incremental)
        while self.message() != 0:
            pass

    def drain(self, seconds):
        """Takes what comes, without asking for more, until nothing has come for a time."""
        old = self.socket.gettimeout()
        self.socket.settimeout(scaled(seconds))
        with contextlib.suppress(TimeoutError, socket.timeout):
            while True:
                self.message()
        self.socket.settimeout(old)

    def pixel(self, x, y):
        at = 4 * (y * self.width + x)
        blue, green, red = self.picture[at:at + 3]
        return red, green, blue

    def share(self, colour, step=7):
        """Part of the picture (sampled) that has exactly this colour, (red, green, blue)."""
        hits = total = 0
        for y in range(0, self.height, step):
            for x in range(0, self.width, step):
                total += 1
                hits += self.pixel(x, y) == colour
        return hits / total

    def wait_colour(self, colour, share=0.5, seconds=60):
        """Takes updates until the colour covers that share of the picture."""
        deadline = time.monotonic() + scaled(seconds)
        incremental = False
        old = self.socket.gettimeout()
        best = 0.0
        try:
            self.request(incremental)
            while True:
                self.socket.settimeout(max(deadline - time.monotonic(), 0.01))
                if self.message() == 0:
                    got = self.share(colour)
                    best = max(best, got)
                    if got >= share:
                        return got
                    self.request(True)
        except (TimeoutError, socket.timeout):
            raise AssertionError("colour %s covered at most %.2f of the picture"
                                 % (colour, best)) from None
        finally:
            self.socket.settimeout(old)

    def region(self, x, y, w, h):
        return b"".join(self.picture[4 * (r * self.width + x):4 * (r * self.width + x + w)]
                        for r in range(y, min(y + h, self.height)))

    def wait_change(self, before, box, seconds=20):
        """Takes updates until the region (x, y, w, h) is no longer what `before` holds."""
        deadline = time.monotonic() + scaled(seconds)
        while self.region(*box) == before:
            if time.monotonic() > deadline:
                raise AssertionError("nothing changed in %s" % (box,))
            self.refresh()

    def pump(self, done):
        """Takes updates and asks for the next, as a viewer does, until done() is true. A page whose
        viewer does not ask gets no frames, and so does not scroll either."""
        old = self.socket.gettimeout()
        self.request(True)
        try:
            while not done():
                # Only between messages may there be a time-out: inside one it would lose bytes.
                self.socket.settimeout(0.1)
                try:
                    kind = self.unpack("B")
                except (TimeoutError, socket.timeout):
                    continue
                self.socket.settimeout(old)
                if self.message(kind) == 0:
                    self.request(True)
        finally:
            self.socket.settimeout(old)

    def closed_within(self, seconds):
        """Goes on looking until the server closes; whether it does so in that time."""
        deadline = time.monotonic() + scaled(seconds)
        try:
            self.pump(lambda: time.monotonic() > deadline)
        except (Closed, BrokenPipeError, ConnectionResetError):
            return True
        return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
