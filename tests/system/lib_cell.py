# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of ours inside the cells of a real session: tests/tools/cell_probe.c, which stands in
the place of lazaret-browser, starts an agent and then the real launcher. Orders go to the agent
through a socket in the transfer folder, the only thing that both sides can reach."""

import errno
import json
import os
import pathlib
import re
import shutil
import socket
import threading
import time

from lib_proc import BUILD, Process, processes, run, scaled, wait_until
from lib_system import SystemTest

PROBE = BUILD / "tests/tools/cell_probe"


def overwrite(program, content):
    try:
        program.write_bytes(content)
    except OSError as error:
        if error.errno != errno.ETXTBSY:
            raise
        return False
    return True


class Order:
    """What an agent does on request; its answers are kept as they come."""

    def __init__(self, path, words, seconds=30):
        self.words = words
        self.answers = []
        self.changed = threading.Condition()
        self.ended = False
        self.stream = self._connect(path, seconds)
        self.stream.sendall((" ".join(str(w) for w in words) + "\n").encode())
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @staticmethod
    def _connect(path, seconds):
        def attempt():
            stream = socket.socket(socket.AF_UNIX)
            try:
                stream.connect(str(path))
                return stream
            except OSError:
                stream.close()
                return None

        return wait_until(attempt, seconds, "the agent listens on %s" % path)

    def _read(self):
        rest = b""
        while True:
            try:
                data = self.stream.recv(65536)
            except OSError:
                data = b""
            rest += data
            lines = rest.split(b"\n")
            rest = lines.pop()
            with self.changed:
                for line in lines:
                    # Processes that are killed in the middle of a line leave half of it.
                    try:
                        self.answers.append(json.loads(line.decode("utf-8", "replace")))
                    except ValueError:
                        pass
                self.ended = self.ended or not data
                self.changed.notify_all()
            if not data:
                return

    def wait(self, what, seconds=60):
        """The first answer of that name."""
        deadline = time.monotonic() + scaled(seconds)
        with self.changed:
            while True:
                for answer in self.answers:
                    if answer["what"] == what:
                        return answer
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    raise AssertionError("%s: no answer %r; it said %s" % (
                        self.words, what, self.answers[-20:]))
                self.changed.wait(left)

    def finish(self, seconds=60):
        """All answers, when it has ended."""
        self.wait("exit", seconds)
        self.close()
        return self.answers

    def close(self):
        self.stream.close()


class CellTest(SystemTest):
    """A system whose cells hold the agent."""

    options = {"idle-limit": 0}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.plant(cls.system)
        except BaseException:
            cls.stack.close()
            raise

    @staticmethod
    def plant(system):
        programs = pathlib.Path(system.programs)
        launcher = programs / "usr/libexec/lazaret/lazaret-browser"
        shutil.copy2(launcher, programs / "usr/share/lazaret/start/lazaret-browser")
        # Into the file itself, for that is what the daemon holds; not while a cell executes it.
        wait_until(lambda: overwrite(launcher, PROBE.read_bytes()), 30, "no cell runs")

    @classmethod
    def files(cls, user):
        """The user's folder as the host sees it: data/home and data/lock/transfer."""
        return (pathlib.Path(cls.system.programs).parent / "state/users"
                / str(cls.system.uid(user)))

    @classmethod
    def order(cls, user, *words):
        return Order(cls.files(user) / "data/lock/transfer/probe", words)

    @classmethod
    def ask(cls, user, *words, seconds=60):
        return cls.order(user, *words).finish(seconds)

    @classmethod
    def enter(cls, user, workstation=0):
        """A session of the user, with an agent that answers."""
        if not cls.system.session(user):
            with cls.system.client(user, workstation):
                cls.order(user, "unix").finish()
        return cls.system.session(user)

    @classmethod
    def inside(cls, user):
        """The first process of the user's cell: what it has just forked looks like it, and is gone soon."""
        return min((p for p in cls.system.cell_processes(user)
                    if any("lazaret-browser" in word for word in p.command[:1])), key=lambda p: p.pid)

    @classmethod
    def in_cell_network(cls, user, *command, check=True):
        """Runs a program of the host, as root, in the network of the user's cell."""
        return run("nsenter", "--net=/proc/%d/ns/net" % cls.inside(user).pid, "--", *command,
                   check=check)

    @classmethod
    def addresses(cls, user):
        """The cell's own addresses and the host's on the other side: own4, own6, host4, host6."""
        links = json.loads(cls.in_cell_network(user, "ip", "-j", "address"))
        found = {a["family"]: a["local"] for link in links if link["ifname"] != "lo"
                 for a in link["addr_info"] if a["scope"] == "global"}
        gateways = {}
        for family in ("inet", "inet6"):
            routes = json.loads(cls.in_cell_network(
                user, "ip", "-j", "-4" if family == "inet" else "-6", "route"))
            gateways[family] = next((r["gateway"] for r in routes if r["dst"] == "default"), None)
        return found.get("inet"), found.get("inet6"), gateways["inet"], gateways["inet6"]

    @classmethod
    def link(cls, user):
        """Name of the cell's link inside."""
        links = json.loads(cls.in_cell_network(user, "ip", "-j", "link"))
        return next(link["ifname"] for link in links if link["ifname"] != "lo")


def drops(text):
    """Packets that the rules of `nft -j list ruleset` have refused: counters, their own or named
    ones, of rules that end in drop or reject."""
    items = json.loads(text)["nftables"]
    named = {(c["family"], c["table"], c["name"]): c["packets"]
             for c in (item["counter"] for item in items if "counter" in item)}
    own, used = 0, set()
    for rule in (item["rule"] for item in items if "rule" in item):
        if not any("drop" in e or "reject" in e for e in rule["expr"]):
            continue
        for counter in (e["counter"] for e in rule["expr"] if "counter" in e):
            if isinstance(counter, str):
                used.add((rule["family"], rule["table"], counter))
            else:
                own += counter["packets"]
    return own + sum(named[c] for c in used)


__all__ = ["CellTest", "Order", "Process", "drops", "os", "processes", "re"]
