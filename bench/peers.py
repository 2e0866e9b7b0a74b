# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that are compared, each with the same Chromium, flags and policies, all in one network
of namespaces: server and browser in `system`, the measuring client on a workstation.

lazaret   the whole product: gateway with TLS and login, display, cell
xvnc      TigerVNC's Xvnc, no encryption
wayvnc    wayvnc on sway (headless, pixman), no encryption"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/system"))

import lib_net
from lib_proc import BUILD, Process, run, wait_until
from lib_system import System
from login import chromium_command
from measure import Client

WIDTH, HEIGHT = 1920, 1080
# No account has it; a browser's sandbox needs another user than root.
UID = 64871
START_PAGE = "p/blank.html"


def version(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines[0] if lines else "?"


class Folder:
    """What belongs to the uid of a peer: home, runtime folder, the policies of a cell."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="lzt-bench-"))
        self.home, self.run, policy = (self.path / n for n in ("home", "run", "policy"))
        for folder in (self.home, self.run, policy):
            folder.mkdir(mode=0o700 if folder != policy else 0o755)
        shutil.copy(TOP / "dist/cell/chromium.json", policy)
        for folder in (self.path, self.home, self.run):
            os.chown(folder, UID, UID)
        self.policy = policy

    def command(self, *words):
        """Runs the words as that uid, with the policies."""
        script = ("mkdir -p /etc/chromium/policies/managed && "
                  "mount --bind %s /etc/chromium/policies/managed && "
                  'exec setpriv --reuid=%d --regid=%d --clear-groups --no-new-privs "$@"'
                  % (self.policy, UID, UID))
        return ["unshare", "--mount", "sh", "-ec", script, "sh"] + [str(w) for w in words]

    def env(self, **more):
        return dict({"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.run),
                     "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, **more)

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Peer:
    """Started by start(), ended by stop(). client_arguments: what the measuring client needs before
    HOST PORT, and these two."""

    name = None
    runs = None  # at most so many; None: all

    def __init__(self, network, site):
        self.network, self.site = network, site
        self.processes = []
        self.pixels_a_notch = None  # found out by the first scroll

    def server_pids(self):
        """Whose CPU and memory are counted while a client is connected."""
        return [p.pid for p in self.processes]

    def idle_pids(self):
        """Whose wake-ups count on an idle page."""
        return self.server_pids()

    def client_arguments(self):
        return [lib_net.SYSTEM_LAN, str(self.port)]

    @staticmethod
    def top(event):
        """The row of the screen where the page begins, by what the page says of its window."""
        return HEIGHT - event["inner"][1]

    def start_browser_process(self, folder, words, **env):
        browser = Process(*folder.command(*words), netns=self.network.system, cwd=folder.home,
                          env=folder.env(**env))
        self.browser = browser

    def stop(self):
        for process in [self.browser] + self.processes[::-1]:
            if process:
                process.stop()
        if self.folder:
            self.folder.remove()
        self.browser = self.folder = None
        self.processes = []

    browser = folder = None


class Xvnc(Peer):
    name = "xvnc"
    port = 5991

    def start(self):
        self.folder = Folder()
        mark = self.site.mark()
        server = Process("Xvnc", ":91", "-geometry", "%dx%d" % (WIDTH, HEIGHT), "-depth", "24",
                         "-SecurityTypes", "None", "-rfbport", str(self.port), "-ac",
                         netns=self.network.system)
        self.processes = [server]
        server.wait_line("Listening for VNC", 20)
        words = ["--ozone-platform=x11" if w.startswith("--ozone") else w
                 for w in chromium_command(self.site.url(self.name, START_PAGE))]
        words[-1:-1] = ["--window-position=0,0", "--window-size=%d,%d" % (WIDTH + 1, HEIGHT + 1)]
        self.start_browser_process(self.folder, words, DISPLAY=":91")
        self.site.wait_loaded(self.name, START_PAGE, mark)

    @staticmethod
    def top(event):
        # Without a window manager Chromium is a pixel off the size that it is told.
        return event["outer"][1] - event["inner"][1]

    @staticmethod
    def version():
        return version("Xvnc", "-version").removeprefix("Xvnc ")


SWAY_CONFIG = """output HEADLESS-1 resolution %dx%d position 0 0
xwayland disable
default_border none
default_floating_border none
focus_follows_mouse no
"""


class Wayvnc(Peer):
    name = "wayvnc"
    runs = 3
    port = 5992

    def start(self):
        self.folder = Folder()
        mark = self.site.mark()
        config = self.folder.home / "sway"
        config.write_text(SWAY_CONFIG % (WIDTH, HEIGHT), encoding="ascii")
        os.chown(config, UID, UID)
        sway = Process(*self.folder.command("sway", "--config", config),
                       netns=self.network.system, cwd=self.folder.home, env=self.folder.env(
                           WLR_BACKENDS="headless", WLR_RENDERER="pixman",
                           WLR_LIBINPUT_NO_DEVICES="1"))
        self.processes = [sway]
        socket = wait_until(self.find_socket, 20, "sway has made its socket")
        server = Process(*self.folder.command("wayvnc", "--max-fps=60", "--output=HEADLESS-1",
                                              "0.0.0.0", str(self.port)),
                         netns=self.network.system, cwd=self.folder.home,
                         env=self.folder.env(WAYLAND_DISPLAY=socket))
        self.processes.append(server)
        wait_until(self.listens, 20, "wayvnc listens")
        self.start_browser_process(
            self.folder, chromium_command(self.site.url(self.name, START_PAGE)),
            WAYLAND_DISPLAY=socket)
        self.site.wait_loaded(self.name, START_PAGE, mark)

    def find_socket(self):
        found = [p.name for p in self.folder.run.iterdir() if re.fullmatch(r"wayland-\d+", p.name)]
        return found[0] if found else None

    def listens(self):
        out = run("ss", "-Hltn", "sport = :%d" % self.port, netns=self.network.system)
        return str(self.port) in out

    @staticmethod
    def version():
        return "%s, %s" % (version("wayvnc", "--version"), version("sway", "--version"))


class Lazaret(Peer):
    name = "lazaret"
    port = 5900
    system = None

    def start(self):
        self.system = System(self.network, ("alice",), {"profile": "wipe", "idle-limit": 0},
                             url=self.site.url(self.name, START_PAGE), port=self.port)
        self.password = self.system.state / "password"
        self.password.write_text(self.system.password("alice"), encoding="ascii")
        # The session begins with the first viewer, and the browser draws while one looks.
        mark = self.site.mark()
        with Client(self, ["--encodings", "tight copyrect",
                           "--resize", "%dx%d" % (WIDTH, HEIGHT)]):
            self.site.wait_loaded(self.name, START_PAGE, mark)

    def client_arguments(self):
        return ["--ca", self.system.ca, "--user", self.system.name("alice"), "--password-file",
                str(self.password)] + super().client_arguments()

    def server_pids(self):
        return [p.pid for program in ("lazaret-gateway", "lazaret-display")
                for p in self.system.processes(program)]

    def idle_pids(self):
        return [p.pid for p in self.system.processes()]

    def stop(self):
        if self.system:
            self.system.demo.stop(signal.SIGTERM, 60)
        self.system = None

    @staticmethod
    def version():
        return version("git", "-C", str(TOP), "describe", "--always", "--dirty")


PEERS = {peer.name: peer for peer in (Lazaret, Xvnc, Wayvnc)}

__all__ = ["PEERS", "BUILD", "WIDTH", "HEIGHT"]
