# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole system for a test: scripts/demo in a network of its own, with a web server, a name
server, users, and the questions that tests ask of it."""

import concurrent.futures
import contextlib
import itertools
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import time
import unittest

import lib_net
from lib_net import Network
from lib_proc import BUILD, TOP, Process, in_netns, processes, run, scaled, wait_until
from lib_rfb import Client
from lib_web import NameServer, Web

START_SECONDS = 60
CONTROL = 0xFFE3
_count = itertools.count()


def account_exists(name):
    return subprocess.run(["getent", "passwd", name], stdout=subprocess.DEVNULL,
                          check=False).returncode == 0


class System:
    """Started by the constructor, ended by stop(). `options` are lines for the configuration,
    as {"idle-limit": 5, "dns": ["198.51.100.53"], "clipboard": "both"}. `wrap`: what runs it."""

    address = lib_net.SYSTEM_LAN

    def __init__(self, network, users=("alice", "bob"), options=None, url=None, port=5900,
                 text="", state=None, wrap=()):
        self.wrap = wrap
        self.network = network
        self.port = port
        # Not to be taken for an option.
        self.users = {u: ("lzt%d-%s" % (os.getpid(), u), "p" + secrets.token_urlsafe(9))
                      for u in users}
        number = next(_count)
        self.state = pathlib.Path(state or BUILD / "system" / ("%d-%d" % (os.getpid(), number)))
        shutil.rmtree(self.state, ignore_errors=True)
        self.state.mkdir(parents=True)
        self.demo = None
        self.clients = []
        self.programs = None
        options = dict({"dns": [lib_net.NAME_SERVER]}, **(options or {}))
        self.url = url or "http://%s/colour?c=3060c0" % lib_net.WEB
        config = self.state / "test.conf"
        config.write_text("".join("%s = %s\n" % (k, self._value(v)) for k, v in options.items())
                          + text, encoding="utf-8")
        self.env = dict(
            os.environ, DEMO_PORT=str(port), DEMO_LISTEN="0.0.0.0", DEMO_URL=self.url,
            DEMO_ALLOW=lib_net.ALLOW, DEMO_CONFIG=str(config), DEMO_STATE=str(self.state),
            DEMO_USERS=",".join("%s:%s" % pair for pair in self.users.values()),
            BUILD=str(BUILD))
        self.start()

    @staticmethod
    def _value(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, (list, tuple)):
            return "{%s}" % ", ".join('"%s"' % v for v in value)
        return '"%s"' % value

    @property
    def ca(self):
        return str(self.state / "ca.pem")

    def start(self):
        # One that was killed left it behind.
        (self.state / "ready").unlink(missing_ok=True)
        self.demo = Process(*self.wrap, TOP / "scripts/demo", netns=self.network.system,
                            env=self.env, death=signal.SIGTERM)
        wait_until(lambda: (self.state / "ready").exists() or not self.demo.running(),
                   START_SECONDS, "make demo is ready")
        if not (self.state / "ready").exists():
            raise AssertionError("make demo ended:\n%s\n%s" % ("\n".join(self.demo.lines),
                                                               self.log_tail()))
        # Where the programs of this instance lie, from the wrapper that make demo wrote.
        text = (self.state / "lazaretctl").read_text(encoding="utf-8")
        self.programs = text.partition('exec "')[2].partition("/usr/bin/lazaretctl")[0]

    def stop(self, seconds=60):
        """As Ctrl-C does it; the exit status."""
        self.demo.popen.send_signal(signal.SIGINT)
        status = self.demo.wait(seconds)
        self.demo.stop()
        return status

    # --- users and clients

    def name(self, user):
        return self.users[user][0]

    def password(self, user):
        return self.users[user][1]

    def uid(self, user):
        return int(run("id", "-u", self.name(user)))

    def connection(self, workstation=0, timeout=60):
        """Connected, nothing said yet."""
        return Client(self.address, self.port, self.ca,
                      self.network.workstations[workstation], timeout)

    def client(self, user, workstation=0, timeout=60):
        """Logged in."""
        connection = self.connection(workstation, timeout)
        self.clients.append(connection)
        try:
            return connection.login(self.name(user), self.password(user))
        except BaseException:
            connection.close()
            raise

    # --- administration

    def ctl(self, *arguments, check=True):
        """The records that lazaretctl prints."""
        out = run(self.state / "lazaretctl", "--json", *arguments, check=check)
        return json.loads(out) if out.strip() else None

    def sessions(self):
        found = self.ctl("sessions")
        return found if isinstance(found, list) else found["sessions"]

    def session(self, user):
        """The session of a user as lazaretctl shows it, or None."""
        for session in self.sessions():
            if session["user"] == self.name(user):
                return session
        return None

    def wait_state(self, user, state, seconds=30):
        return wait_until(lambda: (lambda s: s and s["state"] == state and s)(self.session(user)),
                          seconds, "the session of %s is %s" % (user, state))

    def wait_ended(self, user, seconds=30):
        wait_until(lambda: self.session(user) is None, seconds, "the session of %s is gone" % user)

    def end_sessions(self):
        """For tests that share a system: leaves it without sessions."""
        # Nobody looks at the farewell, so nothing waits for it.
        while self.clients:
            self.clients.pop().close()
        for session in self.sessions():
            if session["state"] != "parked":
                # It may end by itself meanwhile: then there is a sentence and no record.
                run(self.state / "lazaretctl", "end", session["id"], check=False)
        wait_until(lambda: not [s for s in self.sessions() if s["state"] != "parked"], 30,
                   "all sessions are gone")

    # --- the log

    def log_text(self):
        try:
            return (self.state / "log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def log_tail(self, lines=40):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def log_mark(self):
        return len(self.log_text())

    def wait_log(self, *parts, since=0, seconds=20):
        """The first line after the mark that contains all the parts."""
        def find():
            for line in self.log_text()[since:].splitlines():
                if all(p in line for p in parts):
                    return line
            return None

        try:
            return wait_until(find, seconds, "a log line with %s" % (parts,))
        except AssertionError as error:
            raise AssertionError("%s; the log ends:\n%s" % (error, self.log_tail())) from None

    # --- what is on the host

    def processes(self, program=None):
        """Processes that run a program of this instance ("lazaret-gateway"), or all of them."""
        start = self.programs + "/"
        return [p for p in processes() if p.exe.startswith(start)
                and (program is None or os.path.basename(p.exe) == program)]

    def cell_processes(self, user=None, name=None):
        """Processes in cells of this instance: of its users' accounts, and of parked cells."""
        marks = ["/%s/" % self.instance]
        found = []
        uid = self.uid(user) if user else None
        for process in processes():
            in_cell = any(m in process.cgroup for m in marks) and "/cell" in process.cgroup
            if not in_cell or (uid is not None and process.uid != uid):
                continue
            if name is None or os.path.basename(process.exe) == name:
                found.append(process)
        return found

    @property
    def instance(self):
        """The name of its control groups, as lazaretd makes it of the runtime directory."""
        value = 2166136261
        for byte in ("/run/lazaret-demo-" + pathlib.Path(self.programs).parent.name).encode():
            value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
        return "lazaret-%08x" % value

    def links(self):
        """Names of the cells' links on the host's side."""
        out = run("ip", "-j", "link", "show", netns=self.network.system)
        return [link["ifname"] for link in json.loads(out) if link["ifname"].startswith("lzc")]

    def cgroups(self):
        found = []
        for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified",
                     "/sys/fs/cgroup/pids"):
            base = pathlib.Path(root) / self.instance
            if base.is_dir():
                found += [str(p) for p in base.glob("s-*")]
        return sorted(found)

    def mounts(self):
        text = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        return [line.split()[4] for line in text.splitlines()
                if "/" + pathlib.Path(self.programs).parent.name + "/" in line.split()[4]]

    def remains(self):
        """What is left of sessions: nothing, when none runs. Parked cells are not in it."""
        return {"processes": [str(p) for p in self.processes("lazaret-display")
                              + self.processes("lazaret-session") + self.cell_processes()],
                "links": self.links(), "cgroups": self.cgroups(), "mounts": self.mounts()}

    def wait_clean(self, seconds=30):
        last = {}

        def clean():
            last.clear()
            last.update(self.remains())
            return not any(last.values())

        try:
            wait_until(clean, seconds, "nothing is left of ended sessions")
        except AssertionError as error:
            raise AssertionError("%s: %s" % (error, last)) from None


