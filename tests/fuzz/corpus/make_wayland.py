#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the seeds of tests/fuzz/wayland.c: what ordinary clients send, in its notation."""
import pathlib
import struct

HERE = pathlib.Path(__file__).parent / "wayland"
(SEAT, SHM, COMPOSITOR, SUBCOMPOSITOR, OUTPUT, XDG_OUTPUT, WM_BASE, DATA, PRIMARY, VIEWPORTER,
 PRESENTATION, FRACTIONAL, SINGLE, DECORATION, EXPORTER, IMPORTER, ACTIVATION, INHIBIT,
 TEXT) = range(3, 22)
FIRST = 22
NEW, SERIAL = 0xFEFEFEFE, 0xFDFDFDFD
MOVE, BUTTON, WHEEL, KEY, RESIZE, VISIBLE, OFFER, FETCH, CLOSE, LOOK = range(10)


class Seed:
    def __init__(self):
        self.out, self.next = b"", FIRST

    def send(self, target, opcode, *words, fd=False):
        self.out += struct.pack("<BBB", target, opcode, len(words) | (0x40 if fd else 0))
        self.out += b"".join(struct.pack("<I", w & 0xFFFFFFFF) for w in words)
        if NEW in words:
            self.next += 1
        return self.next - 1

    def viewer(self, action, *words):
        self.send(0, action, *words)

    def string(self, text):
        raw = text.encode() + b"\0"
        padded = raw + b"\0" * (-len(raw) % 4)
        return [len(raw), *struct.unpack(f"<{len(padded) // 4}I", padded)]

    def surface(self):
        return self.send(COMPOSITOR, 0, NEW)

    def buffer(self, width=64, height=64):
        pool = self.send(SHM, 0, NEW, 65536, fd=True)
        return self.send(pool, 0, NEW, 0, width, height, width * 4, 0)

    def show(self, surface, buffer):
        self.send(surface, 1, buffer, 0, 0)
        self.send(surface, 2, 0, 0, 64, 64)
        self.send(surface, 3, NEW)
        self.send(surface, 6)

    def xdg(self):
        surface = self.surface()
        return surface, self.send(WM_BASE, 2, NEW, surface)

    def window(self, width=128, height=100):
        surface, xdg = self.xdg()
        toplevel = self.send(xdg, 1, NEW)
        self.send(surface, 6)
        self.send(xdg, 4, SERIAL)
        self.show(surface, self.buffer(width, height))
        return surface, xdg, toplevel

    def popup(self, parent):
        surface, xdg = self.xdg()
        positioner = self.send(WM_BASE, 1, NEW)
        self.send(positioner, 1, 40, 30)
        self.send(positioner, 2, 5, 5, 10, 10)
        self.send(positioner, 3, 6)
        self.send(positioner, 4, 8)
        self.send(positioner, 5, 63)
        popup = self.send(xdg, 2, NEW, parent, positioner)
        self.send(popup, 1, SEAT, 1)
        self.send(surface, 6)
        self.send(xdg, 4, SERIAL)
        self.show(surface, self.buffer(40, 30))
        return surface, xdg, popup, positioner


def window(s):
    surface, xdg, toplevel = s.window()
    s.send(toplevel, 2, *s.string("a title"))
    s.send(toplevel, 11, 0)
    s.send(xdg, 3, 2, 2, 60, 60)
    s.send(surface, 6)
    s.viewer(RESIZE, 300, 200, 180)
    s.viewer(LOOK)
    s.send(toplevel, 12)
    s.send(toplevel, 0)
    s.send(surface, 6)
    s.send(xdg, 0)
    s.send(surface, 0)


def popups(s):
    _, xdg, _ = s.window()
    s.viewer(LOOK)
    _, first, popup, positioner = s.popup(xdg)
    _, _, second, _ = s.popup(first)
    s.viewer(LOOK)
    s.send(popup, 2, positioner, 7)
    s.viewer(MOVE, 300, 190)
    s.viewer(BUTTON, 0, 1)
    s.viewer(BUTTON, 0, 0)
    s.send(popup, 0)
    s.send(second, 0)


def subsurfaces(s):
    surface, _, _ = s.window()
    for _ in range(3):
        child = s.surface()
        subsurface = s.send(SUBCOMPOSITOR, 1, NEW, child, surface)
        s.send(subsurface, 1, 3, 4)
        s.show(child, s.buffer(16, 16))
        s.send(subsurface, 3, surface)
        s.send(surface, 6)
        s.viewer(LOOK)
        s.send(subsurface, 5)
        surface = child


