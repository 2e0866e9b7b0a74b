# SPDX-License-Identifier: GPL-3.0-or-later
"""A viewer that is measured with: Tight with its own decoder, fences, continuous updates, and the
time at which each rectangle had arrived."""

import ctypes
import select
import socket
import struct
import time
import zlib

from lib_rfb import (ALPHA_CURSOR, COPYRECT, DESKTOP_SIZE, EXTENDED_DESKTOP_SIZE, LAST_RECT, RAW,
                     TIGHT, Client, Closed, Malformed)

FENCE, CONTINUOUS = -312, -313
QUALITY_0, COMPRESS_0 = -32, -256
FENCE_REQUEST = 0x80000000
MONO = [bytes((byte >> (7 - bit)) & 1 for bit in range(8)) for byte in range(256)]


class Jpeg:
    """libturbojpeg, which the display uses too."""

    BGRX = 3

    def __init__(self):
        self.lib = ctypes.CDLL("libturbojpeg.so.0")
        self.lib.tjInitDecompress.restype = ctypes.c_void_p
        self.handle = ctypes.c_void_p(self.lib.tjInitDecompress())

    def decode(self, data, width, height):
        out = ctypes.create_string_buffer(4 * width * height)
        if self.lib.tjDecompress2(self.handle, data, ctypes.c_ulong(len(data)), out, width, 0,
                                  height, self.BGRX, 0) != 0:
            raise Malformed("JPEG of %d bytes" % len(data))
        return out.raw


class Update:
    """One framebuffer update with pixels, as it arrived."""

    def __init__(self):
        self.start = time.monotonic()  # its first byte was read
        self.end = None
        self.bytes = 0
        self.rectangles = []  # (x, y, w, h, time of arrival, bytes, coding)

    def touches(self, box):
        """When the first rectangle that touches the box was there, or None."""
        left, top, right, bottom = box
        for x, y, w, h, at, _bytes, _coding in self.rectangles:
            if x < right and left < x + w and y < bottom and top < y + h:
                return at
        return None


