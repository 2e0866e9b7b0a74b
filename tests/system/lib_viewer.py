# SPDX-License-Identifier: GPL-3.0-or-later
"""Real viewers on an X server of their own, driven with xdotool and looked at with import; and
vnc-client (libvncclient), driven by lines."""

import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

from lib_proc import BUILD, SHOTS, Process, run, scaled, wait_until


class Screen:
    """An X server without a screen to look at."""

    def __init__(self, width=1280, height=900):
        read, write = os.pipe()
        os.set_inheritable(write, True)
        self.folder = tempfile.mkdtemp(prefix="lzt-x-")
        self.process = Process(
            "Xvfb", "-displayfd", str(write), "-screen", "0", "%dx%dx24" % (width, height),
            "-nolisten", "tcp", "-noreset", pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise AssertionError("Xvfb did not start: " + "\n".join(self.process.lines))
        self.display = ":" + number
        self.env = {"DISPLAY": self.display, "HOME": self.folder, "PATH": os.environ["PATH"],
                    "LANG": "C.UTF-8", "XDG_RUNTIME_DIR": self.folder, "NO_AT_BRIDGE": "1",
                    "GDK_BACKEND": "x11"}

    def do(self, *arguments):
        return run("xdotool", *arguments, env=self.env)

    def windows(self, pattern):
        out = run("xdotool", "search", "--onlyvisible", "--name", pattern, env=self.env,
                  check=False)
        return [w for w in out.split() if w.isdigit()]

    def wait_window(self, pattern, seconds=30):
        return wait_until(lambda: self.windows(pattern), seconds,
                          "a window named " + pattern)[-1]

    def title(self, window):
        return self.do("getwindowname", window).strip()

    def clipboard_set(self, text):
        """Offers the text as the clipboard for as long as the returned process runs."""
        return Process(sys.executable, "-B", pathlib.Path(__file__).with_name("lib_xclip.py"),
                       "set", text, env=self.env)

    def shot(self, name):
        """Takes a picture of the whole screen; it is kept for people in shots/, too."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / (name + ".png")
        run("import", "-silent", "-window", "root", path, env=self.env)
        return Picture(path)

    def close(self):
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Picture:
    """A picture as pixels."""

    def __init__(self, path):
        self.path = path
        out = run("convert", path, "-depth", "8", "-format", "%w %h", "info:")
        self.width, self.height = (int(n) for n in out.split())
        raw = pathlib.Path(str(path) + ".rgb")
        run("convert", path, "-depth", "8", "rgb:%s" % raw)
        self.data = raw.read_bytes()
        raw.unlink()

    def pixel(self, x, y):
        at = 3 * (y * self.width + x)
        return tuple(self.data[at:at + 3])

    def left(self, width):
        """What is left of a column."""
        row = 3 * self.width
        return b"".join(self.data[y * row:y * row + 3 * width] for y in range(self.height))

    def share(self, colour, step=5, tolerance=0):
        hits = total = 0
        for y in range(0, self.height, step):
            for x in range(0, self.width, step):
                total += 1
                hits += all(abs(a - b) <= tolerance for a, b in zip(self.pixel(x, y), colour))
        return hits / total

    def bounds(self, colour, step=2):
        """The smallest rectangle (left, top, right, bottom) that holds the pixels of a colour."""
        left = top = right = bottom = None
        for y in range(0, self.height, step):
            for x in range(0, self.width, step):
                if self.pixel(x, y) == colour:
                    left = x if left is None else min(left, x)
                    right = x if right is None else max(right, x)
                    top = y if top is None else top
                    bottom = y
        return None if left is None else (left, top, right, bottom)

    def colours(self, step=5):
        return len({self.pixel(x, y) for y in range(0, self.height, step)
                    for x in range(0, self.width, step)})


class Viewer:
    """What the two real viewers have in common: a window that shows the session."""

    def __init__(self, screen):
        self.screen = screen
        self.process = None
        self.window = None

    def shot(self, name):
        return self.screen.shot(name)

    def origin(self):
        """Where the window's top left corner is on the screen, and its size."""
        out = self.screen.do("getwindowgeometry", "--shell", self.window)
        values = dict(line.split("=") for line in out.split() if "=" in line)
        return tuple(int(values[k]) for k in ("X", "Y", "WIDTH", "HEIGHT"))

    def move(self, x, y):
        self.screen.do("mousemove", "--window", self.window, str(x), str(y))

    def click(self, x, y, button=1):
        self.move(x, y)
        self.screen.do("click", str(button))

    def type(self, text):
        self.screen.do("type", "--delay", "20", text)

    def key(self, *names):
        self.screen.do("key", *names)

    def wheel(self, x, y, notches):
        self.move(x, y)
        self.screen.do("click", "--repeat", str(abs(notches)), "--delay", "30",
                       "5" if notches > 0 else "4")

    def resize(self, width, height):
        self.screen.do("windowsize", self.window, str(width), str(height))

    def still(self, name, seconds=30):
        """The picture when nothing moves any more."""
        last = [b""]

        def same():
            time.sleep(0.4)
            picture = self.shot(name)
            before, last[0] = last[0], picture.data
            return picture if picture.data == before else None

        return wait_until(same, seconds, name + " is still")

    def wait_share(self, colour, share, name, seconds=60, tolerance=0):
        """Waits until the screen shows a colour on that part; the last picture stays in shots/."""
        deadline = time.monotonic() + scaled(seconds)
        while True:
            picture = self.shot(name)
            got = picture.share(colour, tolerance=tolerance)
            if got >= share:
                return picture
            if time.monotonic() > deadline:
                raise AssertionError("%s: %.2f of the screen is %s, wanted %.2f\n%s" % (
                    picture.path, got, colour, share, "\n".join(self.process.lines[-20:])))
            time.sleep(0.3)

    def close(self):
        if self.process:
            self.process.stop()


class TigerViewer(Viewer):
    def __init__(self, screen, system, user, password, netns=None, arguments=(), address=None):
        super().__init__(screen)
        env = dict(screen.env, VNC_USERNAME=user, VNC_PASSWORD=password)
        self.process = Process(
            "vncviewer", "-SecurityTypes", "X509Plain", "-X509CA", system.ca,
            "-AlertOnFatalError=0", "-ReconnectOnError=0", "-RemoteResize=1", "-Log=*:stderr:30",
            *arguments, "%s::%d" % (address or system.address, system.port), env=env, netns=netns)

    def wait_connected(self, pattern="Lazaret", seconds=60):
        self.window = self.screen.wait_window(pattern, seconds)
        self.screen.do("windowfocus", self.window)
        return self


class FileViewer(Viewer):
    """The stock viewer with nothing but a connection file, as it is rolled out."""

    def __init__(self, screen, path, user, password, netns=None):
        super().__init__(screen)
        self.process = Process(
            "vncviewer", "-AlertOnFatalError=0", "-ReconnectOnError=0", "-Log=*:stderr:30", path,
            env=dict(screen.env, VNC_USERNAME=user, VNC_PASSWORD=password), netns=netns)


class GtkViewer(Viewer):
    """gvncviewer. It trusts the authorities of the system, so it is shown a system that has ours,
    and asks for user and password in a dialogue."""

    def __init__(self, screen, system, user, password, netns=None, address=None):
        super().__init__(screen)
        self.user, self.password = user, password
        self.process = Process(
            "unshare", "--mount", "sh", "-ec",
            'mount --bind "$1" /etc/ssl/certs/ca-certificates.crt; shift; exec "$@"', "sh",
            system.ca, "gvncviewer", "%s:%d" % (address or system.address, system.port - 5900),
            env=screen.env, netns=netns)

    def wait_connected(self, pattern="Lazaret", seconds=60):
        dialogue = self.screen.wait_window("Authentication required", seconds)
        self.screen.do("windowfocus", "--sync", dialogue)
        self.screen.do("type", "--delay", "20", "--", self.user)
        self.screen.do("key", "Tab")
        self.screen.do("type", "--delay", "20", "--", self.password)
        self.screen.do("key", "Return")
        self.window = self.screen.wait_window(pattern, seconds)
        self.screen.do("windowfocus", self.window)
        return self


class LineViewer:
    """tests/tools/vnc_client.c."""

    def __init__(self, system, user, password, netns=None, encodings=None, quality=None,
                 address=None):
        arguments = ["--ca", system.ca, "--user", user, "--password", password] if user else []
        if encodings:
            arguments += ["--encodings", encodings]
        if quality is not None:
            arguments += ["--quality", str(quality)]
        self.process = Process(BUILD / "tests/tools/vnc-client", *arguments,
                               address or system.address, str(system.port), netns=netns)

    def wait_event(self, event, seconds=60, since=0):
        return json.loads(self.process.wait_line('{"event": "%s"' % event, seconds, since))

    def ask(self, command, seconds=20):
        mark = self.process.mark()
        self.process.send(command)
        return json.loads(self.process.wait_line('{"answer": "%s"' % command.split()[0],
                                                 seconds, mark))

    def send(self, command):
        self.process.send(command)

    def picture(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / (name + ".ppm")
        if self.ask("shot %s" % path)["error"]:
            raise AssertionError("no picture in %s" % path)
        return Picture(path)

    def close(self):
        self.process.stop()


def ready_line(text):
    """Address and port from what `make demo` writes into `ready`."""
    match = re.fullmatch(r"\[?([^\]\s]+)\]? (\d+)\n?", text)
    return match.group(1), int(match.group(2))