def pointer(s):
    surface, _, _ = s.window()
    pointer = s.send(SEAT, 0, NEW)
    s.viewer(MOVE, 10, 10)
    cursor = s.surface()
    s.send(pointer, 0, 1, cursor, 2, 2)
    s.show(cursor, s.buffer(24, 24))
    s.viewer(BUTTON, 0, 1)
    s.viewer(WHEEL, 0, 120)
    s.viewer(BUTTON, 0, 0)
    s.send(cursor, 0)
    s.send(pointer, 1)
    s.send(surface, 0)


def keyboard(s):
    s.window()
    keyboard = s.send(SEAT, 1, NEW)
    text = s.send(TEXT, 1, NEW, SEAT)
    s.send(text, 1)
    s.send(text, 7)
    for keysym in (0x61, 0x41, 0x01006F22, 0x0101F600, 0xFFE3, 0x6D3, 0xFFE9, 0xFFC1):
        s.viewer(KEY, keysym, 0x100)
        s.viewer(KEY, keysym, 0)
    s.send(text, 0)
    s.send(keyboard, 0)


def clipboard(s):
    s.window()
    for manager in (DATA, PRIMARY):
        source = s.send(manager, 0, NEW)
        s.send(source, 0, *s.string("text/plain"))
        device = s.send(manager, 1, NEW, SEAT)
        s.send(device, 1 if manager == DATA else 0, source, 1)
        s.viewer(FETCH)
        s.viewer(OFFER, 4)
        s.send(device, 1 if manager == DATA else 0, 0, 1)
        s.send(source, 1)


def drag(s):
    surface, _, _ = s.window()
    s.send(SEAT, 0, NEW)
    source = s.send(DATA, 0, NEW)
    s.send(source, 0, *s.string("text/plain"))
    s.send(source, 2, 3)
    device = s.send(DATA, 1, NEW, SEAT)
    icon = s.surface()
    s.viewer(MOVE, 10, 10)
    s.viewer(BUTTON, 0, 1)
    for serial in range(1, 40):
        s.send(device, 0, source, surface, icon, serial)
    s.show(icon, s.buffer(8, 8))
    s.viewer(MOVE, 30, 30)
    s.viewer(LOOK)
    s.viewer(BUTTON, 0, 0)
    s.send(icon, 0)
    s.send(source, 1)


def scaling(s):
    surface, _, _ = s.window()
    viewport = s.send(VIEWPORTER, 1, NEW, surface)
    s.send(FRACTIONAL, 1, NEW, surface)
    s.send(viewport, 1, 0, 0, 32 << 8, 32 << 8)
    s.send(viewport, 2, 300, 180)
    s.send(surface, 6)
    s.viewer(LOOK)
    s.send(surface, 7, 1)
    s.send(surface, 8, 2)
    s.send(viewport, 2, -1, -1)
    s.show(surface, s.buffer(64, 32))
    s.viewer(LOOK)
    pixel = s.send(SINGLE, 1, NEW, 0x80000000, 0, 0xFFFFFFFF, 0xFFFFFFFF)
    s.send(viewport, 0)
    s.show(surface, pixel)
    s.send(PRESENTATION, 1, surface, NEW)
    s.send(surface, 6)


def regions(s):
    surface, _, _ = s.window()
    region = s.send(COMPOSITOR, 1, NEW)
    s.send(region, 1, 0, 0, 40, 40)
    s.send(region, 2, 10, 10, 5, 5)
    s.send(surface, 4, region)
    s.send(surface, 5, region)
    s.send(surface, 9, -5, -5, 30, 30)
    s.send(surface, 6)
    s.send(region, 0)


def relatives(s):
    surface, _, toplevel = s.window()
    s.send(EXPORTER, 1, NEW, surface)
    s.send(IMPORTER, 1, NEW, *s.string("nobody"))
    s.send(DECORATION, 1, NEW, toplevel)
    s.send(XDG_OUTPUT, 1, NEW, OUTPUT)
    s.send(INHIBIT, 1, NEW, surface)
    token = s.send(ACTIVATION, 1, NEW)
    s.send(token, 3)
    s.send(ACTIVATION, 2, *s.string("lazaret"), surface)
    _, _, dialog = s.window(40, 40)
    s.send(dialog, 1, toplevel)
    s.viewer(CLOSE)
    s.send(toplevel, 0)
    s.viewer(VISIBLE, 0)
    s.viewer(LOOK)


def main():
    HERE.mkdir(exist_ok=True)
    for scenario in (window, popups, subsurfaces, pointer, keyboard, clipboard, drag, scaling,
                     regions, relatives):
        seed = Seed()
        scenario(seed)
        (HERE / scenario.__name__).write_bytes(seed.out)


if __name__ == "__main__":
    main()
