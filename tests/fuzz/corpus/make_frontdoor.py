#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the seeds of the front door's fuzz targets: one file a message and state."""
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).resolve().parent
FORMAT = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
FORMAT16 = struct.pack(">BBBBHHHBBB3x", 16, 16, 0, 1, 31, 63, 31, 11, 5, 0)
INIT = struct.pack(">HH", 64, 48) + FORMAT + struct.pack(">I", 1) + b"x"


def seeds(target, files):
    folder = HERE / target
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def text(s):
    data = s.encode() + b"\0"
    return zlib.compress(struct.pack(">I", len(data)) + data)


def rect(x, y, w, h, encoding, data=b""):
    return struct.pack(">HHHHi", x, y, w, h, encoding) + data


def update(*rects, count=None):
    return struct.pack(">BxH", 0, count or len(rects)) + b"".join(rects)


def cut(kind, flags, data=b""):
    return struct.pack(">B3xiI", kind, -4 - len(data), flags) + data


JPEG = bytes.fromhex("ffd8ffe000040102ffc0001108000800080301220002110103110 1".replace(" ", "")) \
    + bytes.fromhex("ffda000c03010002110311003f0012ff00ffd034ffd9")
provide, caps, notify, request, peek = 0x10000001, 0x1f000001, 0x08000001, 0x02000001, 0x04000001

client = {
    "pixel-format": b"\0" * 4 + FORMAT, "encodings": struct.pack(">BxH3i", 2, 3, 7, 16, -239),
    "request": struct.pack(">BBHHHH", 3, 1, 0, 0, 64, 48),
    "key": struct.pack(">BBxxI", 4, 1, 0x61), "pointer": struct.pack(">BBHH", 5, 1, 2, 3),
    "pointer-long": struct.pack(">BBHHB", 5, 0x81, 2, 3, 2),
    "text": struct.pack(">B3xI", 6, 3) + b"a\xfcb", "provide": cut(6, provide, text("a\r\nb")),
    "caps": cut(6, caps, struct.pack(">I", 1 << 20)), "notify": cut(6, notify),
    "continuous": struct.pack(">BBHHHH", 150, 1, 0, 0, 64, 48),
    "fence": struct.pack(">B3xIB", 248, 0x80000003, 4) + b"ping",
    "size": struct.pack(">BxHHBxIHHHHI", 251, 800, 600, 1, 1, 0, 0, 800, 600, 0),
    "qemu-key": struct.pack(">BBHII", 255, 0, 1, 0x61, 30), "too-long": struct.pack(">B3xI", 6, 1 << 20),
}
seeds("rfb-client", {k: b"\3" + v for k, v in client.items()})
seeds("rfb-client", {"all-bytewise": b"\7" + b"".join(v for k, v in client.items() if k != "too-long")})
server = {
    "raw": update(rect(0, 0, 1, 1, 0, b"abcd")), "copy": update(rect(0, 0, 2, 2, 1, b"\0\1\0\1")),
    "tight-fill": update(rect(0, 0, 9, 9, 7, b"\x80abc")),
    "tight-jpeg": update(rect(0, 0, 8, 8, 7, b"\x90" + bytes([len(JPEG)]) + JPEG)),
    "tight-palette": update(rect(0, 0, 8, 8, 7, b"\x50\1\1abcdef" + b"12345678")),
    "tight-copy": update(rect(0, 0, 8, 8, 7, b"\x00\5hello")),
    "zrle": update(rect(0, 0, 8, 8, 16, b"\0\0\0\5hello")),
    "cursor": update(rect(0, 0, 2, 1, -239, b"12345678\xc0")),
    "cursor-alpha": update(rect(1, 0, 2, 1, -314, b"\0\0\0\0" + b"12345678")),
    "last-rect": update(rect(0, 0, 1, 1, 0, b"abcd"), rect(0, 0, 0, 0, -224), count=0xffff),
    "size": update(rect(0, 0, 32, 32, -223)),
    "extended-size": update(rect(0, 0, 32, 32, -308, struct.pack(">B3xIHHHHI", 1, 7, 0, 0, 32, 32, 0))),
    "refused-size": update(rect(1, 3, 9, 9, -308, struct.pack(">B3xIHHHHI", 1, 7, 0, 0, 9, 9, 0))),
    "acks": update(rect(0, 0, 0, 0, -258), rect(0, 0, 0, 0, -316)),
    "title": update(rect(0, 0, 0, 0, -307, struct.pack(">I", 4) + b"page")), "bell": b"\2",
    "text": struct.pack(">B3xI", 3, 3) + b"abc", "provide": cut(3, provide, text("abc")),
    "caps": cut(3, caps, struct.pack(">I", 0)), "request": cut(3, request), "peek": cut(3, peek),
    "end": b"\x96", "fence": struct.pack(">B3xIB", 248, 0x80000001, 2) + b"ab",
}
seeds("rfb-server", {k: b"\7" + INIT + v for k, v in server.items()})
seeds("rfb-server", {"format": b"\x0f" + INIT + b"\xf0" + FORMAT16 + update(rect(0, 0, 2, 2, 0, b"12345678"))})
steps = [b"RFB 003.008\n", b"\x13", b"\0\2", struct.pack(">I", 262)]
seeds("vencrypt", {
    "whole": b"".join(bytes([len(s) - 1]) + s for s in steps),
    "old": b"\x0bRFB 003.003\n", "seven": b"\x0bRFB 003.007\n", "garbage": b"\x03GET ",
    "early": b"\x0cRFB 003.008\n\x13", "plain": struct.pack(">II", 5, 6) + b"alicesecret",
    "long": struct.pack(">II", 257, 1) + b"a" * 258, "type": b"\x0bRFB 003.008\n\0\1",
})
seeds("clipboard", {
    "provide": struct.pack(">I", provide) + text("äöü\r\n"), "caps": struct.pack(">II", caps, 99),
    "notify": struct.pack(">I", notify), "request": struct.pack(">I", request),
    "peek": struct.pack(">I", peek), "text": "ä\x1b[0m\r\r\n\x80".encode(), "invalid": b"\xff\xc0\x80a\0b",
    "bomb": struct.pack(">I", provide) + zlib.compress(struct.pack(">I", 1 << 30) + bytes(1 << 16)),
})