class TightClient(Client):
    """`quality` None: lossless. With `fences` it answers them and has continuous updates on. `then` is
    called with each Update; `jobs` is a list of (time, function), kept in order, that are done while
    waiting for bytes."""

    def __init__(self, *arguments, quality=None, fences=True, **options):
        super().__init__(*arguments, **options)
        # As every viewer does: an answer to a fence must not wait for the one before to be confirmed.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.quality = quality
        self.fences = fences
        self.streams = [None] * 4
        self.jpeg = Jpeg()
        self.jobs = []
        self.updates = []
        self.update_now = None
        self.then = None
        self.lossy = None  # a byte a pixel: 1 where the last rectangle was JPEG
        self.answer_fences = True

    def login(self, user, password):
        self.to_credentials()
        self.credentials(user, password)
        self.security_result()
        self.server_init()
        self.set_pixel_format()
        encodings = [TIGHT, COPYRECT, RAW, ALPHA_CURSOR, DESKTOP_SIZE, EXTENDED_DESKTOP_SIZE,
                     LAST_RECT, COMPRESS_0 + 2]
        if self.quality is not None:
            encodings.append(QUALITY_0 + self.quality)
        if self.fences:
            encodings += [FENCE, CONTINUOUS]
        self.set_encodings(encodings)
        self._allocate()
        return self

    def _allocate(self):
        self.picture = bytearray(4 * self.width * self.height)
        self.lossy = bytearray(self.width * self.height)

    # --- bytes, and what is to be done meanwhile

    def at(self, when, job):
        self.jobs.append((when, job))
        self.jobs.sort(key=lambda pair: pair[0])

    def _wait(self):
        """Until there are bytes to read; does the jobs that fall due."""
        while True:
            if getattr(self.socket, "pending", lambda: 0)():
                return
            timeout = 60
            if self.jobs:
                timeout = self.jobs[0][0] - time.monotonic()
                if timeout <= 0:
                    self.jobs.pop(0)[1]()
                    continue
            if select.select([self.socket], [], [], timeout)[0]:
                return
            if not self.jobs:
                raise Closed("nothing for a minute")

    def read(self, count):
        out = bytearray()
        while len(out) < count:
            if self.jobs:
                self._wait()
            data = self.socket.recv(min(count - len(out), 1 << 16))
            if not data:
                raise Closed("after %d bytes" % self.received)
            self.received += len(data)
            out += data
        return bytes(out)

    def idle(self, seconds):
        """Takes what comes for that time."""
        done = []
        self.at(time.monotonic() + seconds, lambda: done.append(True))
        self.pump(lambda: done)

    def pump(self, condition):
        """Takes messages until the condition holds, which is looked at after each message and job."""
        if not self.fences:
            self.request()
        while not condition():
            if self._wait_or_job():
                self.message()

    def _wait_or_job(self):
        """Whether there are bytes to read; false when a job was done instead."""
        if getattr(self.socket, "pending", lambda: 0)():
            return True
        timeout = max(0, self.jobs[0][0] - time.monotonic()) if self.jobs else 0.05
        if select.select([self.socket], [], [], timeout)[0]:
            return True
        if self.jobs and self.jobs[0][0] <= time.monotonic():
            self.jobs.pop(0)[1]()
        return False

    # --- messages

    def message(self, kind=None):
        kind = self.unpack("B") if kind is None else kind
        if kind == 248:
            self.read(3)
            flags = self.unpack("I")
            payload = self.read(self.unpack("B"))
            if flags & FENCE_REQUEST and self.answer_fences:
                self.write(struct.pack(">BxxxIB", 248, flags & ~FENCE_REQUEST & 7, len(payload))
                           + payload)
            return kind
        if kind == 150:
            self.write(struct.pack(">BBHHHH", 150, 1, 0, 0, self.width, self.height))
            return kind
        return super().message(kind)

    def update(self):
        update = self.update_now = Update()
        before = self.received
        self.read(1)
        for _ in range(self.unpack("H")):
            x, y, w, h, encoding = self.unpack("HHHHi")
            if encoding == LAST_RECT:
                break
            if encoding == ALPHA_CURSOR:
                self.read(4 + 4 * w * h)
            elif encoding in (DESKTOP_SIZE, EXTENDED_DESKTOP_SIZE):
                self._layout(x, y, w, h, encoding)
            else:
                self._pixels(update, x, y, w, h, encoding)
        update.end = time.monotonic()
        update.bytes = self.received - before
        if update.rectangles:
            self.updates.append(update)
            if not self.fences:
                self.request()
            if self.then:
                self.then(update)

    def _layout(self, x, y, w, h, encoding):
        if encoding == EXTENDED_DESKTOP_SIZE:
            screens = self.unpack("B")
            self.read(3 + 16 * screens)
            self.layout_changes.append((x, y, w, h))
        if (w, h) != (self.width, self.height) and y == 0:
            self.width, self.height = w, h
            self._allocate()

    def _pixels(self, update, x, y, w, h, encoding):
        if x + w > self.width or y + h > self.height:
            raise Malformed("rectangle %d,%d %dx%d" % (x, y, w, h))
        before = self.received
        lossy, coding = 0, "raw"
        if encoding == RAW:
            data = self.read(4 * w * h)
        elif encoding == COPYRECT:
            coding = "copy"
            from_x, from_y = self.unpack("HH")
            data = self._cut(self.picture, 4, from_x, from_y, w, h)
            self._put(self.lossy, 1, x, y, w, h, self._cut(self.lossy, 1, from_x, from_y, w, h))
            lossy = None
        elif encoding == TIGHT:
            data, coding = self._tight(w, h)
            lossy = int(coding == "jpeg")
        else:
            raise Malformed("encoding %d" % encoding)
        update.rectangles.append((x, y, w, h, time.monotonic(), self.received - before, coding))
        self._put(self.picture, 4, x, y, w, h, data)
        if lossy is not None:
            self._put(self.lossy, 1, x, y, w, h, bytes([lossy]) * (w * h))

    def _put(self, plane, size, x, y, w, h, data):
        for row in range(h):
            at = size * ((y + row) * self.width + x)
            plane[at:at + size * w] = data[size * w * row:size * w * (row + 1)]

    def _cut(self, plane, size, x, y, w, h):
        rows = []
        for row in range(h):
            at = size * ((y + row) * self.width + x)
            rows.append(bytes(plane[at:at + size * w]))
        return b"".join(rows)

    def _compact(self):
        value = shift = 0
        for _ in range(3):
            byte = self.unpack("B")
            value |= (byte & 0x7F if shift < 14 else byte) << shift
            shift += 7
            if not byte & 0x80:
                break
        return value

    def _tight(self, w, h):
        """The pixels, BGRX, and how they were coded."""
        control = self.unpack("B")
        for stream in range(4):
            if control >> stream & 1:
                self.streams[stream] = None
        kind = control >> 4
        if kind == 8:
            return self._colours(self.read(3)) * (w * h), "fill"
        if kind == 9:
            return self.jpeg.decode(self.read(self._compact()), w, h), "jpeg"
        if kind > 9:
            raise Malformed("Tight control %d" % control)
        palette, stream = None, kind & 3
        if kind & 4:
            filter_id = self.unpack("B")
            if filter_id == 1:
                count = self.unpack("B") + 1
                palette = self.read(3 * count)
            elif filter_id != 0:
                raise Malformed("Tight filter %d" % filter_id)
        if palette is None:
            return self._colours(self._inflated(stream, 3 * w * h)), "full"
        if len(palette) == 6:
            stride = (w + 7) // 8
            packed = self._inflated(stream, stride * h)
            index = b"".join(b"".join(MONO[b] for b in packed[r * stride:(r + 1) * stride])[:w]
                             for r in range(h))
        else:
            index = self._inflated(stream, w * h)
        return self._indexed(index, palette), "palette"

    def _inflated(self, stream, size):
        if size < 12:
            return self.read(size)
        data = self.read(self._compact())
        if self.streams[stream] is None:
            self.streams[stream] = zlib.decompressobj()
        out = self.streams[stream].decompress(data)
        if len(out) != size:
            raise Malformed("%d bytes of pixels, not %d" % (len(out), size))
        return out

    @staticmethod
    def _colours(data):
        """RGB to BGRX."""
        out = bytearray(len(data) // 3 * 4)
        out[0::4], out[1::4], out[2::4] = data[2::3], data[1::3], data[0::3]
        return bytes(out)

    @staticmethod
    def _indexed(index, palette):
        out = bytearray(4 * len(index))
        for channel in range(3):
            table = palette[2 - channel::3]
            out[channel::4] = index.translate(table + bytes(256 - len(table)))
        return bytes(out)