class SystemTest(unittest.TestCase):
    """Tests that share one system, started once for the class. Set `options`, `users`, `text`,
    `workstations`."""

    options = {}
    users = ("alice", "bob")
    text = ""
    url = None
    wrap = ()
    workstations = 2

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        try:
            cls.network = Network(cls.workstations)
            cls.stack.callback(cls.network.close)
            cls.web = Web(cls.network.internet, lib_net.WEB, lib_net.OTHER_WEB, lib_net.WEB6)
            cls.stack.callback(cls.web.close)
            cls.names = NameServer(cls.network.internet, lib_net.NAME_SERVER)
            cls.stack.callback(cls.names.close)
            cls.system = System(cls.network, cls.users, cls.options, cls.url, text=cls.text,
                                wrap=cls.wrap)
            cls.stack.callback(cls.system.demo.stop, signal.SIGTERM, 60)
        except BaseException:
            cls.stack.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    def setUp(self):
        self.mark = self.system.log_mark()
        self.web_mark = self.web.mark()

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print("--- log of %s\n%s" % (self.id(), self.system.log_text()[self.mark:][-4000:]),
                  flush=True)

    def end_of_test(self, function, *arguments):
        self.addCleanup(function, *arguments)

    def login(self, user, workstation=0):
        client = self.system.client(user, workstation)
        self.addCleanup(client.close)
        return client

    def open(self, client, path):
        """Types an address, as a person does who looks at what he does, and waits for the page."""
        mark = self.web.mark()
        # Chromium gives Ctrl+L to the page first; what is typed before it comes back is the page's.
        address_bar = (100, 30, client.width - 300, 60)
        client.refresh(False)
        before = client.region(*address_bar)
        client.chord(CONTROL, ord("l"))
        client.wait_change(before, address_bar)
        client.look(0.3)
        client.type("http://%s%s\n" % (lib_net.WEB, path))
        return self.wait_web(client, "loaded", 60, mark, page=path.partition("?")[0])

    def wait_web(self, client, what, seconds=30, since=0, **fields):
        """self.web.wait() while the client goes on looking."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            event = pool.submit(self.web.wait, what, seconds, since, **fields)
            client.pump(event.done)
            return event.result()

    def press_until(self, client, keysym, what, seconds=60, **fields):
        """Presses a key, and again when nothing comes of it, as a person does: what Chromium has just
        put on the screen does not always have the focus yet."""
        mark = self.web.mark()

        def pressed():
            client.key(keysym)
            until = time.monotonic() + scaled(2)
            client.pump(lambda: time.monotonic() > until or happened())
            return happened()

        def happened():
            return any(all(e.get(k) == v for k, v in fields.items())
                       for e in self.web.events(what, mark))

        wait_until(pressed, seconds, "%s %s" % (what, fields))

    def refused(self, user, password, workstation=0):
        """The sentence that a login is refused with."""
        with self.system.connection(workstation) as connection:
            connection.to_credentials()
            connection.credentials(user, password)
            return self.reason(connection)

    @staticmethod
    def reason(connection):
        from lib_rfb import Refused
        try:
            connection.security_result()
        except Refused as refusal:
            return str(refusal)
        raise AssertionError("the login was accepted")


__all__ = ["System", "SystemTest", "account_exists", "scaled", "in_netns"]
