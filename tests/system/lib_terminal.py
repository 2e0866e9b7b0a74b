# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal with a person at it: tmux, keys that are pressed, and what is to be seen."""

import os
import re
import shlex
import subprocess
import tempfile
import time

from lib_proc import SHOTS, in_netns, scaled


class Terminal:
    """Runs a command in a terminal of a size. `close()` ends it."""

    def __init__(self, command, columns=80, rows=24, netns=None, env=None):
        self.folder = tempfile.TemporaryDirectory(prefix="lazaret-tmux-")
        self.socket = os.path.join(self.folder.name, "socket")
        self.environment = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm-256color")
        self.environment.update(env or {})
        line = " ".join(shlex.quote(str(c)) for c in in_netns(netns) + command)
        # What the program leaves behind is to be seen, with how it ended.
        self.tmux("new-session", "-d", "-x", columns, "-y", rows,
                  line + '; echo "ended with $?"; exec cat')

    def tmux(self, *arguments):
        done = subprocess.run(
            ["tmux", "-u", "-f", "/dev/null", "-S", self.socket, *map(str, arguments)],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=scaled(20), check=False)
        if done.returncode != 0:
            raise AssertionError("tmux %s: %s" % (arguments[0], done.stdout))
        return done.stdout

    def keys(self, *keys):
        """Names as tmux has them: Down, Enter, Escape, C-c, F5."""
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", "--", text)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", columns, "-y", rows)

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def raw(self):
        """With the attributes, as escape sequences of tmux's own."""
        return self.tmux("capture-pane", "-p", "-e")

    def wait(self, *texts, seconds=20, absent=()):
        """The screen once all of these stand there; blanks and ends of lines count as one blank."""
        deadline = time.monotonic() + scaled(seconds)
        while True:
            screen = self.screen()
            flat = flatten(screen)
            if all(flatten(t) in flat for t in texts) and not any(flatten(t) in flat for t in absent):
                return screen
            if time.monotonic() > deadline:
                raise AssertionError("no %s, or still %s, in\n%s" % (texts, absent, screen))
            time.sleep(0.05)

    def choose(self, text, *wanted):
        """Moves to the line that has the text, and presses Enter. One key at a time, each when the one
        before has been seen to have its effect."""
        line = self.settled()
        wrapped = False
        while text not in line:
            before = line
            self.keys("Down")
            line = self.changed(before)
            if line == before and not wrapped:
                wrapped = True
                self.keys("Home")
                line = self.changed(before)
            elif line == before:
                raise AssertionError("%r cannot be chosen in\n%s" % (text, self.screen()))
        self.keys("Enter")
        return self.wait(*wanted) if wanted else None

    def settled(self):
        """The line that is chosen, when two looks agree."""
        line = None
        while line is None or line != self.selected():
            line = self.selected()
            time.sleep(0.05)
        return line

    def changed(self, before):
        """The line that is chosen, once it is another one; or at the end of the list the same."""
        deadline = time.monotonic() + scaled(2)
        while self.selected() == before and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.selected()

    def selected(self):
        """The text of the line that the list stands on: newt shows it on red."""
        for line in self.raw().splitlines():
            match = re.search(r"\x1b\[41m([^\x1b]*\S[^\x1b]*)", line)
            if match:
                return match.group(1)
        return ""

    def shot(self, name):
        """Kept for people to look at."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        screen = self.screen()
        (SHOTS / (name + ".txt")).write_text(screen, encoding="utf-8")
        return screen

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self.folder.cleanup()


def flatten(text):
    """Frames and breaks between words do not count."""
    return re.sub(r"[\s\u2500-\u259f]+", " ", text)
