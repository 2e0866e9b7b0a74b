#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What scrolling a page of documentation costs on the wire, side by side in one run, with the same
client (libvncclient), Tight at compression 2, no JPEG:

copyrect   Lazaret, client takes CopyRect
plain      Lazaret, client does not
xvnc       TigerVNC's Xvnc with the same Chromium on X11

usage: bench/scroll.py [NOTCHES]        (root; default 40 notches of the wheel, ten a second)

Prints a line of JSON a run and the ratios; exit status 1 when a target is missed: copyrect at most a
tenth of plain, plain at most 1.2 times Xvnc, both by bytes for the same way.
"""

import contextlib
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/system"))

import lib_net
from lib_net import Network
from lib_proc import Process
from lib_system import System
from lib_viewer import LineViewer
from lib_web import NameServer, Web

_spec = importlib.util.spec_from_file_location("bench_login", TOP / "bench/login.py")
login = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(login)

URL = "http://%s/docs/ch-controlfields.html" % lib_net.WEB
WIDTH, HEIGHT = 1280, 800
COPYRECT_OF_PLAIN, PLAIN_OF_XVNC = 0.1, 1.2


def still(viewer):
    """Waits until nothing has changed for half a second; what the connection has carried."""
    last = None
    while True:
        stats = viewer.ask("stats")
        now = (stats["updates"], stats["bytes"])
        if now == last:
            return stats
        last = now
        time.sleep(0.5)


def scroll(viewer, kind, notches):
    """Down and up again."""
    viewer.wait_event("picture")
    viewer.send("pointer %d %d 0" % (WIDTH // 2, HEIGHT // 2))
    before = still(viewer)
    start_picture = viewer.ask("hash")["hash"]
    middle = None
    for button in (16, 8):
        for _ in range(notches):
            viewer.send("pointer %d %d %d" % (WIDTH // 2, HEIGHT // 2, button))
            viewer.send("pointer %d %d 0" % (WIDTH // 2, HEIGHT // 2))
            time.sleep(0.1)
        still(viewer)
        middle = middle or viewer.ask("hash")["hash"]
    after = still(viewer)
    if middle == start_picture:
        raise AssertionError("%s: the page did not scroll" % kind)
    result = {k: after[k] - before[k] for k in ("bytes", "updates", "copies", "copied")}
    result.update(kind=kind, notches=2 * notches,
                  bytes_an_update=round(result["bytes"] / max(result["updates"], 1)))
    print(json.dumps(result), flush=True)
    return result


def lazaret(system, kind, encodings, notches):
    viewer = LineViewer(system, *system.users["alice"], encodings=encodings,
                        netns=system.network.workstations[0])
    try:
        viewer.wait_event("connected")
        return scroll(viewer, kind, notches)
    finally:
        viewer.close()
        system.ctl("end", system.name("alice"), check=False)
        system.wait_ended("alice")


class Sham:
    """What LineViewer wants to know of a system."""
    ca, address, port = None, "127.0.0.1", 5999


def xvnc(network, uid, notches):
    with tempfile.TemporaryDirectory(prefix="lzt-bench-") as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        for part in ("home", "run", "policy"):
            (folder / part).mkdir()
            shutil.chown(folder / part, int(uid))
        shutil.chown(folder, int(uid))
        (folder / "run").chmod(0o700)
        shutil.copy(TOP / "dist/cell/chromium.json", folder / "policy")
        server = Process("Xvnc", ":99", "-geometry", "%dx%d" % (WIDTH, HEIGHT), "-depth", "24",
                         "-SecurityTypes", "None", "-rfbport", "5999", "-localhost=1", "-ac",
                         netns=network.system)
        stack.callback(server.stop)
        server.wait_line("Listening for VNC", 20)
        words = ["--ozone-platform=x11" if w.startswith("--ozone") else w
                 for w in login.chromium_command(URL)[:-1]]
        words += ["--window-position=0,0", "--window-size=%d,%d" % (WIDTH, HEIGHT), URL]
        script = ("mkdir -p /etc/chromium/policies/managed && "
                  "mount --bind %s /etc/chromium/policies/managed && "
                  'exec setpriv --reuid=%s --regid=%s --clear-groups --no-new-privs "$@"'
                  % (folder / "policy", uid, uid))
        browser = Process("unshare", "--mount", "sh", "-ec", script, "sh", *words,
                          netns=network.system, cwd=folder / "home", env={
                              "HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder / "run"),
                              "DISPLAY": ":99", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
        stack.callback(browser.stop)
        viewer = LineViewer(Sham, None, None, encodings="tight copyrect", netns=network.system)
        stack.callback(viewer.close)
        viewer.wait_event("connected")
        return scroll(viewer, "xvnc", notches)


def main(notches):
    with contextlib.ExitStack() as stack:
        network = Network(1)
        stack.callback(network.close)
        stack.callback(Web(network.internet, lib_net.WEB).close)
        stack.callback(NameServer(network.internet, lib_net.NAME_SERVER).close)
        system = System(network, ("alice",), {"profile": "wipe", "idle-limit": 0}, url=URL)
        stack.callback(system.demo.stop, signal.SIGTERM, 60)
        copyrect = lazaret(system, "copyrect", "tight copyrect", notches)
        plain = lazaret(system, "plain", "tight", notches)
        peer = xvnc(network, str(system.uid("alice")), notches)
    first = copyrect["bytes"] / plain["bytes"]
    second = plain["bytes"] / peer["bytes"]
    print("scrolling %d notches: with CopyRect %.3f of the bytes without (%d of %d); without, %.2f "
          "of Xvnc (%d); an update: %d, %d, %d bytes"
          % (2 * notches, first, copyrect["bytes"], plain["bytes"], second, peer["bytes"],
             copyrect["bytes_an_update"], plain["bytes_an_update"], peer["bytes_an_update"]))
    met = first <= COPYRECT_OF_PLAIN and second <= PLAIN_OF_XVNC
    if not met:
        print("a target is missed: %.1f and %.1f" % (COPYRECT_OF_PLAIN, PLAIN_OF_XVNC))
    return 0 if met else 1


if __name__ == "__main__":
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and not sys.argv[1].isdigit()):
        sys.exit(__doc__)
    if shutil.which("Xvnc") is None or os.geteuid() != 0:
        sys.exit("bench/scroll.py: needs root and Xvnc (package tigervnc-standalone-server)")
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) == 2 else 40))
