#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes most of the corpus of the target `bench-decoder`: server messages for a picture of 96 x 80.
The first byte says in what pieces they come. (`h264` and
`tight-jpeg` hold what x264 and libjpeg made; the corpus of `bench-frames` is of bench/frames_write.c.)"""

import pathlib
import struct
import zlib

TOP = pathlib.Path(__file__).resolve().parent
FOLDER = TOP / "bench-decoder"


def rect(x, y, width, height, encoding, data=b""):
    return struct.pack(">4Hi", x, y, width, height, encoding) + data


def update(*rects, count=None):
    return struct.pack(">BxH", 0, len(rects) if count is None else count) + b"".join(rects)


def compact(data):
    n = len(data)
    head = bytes((n,)) if n < 128 else bytes((n & 127 | 128, n >> 7))
    return head + data


def deflate(data):
    z = zlib.compressobj(6)
    return z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH)


def seed(name, *messages):
    (FOLDER / name).write_bytes(bytes((len(name) * 7 % 50,)) + b"".join(messages))


def zrle(data, width=64, height=64):
    packed = deflate(data)
    return update(rect(0, 0, width, height, 16, struct.pack(">I", len(packed)) + packed))


FOLDER.mkdir(exist_ok=True)
seed("raw", update(rect(3, 4, 5, 6, 0, bytes(range(120)))))
seed("copy", update(rect(0, 0, 20, 20, 7, b"\x80\x10\x20\x30"), rect(5, 5, 20, 20, 1, bytes(4))))
seed("tight-fill", update(rect(0, 0, 96, 80, 7, b"\x80\x10\x20\x30")))
seed("tight-full", update(rect(0, 0, 10, 10, 7, b"\0" + compact(deflate(bytes(range(150)) * 2)))))
seed("tight-small", update(rect(0, 0, 3, 1, 7, b"\0" + bytes(range(9)))))
seed("tight-mono", update(rect(0, 0, 20, 20, 7, b"\x50\x01\x01" + bytes(range(6)) +
                               compact(deflate(bytes(range(60)))))))
seed("tight-palette", update(rect(0, 0, 20, 20, 7, b"\x60\x01\x04" + bytes(range(15)) +
                                  compact(deflate(bytes(i % 5 for i in range(400)))))))
seed("tight-gradient", update(rect(0, 0, 10, 10, 7, b"\x70\x02" +
                                   compact(deflate(bytes(range(150)) * 2)))))
seed("tight-reset", update(rect(0, 0, 20, 20, 7, b"\x8f\1\2\3")),
     update(rect(0, 0, 10, 10, 7, b"\x01" + compact(deflate(bytes(300)))))
     + update(rect(0, 0, 10, 10, 7, b"\x01" + compact(deflate(bytes(300))))))
seed("zrle-raw", zrle(b"\0" + bytes(range(192)) * 64))
seed("zrle-solid", zrle(b"\1abc" * 2, 96, 64))
seed("zrle-packed", zrle(b"\x03" + bytes(range(9)) + bytes(i % 3 * 85 for i in range(16 * 64))))
seed("zrle-runs", zrle(b"\x80" + b"abc" + b"\xff" * 16 + b"\x0f"))
seed("zrle-palette-runs", zrle(b"\x82abcdef" + b"\x80" + b"\xff" * 16 + b"\x0e" + b"\1"))
seed("last-rect", update(rect(0, 0, 9, 9, 7, b"\x80abc"), rect(0, 0, 0, 0, -224), count=65535))
seed("cursor", update(rect(1, 1, 9, 5, -239, bytes(9 * 5 * 4 + 10))))
seed("cursor-alpha", update(rect(1, 1, 4, 4, -314, bytes(4 + 64))))
seed("size", update(rect(0, 0, 50, 40, -223)), update(rect(0, 0, 50, 40, 7, b"\x80abc")))
seed("extended-size", update(rect(1, 0, 120, 90, -308, b"\1\0\0\0" + bytes(16))),
     update(rect(1, 3, 50, 40, -308, b"\1\0\0\0" + bytes(16))))
seed("name", update(rect(0, 0, 0, 0, -307, struct.pack(">I", 4) + b"page")))
seed("fence", struct.pack(">BxxxIB", 248, 0x80000001, 3) + b"abc")
seed("messages", b"\2\x96", struct.pack(">BxxxI", 3, 4) + b"text",
     struct.pack(">Bxxxi", 3, -8) + bytes(8), struct.pack(">BxHH", 1, 0, 2) + bytes(12))
