#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offers a text as the clipboard of an X server, or prints the clipboard: with Xlib by ctypes, so
that tests need no further package.

usage: lib_xclip.py set TEXT | get"""

import ctypes
import ctypes.util
import select
import sys
import time

XID = ctypes.c_ulong
X = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
X.XOpenDisplay.restype = ctypes.c_void_p
X.XDefaultRootWindow.restype = XID
X.XCreateSimpleWindow.restype = XID
X.XInternAtom.restype = XID
X.XGetSelectionOwner.restype = XID

SELECTION_REQUEST, SELECTION_NOTIFY, SELECTION_CLEAR = 30, 31, 29
CURRENT = 0


class RequestEvent(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("sent", ctypes.c_int),
                ("display", ctypes.c_void_p), ("owner", XID), ("requestor", XID),
                ("selection", XID), ("target", XID), ("property", XID), ("time", ctypes.c_ulong)]


class NotifyEvent(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("sent", ctypes.c_int),
                ("display", ctypes.c_void_p), ("requestor", XID), ("selection", XID),
                ("target", XID), ("property", XID), ("time", ctypes.c_ulong)]


class Event(ctypes.Union):
    _fields_ = [("type", ctypes.c_int), ("request", RequestEvent), ("notify", NotifyEvent),
                ("pad", ctypes.c_long * 24)]


class Clipboard:
    def __init__(self):
        self.display = ctypes.c_void_p(X.XOpenDisplay(None))
        if not self.display:
            sys.exit("no X server")
        root = X.XDefaultRootWindow(self.display)
        self.window = XID(X.XCreateSimpleWindow(self.display, XID(root), 0, 0, 1, 1, 0, 0, 0))
        self.clipboard = self.atom("CLIPBOARD")
        self.utf8 = self.atom("UTF8_STRING")
        self.targets = self.atom("TARGETS")

    def atom(self, name):
        return X.XInternAtom(self.display, name.encode(), 0)

    def events(self, deadline=None):
        event = Event()
        while deadline is None or time.monotonic() < deadline:
            while X.XPending(self.display):
                X.XNextEvent(self.display, ctypes.byref(event))
                yield event
            select.select([X.XConnectionNumber(self.display)], [], [], 0.1)

    def set_property(self, window, name, kind, bits, data, count):
        X.XChangeProperty(self.display, XID(window), XID(name), XID(kind), bits, 0, data, count)

    def serve(self, text):
        data = text.encode()
        for selection in (self.clipboard, self.atom("PRIMARY")):
            X.XSetSelectionOwner(self.display, XID(selection), self.window, CURRENT)
        X.XSync(self.display, 0)
        print("ready", flush=True)
        for event in self.events():
            if event.type != SELECTION_REQUEST:
                continue
            request = event.request
            answer = Event()
            answer.notify = NotifyEvent(SELECTION_NOTIFY, 0, 1, None, request.requestor,
                                        request.selection, request.target, 0, request.time)
            where = request.property or request.target
            if request.target == self.targets:
                kinds = (ctypes.c_long * 2)(self.targets, self.utf8)
                self.set_property(request.requestor, where, 4, 32, kinds, 2)
                answer.notify.property = where
            elif request.target in (self.utf8, 31):
                self.set_property(request.requestor, where, request.target, 8, data, len(data))
                answer.notify.property = where
            X.XSendEvent(self.display, XID(request.requestor), 0, ctypes.c_long(0),
                         ctypes.byref(answer))
            X.XFlush(self.display)

    def get(self):
        place = self.atom("LZT_TEXT")
        X.XConvertSelection(self.display, XID(self.clipboard), XID(self.utf8), XID(place),
                            self.window, CURRENT)
        for event in self.events(time.monotonic() + 3):
            if event.type != SELECTION_NOTIFY:
                continue
            if not event.notify.property:
                return ""
            kind, bits = XID(), ctypes.c_int()
            count, rest = ctypes.c_ulong(), ctypes.c_ulong()
            data = ctypes.POINTER(ctypes.c_char)()
            X.XGetWindowProperty(self.display, self.window, XID(place), ctypes.c_long(0),
                                 ctypes.c_long(1 << 20), 0, XID(0), ctypes.byref(kind),
                                 ctypes.byref(bits), ctypes.byref(count), ctypes.byref(rest),
                                 ctypes.byref(data))
            return data[:count.value].decode("utf-8", "replace")
        return ""


if __name__ == "__main__":
    if sys.argv[1] == "set":
        Clipboard().serve(sys.argv[2])
    else:
        print(Clipboard().get())
