#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the login to the first picture of the page, side by side in one run:

bare     the same Chromium, with the flags and policies of a cell, started by an ordinary account on
         the same compositor (tests/tools/bare_display.c): from its exec to the page's colour
cold     a viewer's whole way: connect, TLS, login, cell, browser: to the page's colour decoded
parked   the same, with a cell kept ready

usage: bench/login.py [RUNS]        (root; default 5; the profile is new each time)

Prints a line of JSON a run and the medians; exit status 1 when a target is missed: cold at most
300 ms above bare, parked at most 400 ms.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/system"))

import lib_net
from lib_net import Network
from lib_proc import BUILD, Process, wait_until
from lib_system import System
from lib_web import NameServer, Web

COLOUR = (0x30, 0x60, 0xC0)
URL = "http://%s/colour?c=3060c0" % lib_net.WEB
WIDTH, HEIGHT = 1280, 800
COLD_ABOVE_BARE, PARKED = 300, 400


def chromium_command(url):
    """The flags of src/cell/browser.c, read there so that they cannot differ."""
    text = (TOP / "src/cell/browser.c").read_text(encoding="utf-8")
    text = text.partition("chromium_flags[] = {")[2].partition("NULL")[0]
    words = text.replace('"\n\t"', "").split('"')[1::2]
    return words + [url]


def page_is_shown(path):
    """Whether a PPM shows the page's colour in its middle."""
    data = path.read_bytes()
    at = len(data) - 3 * WIDTH * (HEIGHT // 2) + 3 * (WIDTH // 2)
    return tuple(data[at:at + 3]) == COLOUR


def bare(network, user):
    """Milliseconds from the start of the browser to the page."""
    with tempfile.TemporaryDirectory(prefix="lzt-bench-") as name:
        folder = pathlib.Path(name)
        for part in ("home", "run", "policy"):
            (folder / part).mkdir()
        shutil.copy(TOP / "dist/cell/chromium.json", folder / "policy")
        for part in (folder, folder / "home", folder / "run"):
            shutil.chown(part, user)
        (folder / "run").chmod(0o700)
        shot = folder / "shot"
        display = Process(BUILD / "tests/tools/bare_display", folder / "run/wayland-0", WIDTH,
                          HEIGHT, netns=network.system)
        display.wait_line("READY", 10)
        shutil.chown(folder / "run/wayland-0", user)
        script = ("mkdir -p /etc/chromium/policies/managed && "
                  "mount --bind %s /etc/chromium/policies/managed && "
                  'exec setpriv --reuid=%s --regid=%s --clear-groups --no-new-privs "$@"'
                  % (folder / "policy", user, user))
        start = time.monotonic()
        browser = Process("unshare", "--mount", "sh", "-ec", script, "sh", *chromium_command(URL),
                          netns=network.system, cwd=folder / "home", env={
                              "HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder / "run"),
                              "WAYLAND_DISPLAY": "wayland-0", "PATH": "/usr/bin:/bin",
                              "LANG": "C.UTF-8"})
        try:
            mark = display.mark()
            while True:
                display.wait_line("damage", 60, mark)
                mark = display.mark()
                display.send("shot %s" % shot)
                display.wait_line("done shot", 10, mark)
                if page_is_shown(shot):
                    return 1000 * (time.monotonic() - start)
        finally:
            browser.stop()
            display.stop()


def login(system):
    """Milliseconds from the connection to the page."""
    start = time.monotonic()
    client = system.client("alice")
    try:
        logged_in = 1000 * (time.monotonic() - start)
        client.request(False)
        while True:
            if client.message() == 0:
                if client.pixel(client.width // 2, client.height // 2) == COLOUR:
                    return 1000 * (time.monotonic() - start), logged_in
                client.request(True)
    finally:
        client.close()
        system.ctl("end", system.name("alice"), check=False)
        system.wait_ended("alice")
        wait_until(lambda: not system.cell_processes("alice"), 30, "the cell is gone")


def parked_is_ready(system):
    return [s for s in system.sessions() if s["state"] == "parked"]


@contextlib.contextmanager
def running(network, **options):
    system = System(network, ("alice",), dict({"profile": "wipe", "idle-limit": 0}, **options),
                    url=URL)
    try:
        yield system
    finally:
        system.demo.stop(signal.SIGTERM, 60)


def quiet():
    """The rest of the machine must not be part of the measurement: waits for what just ended."""
    os.sync()
    time.sleep(1)


def record(figures, kind, ms, **more):
    figures.setdefault(kind, []).append(ms)
    print(json.dumps(dict({"kind": kind, "ms": round(ms, 1)}, **more)), flush=True)


def measure(network, runs):
    figures = {}
    with running(network) as system:
        user = system.uid("alice")
        for number in range(runs + 1):
            quiet()
            ms = bare(network, user)
            quiet()
            cold, logged_in = login(system)
            if number > 0:  # the first of each fills the page cache
                record(figures, "bare", ms)
                record(figures, "cold", cold, login=round(logged_in, 1))
    with running(network, **{"parked-cells": 1}) as system:
        for number in range(runs + 1):
            wait_until(lambda: parked_is_ready(system), 60, "a parked cell is there")
            quiet()
            ms, logged_in = login(system)
            if number > 0:
                record(figures, "parked", ms, login=round(logged_in, 1))
    return figures


def main(runs):
    with contextlib.ExitStack() as stack:
        network = Network(1)
        stack.callback(network.close)
        web = Web(network.internet, lib_net.WEB)
        stack.callback(web.close)
        names = NameServer(network.internet, lib_net.NAME_SERVER)
        stack.callback(names.close)
        figures = measure(network, runs)
    median = {kind: statistics.median(values) for kind, values in figures.items()}
    above = median["cold"] - median["bare"]
    print("login to picture, median of %d: bare %.0f ms, cold %.0f ms (%+.0f), parked %.0f ms"
          % (runs, median["bare"], median["cold"], above, median["parked"]))
    met = above <= COLD_ABOVE_BARE and median["parked"] <= PARKED
    if not met:
        print("a target is missed: cold at most %d ms above bare, parked at most %d ms"
              % (COLD_ABOVE_BARE, PARKED))
    return 0 if met else 1


if __name__ == "__main__":
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and not sys.argv[1].isdigit()):
        sys.exit(__doc__)
    if shutil.which("setpriv") is None or os.geteuid() != 0:
        sys.exit("bench/login.py: needs root and setpriv (package util-linux)")
    try:
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) == 2 else 5))
    except subprocess.SubprocessError as error:
        sys.exit(str(error))
