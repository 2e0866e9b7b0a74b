# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that tests start, waiting for what they do, and looking at what the host holds."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import threading
import time

FACTOR = float(os.environ.get("LAZARET_TIME_FACTOR", "1"))
TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD") or TOP / "build/check").absolute()
SHOTS = BUILD / "shots"

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def scaled(seconds):
    """A time limit, stretched for slow machines. Limits only ever make a test fail."""
    return seconds * FACTOR


def wait_until(condition, seconds, what):
    """Polls until `condition()` is true and returns what it gave; AssertionError after a time."""
    deadline = time.monotonic() + scaled(seconds)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %g s: %s" % (scaled(seconds), what))
        time.sleep(0.02)


def run(*command, netns=None, check=True, input=None, env=None, seconds=60):
    """Runs to the end and returns the output; AssertionError with it when it fails."""
    command = [str(c) for c in command]
    done = subprocess.run(in_netns(netns) + command, input=input, env=env, text=True,
                          stdin=subprocess.DEVNULL if input is None else None,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=scaled(seconds), check=False, errors="replace")
    if check and done.returncode != 0:
        raise AssertionError("%s: status %d\n%s" % (" ".join(command), done.returncode,
                                                    done.stdout))
    return done.stdout


def in_netns(netns):
    # Not `ip netns exec`: that hides /sys/fs/cgroup behind a fresh /sys.
    return ["nsenter", "--net=/run/netns/" + netns, "--"] if netns else []


class Process:
    """A helper program; ends with the test, by its own process id. Its output is kept."""

    def __init__(self, *command, netns=None, env=None, death=signal.SIGKILL, cwd=None,
                 pass_fds=()):
        self.command = [str(c) for c in command]
        self.lines = []
        self.changed = threading.Condition()
        parent = os.getpid()

        def before_exec():
            _libc.prctl(PR_SET_PDEATHSIG, int(death), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)
            os.setsid()

        self.popen = subprocess.Popen(
            in_netns(netns) + self.command, env=env, cwd=cwd, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=before_exec,
            text=True, errors="replace", bufsize=1, pass_fds=pass_fds)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        with contextlib.suppress(ValueError):
            for line in self.popen.stdout:
                with self.changed:
                    self.lines.append(line.rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def send(self, line):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def mark(self):
        """A place in the output, for wait_line(since=...)."""
        with self.changed:
            return len(self.lines)

    def wait_line(self, accept, seconds=30, since=0):
        """The first line at or after `since` for which accept(line) is true (a string: that it
        contains it). Fails at once when the program has ended without it."""
        if isinstance(accept, str):
            wanted, text = (lambda line: text in line), accept
        else:
            wanted, text = accept, "a line"
        deadline = time.monotonic() + scaled(seconds)
        place = since
        with self.changed:
            while True:
                while place < len(self.lines):
                    if wanted(self.lines[place]):
                        return self.lines[place]
                    place += 1
                left = deadline - time.monotonic()
                ended = not self.reader.is_alive()
                if left <= 0 or ended:
                    raise AssertionError("%s %s without %r; it said:\n%s" % (
                        self.command[0], "ended" if ended else "went on %g s" % scaled(seconds),
                        text, "\n".join(self.lines[-40:])))
                self.changed.wait(min(left, 0.5))

    def wait(self, seconds=30):
        """Its exit status."""
        try:
            status = self.popen.wait(scaled(seconds))
        except subprocess.TimeoutExpired:
            raise AssertionError("%s still runs after %g s; it said:\n%s" % (
                self.command[0], scaled(seconds), "\n".join(self.lines[-40:]))) from None
        self.reader.join(5)
        return status

    def stop(self, sig=signal.SIGTERM, seconds=10):
        """Ends it, by force if need be. Safe to call twice."""
        if self.popen.poll() is None:
            self.popen.send_signal(sig)
            try:
                self.popen.wait(scaled(seconds))
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout):
            with contextlib.suppress(OSError, ValueError):
                if stream is self.popen.stdout:
                    self.reader.join(2)
                stream.close()
        return self.popen.returncode


# --- what the host holds ------------------------------------------------------------------------

class Proc:
    """A process of the system under test, as /proc shows it."""

    def __init__(self, pid):
        self.pid = pid
        stat = pathlib.Path("/proc/%d/stat" % pid).read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        self.name = stat.partition("(")[2].rpartition(")")[0]
        self.state = fields[0]
        self.parent = int(fields[1])
        self.started = int(fields[19])
        self.cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        self.uid = os.stat("/proc/%d" % pid).st_uid
        try:
            self.exe = os.readlink("/proc/%d/exe" % pid)
        except OSError:
            self.exe = ""
        try:
            raw = pathlib.Path("/proc/%d/cmdline" % pid).read_bytes()
            self.command = raw.rstrip(b"\0").decode("utf-8", "replace").split("\0")
            self.cgroup = pathlib.Path("/proc/%d/cgroup" % pid).read_text(encoding="utf-8")
        except OSError:
            self.command = []
            self.cgroup = ""

    def alive(self):
        """Whether this very process (not another with its number) is there and no zombie."""
        try:
            now = Proc(self.pid)
        except (OSError, IndexError, ValueError):
            return False
        return now.started == self.started and now.state not in "ZX"

    def kill(self, sig=signal.SIGKILL):
        if self.alive():
            os.kill(self.pid, sig)

    def __repr__(self):
        return "%s[%d uid %d]" % (os.path.basename(self.exe) or self.name, self.pid, self.uid)


def processes():
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                found.append(Proc(int(entry)))
    return found
