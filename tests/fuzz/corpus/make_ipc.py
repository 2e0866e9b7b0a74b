#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the seeds of the ipc target: the words of each peer in order, and out of order."""
import pathlib
import re
import struct

HERE = pathlib.Path(__file__).resolve().parent
TYPES = re.findall(r"^M\((\w+),", (HERE / "../../../src/ipc/messages.def").read_text(), re.M)
VERSION = int(re.search(r"#define IPC_VERSION (\d+)",
                        (HERE / "../../../src/ipc/message.h").read_text())[1])
GATEWAY, SESSION, DISPLAY, CONTROL, KEYD = range(5)


def u8(*values):
    return bytes(values)


def u32(*values):
    return struct.pack(">%dI" % len(values), *values)


def u64(value):
    return struct.pack(">Q", value)


def text(words):
    return u32(len(words)) + words.encode()


def packet(name, body=b"", fds=0, deaf=False, version=VERSION):
    data = struct.pack(">HH", TYPES.index(name), version) + body
    return u8(fds | deaf << 3) + struct.pack(">H", len(data)) + data


def raw(data, fds=0):
    return u8(fds) + struct.pack(">H", len(data)) + data


def state(kind, uid=1000, slot=0):
    return packet("SESSION_STATE", text("0123456789abcdef0123") + u32(slot, uid) + text("alice")
                  + u8(kind) + u64(1) + u64(2) + text("192.0.2.1") + u8(3) + u32(0x20) + u8(1))


def seed(name, receiver, variant, *packets):
    folder = HERE / "ipc"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(u8(receiver, variant) + b"".join(packets))


secured = packet("GATEWAY_SECURED")
login = packet("GATEWAY_LOGIN", text("alice") + text("secret"))
accuse = packet("GATEWAY_ACCUSE", text("a rectangle outside"))
identified = packet("SESSION_IDENTIFIED", u32(1000) + text("alice") + u8(3) + u32(0x20))
request = packet("CONTROL_REQUEST", u32(1, 2) + text("kick") + text("alice"))

seed("gateway-admitted", GATEWAY, 1, secured, login, accuse)
seed("gateway-refused", GATEWAY, 2, secured, login, accuse)
seed("gateway-too-early", GATEWAY, 0, login)
seed("gateway-twice", GATEWAY, 0, secured, secured)
seed("gateway-long-name", GATEWAY, 0, secured,
     packet("GATEWAY_LOGIN", text("a" * 1025) + text("secret")))
seed("gateway-nul", GATEWAY, 0, secured, packet("GATEWAY_LOGIN", text("a\0b") + text("c")))
seed("gateway-of-another", GATEWAY, 0, identified)
seed("gateway-tail", GATEWAY, 0, packet("GATEWAY_SECURED", b"x"))
seed("gateway-fds", GATEWAY, 1, packet("GATEWAY_SECURED", fds=4),
     packet("GATEWAY_LOGIN", text("alice") + text("secret"), fds=2), accuse)
seed("too-many-fds", GATEWAY, 0, packet("GATEWAY_SECURED", fds=5))
seed("empty", GATEWAY, 0, raw(b""))
seed("empty-with-fds", GATEWAY, 0, raw(b"", fds=3))
seed("half-a-header", GATEWAY, 0, raw(b"\0\5\0"))
seed("version", GATEWAY, 0, packet("GATEWAY_SECURED", version=VERSION + 1))
seed("unknown-type", GATEWAY, 0, raw(b"\xff\xff\0\1"))
seed("session", SESSION, 0, identified, packet("SESSION_NEEDS_NET", u32(0)),
     packet("SESSION_READY"), state(2), packet("SESSION_DETACHED", text("left")),
     packet("SESSION_ENDED", text("logout")))
seed("session-discarded", SESSION, 2, identified, packet("SESSION_READY"))
seed("session-refused", SESSION, 0, packet("SESSION_REFUSED", u8(2) + text("expired")))
seed("session-refused-wrong", SESSION, 0, packet("SESSION_REFUSED", u8(4) + text("expired")))
seed("session-root", SESSION, 0, packet("SESSION_IDENTIFIED", u32(0) + text("root") + u8(0) + u32(0)))
seed("session-running", SESSION, 1, packet("SESSION_READY"), state(0), state(4))
seed("session-other-uid", SESSION, 1, state(2, uid=1001))
seed("session-other-slot", SESSION, 1, packet("SESSION_NEEDS_NET", u32(7)))
seed("session-parked", SESSION, 5, packet("SESSION_READY"), state(1, uid=0), state(2))
seed("display", DISPLAY, 0, packet("DISPLAY_READY"), packet("DISPLAY_WINDOWS", u32(3)),
     packet("DISPLAY_WANTS_TEXT", text("Hello") + u32(800) + u8(1)),
     packet("DISPLAY_FIRST_PICTURE"), packet("DISPLAY_DETACHED", u32(1) + text("left")))
seed("display-twice-ready", DISPLAY, 1, packet("DISPLAY_READY"), packet("DISPLAY_READY"))
seed("display-long-text", DISPLAY, 0,
     packet("DISPLAY_WANTS_TEXT", text("a" * 513) + u32(800) + u8(1)))
seed("display-nowhere", DISPLAY, 0, packet("DISPLAY_WANTS_TEXT", text("a") + u32(8) + u8(2)))
seed("control", CONTROL, 0, request)
seed("control-twice", CONTROL, 0, request, request)
seed("control-root-only", CONTROL, 1, packet("CONTROL_REQUEST", u32(1, 1) + text("shutdown")))
seed("control-version", CONTROL, 0, packet("CONTROL_REQUEST", u32(2, 1) + text("status")))
seed("control-many-words", CONTROL, 0, packet("CONTROL_REQUEST", u32(1, 17) + text("a") * 17))
seed("control-deaf", CONTROL, 0, packet("CONTROL_REQUEST", u32(1, 1) + text("status"), deaf=True))
seed("keyd-ed25519", KEYD, 0, packet("KEYD_SIGN", u32(35, 130) + b"x" * 130))
seed("keyd-short", KEYD, 0, packet("KEYD_SIGN", u32(35, 2) + b"xx"))
seed("keyd-rsa", KEYD, 0, packet("KEYD_SIGN", u32(6, 32) + b"x" * 32))
seed("keyd-lies", KEYD, 0, packet("KEYD_SIGN", u32(35, 2000) + b"x" * 130))
