# SPDX-License-Identifier: GPL-3.0-or-later
"""The system as its package installs it, on a machine of its own: files where Debian has them, accounts by
sysusers, the daemon as its unit starts it."""

import itertools
import json
import os
import secrets
import signal

import lib_net
from lib_proc import run
from lib_rfb import Client

# Below those of displays and cells.
UIDS = 2000000
_count = itertools.count()


class Installed:
    """On a Machine on which the package is. `config`: lines for lazaret.conf that come first."""

    address = lib_net.SYSTEM_LAN
    port = 5900

    def __init__(self, network, machine, users=("alice",), config="", url=None):
        self.network, self.machine = network, machine
        self.ca = str(machine.folder / "ca.pem")
        self.users = {user: "p" + secrets.token_urlsafe(9) for user in users}
        self._certificate()
        # Control groups are called after this folder, and those of the kernel are everybody's.
        machine.run("rm", "-rf", "/run/lazaret")
        machine.run("mkdir", "/run/lzt%d" % os.getpid())
        machine.run("ln", "-s", "/run/lzt%d" % os.getpid(), "/run/lazaret")
        machine.write("/etc/lazaret/lazaret.conf", config + "\n".join((
            'runtime-directory = "/run/lzt%d"' % os.getpid(),
            'listen = {"0.0.0.0"}', 'dns = {"%s"}' % lib_net.NAME_SERVER,
            "cell-allow = {%s}" % ", ".join('"%s"' % n for n in lib_net.ALLOW.split(",")),
            'start-url = "%s"' % (url or "http://%s/colour?c=3060c0" % lib_net.WEB), "idle-limit = 0",
            # It lies in memory here.
            "cell-home = 64")) + "\n")
        for user, password in self.users.items():
            self.add(user, "lazaret-users")
            machine.run("chpasswd", input="%s:%s\n" % (user, password))
        self.daemon = None
        self.start()

    def add(self, name, group):
        """An account with a number that no other test has: processes are everybody's too."""
        self.machine.run("useradd", "--no-create-home", "--uid", str(UIDS + os.getpid() % 100000 * 16 + next(_count)),
                         "--groups", group, name)

    def _certificate(self):
        folder = self.machine.folder
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "30", "-subj", "/CN=test CA", "-keyout", folder / "ca.key", "-out", self.ca)
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/CN=test", "-keyout", folder / "server.key", "-out", folder / "server.csr")
        (folder / "extensions").write_text("subjectAltName=IP:%s\nextendedKeyUsage=serverAuth\n"
                                           % self.address, encoding="utf-8")
        run("openssl", "x509", "-req", "-in", folder / "server.csr", "-CA", self.ca, "-CAkey",
            folder / "ca.key", "-CAcreateserial", "-days", "30", "-extfile", folder / "extensions",
            "-out", folder / "server.pem")
        for name, mode in (("server.pem", 0o644), ("server.key", 0o600)):
            self.machine.write("/etc/lazaret/tls/" + name, (folder / name).read_bytes(), mode)

    def start(self):
        self.daemon = self.machine.start("/usr/sbin/lazaretd")
        self.daemon.wait_line("monitor.ready", 60)

    def ctl(self, *words, check=True):
        out = self.machine.run("lazaretctl", "--json", *words, check=check)
        return json.loads(out) if out.strip().startswith(("{", "[")) else None

    def status(self):
        return self.ctl("status", check=False)

    def sessions(self):
        return self.ctl("sessions")

    def viewer(self, user, workstation=0, kind=Client):
        viewer = kind(self.address, self.port, self.ca, self.network.workstations[workstation], 60)
        viewer.login(user, self.users[user])
        return viewer

    def stop(self):
        """With all sessions, and what they have on this machine."""
        if self.daemon.running():
            self.machine.run("lazaretctl", "shutdown", check=False)
            self.daemon.wait(60)
        self.daemon.stop(signal.SIGTERM, 60)


__all__ = ["Installed"]
