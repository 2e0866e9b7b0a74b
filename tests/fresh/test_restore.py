# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine is lost and another one takes its place: a new Debian system, our package, a backup. Whoever could
log in before does, with the same password, the same key, and against the same certificate and host key."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import lib_net
import lib_package
from lib_machine import Machine
from lib_net import Network
from lib_proc import TOP, run, wait_until
from lib_rfb import Client, Refused
from lib_web import NameServer, Web

BLUE = (0x30, 0x60, 0xC0)
PASSWORD = "three weeks at sea"
REPOSITORY = "/srv/backup"
# Control groups are called after this folder, and those of the kernel are everybody's.
RUNTIME = "/run/lzt%d" % os.getpid()
OURS = ("fresh-sam", "fresh-alice", "fresh-bob", "fresh-mary")
# Earlier certificates, and the root that viewers are given, which is told to be put there again
# (docs/operator.md): theirs is the one from before.
NOT_IN_IT = re.compile(r"/tls/(issues?|trial-ca\.\w+|ca\.pem)(/|$)|/settings/lock$")


def depends():
    """What the package says that it needs: dpkg refuses where it is not."""
    text = (TOP / "scripts/packages-run.txt").read_text("utf-8")
    return ", ".join(re.findall(r"^[a-z0-9+.-]+$", text, re.M) + ["openssh-server"])


class Restore(unittest.TestCase):
    seconds = 240
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        begun = time.monotonic()
        made = subprocess.run([TOP / "tests/fresh/build"], stdout=subprocess.PIPE, text=True, check=True)
        cls.root = made.stdout.strip()
        print("result: a root of Debian was there after %.1f s" % (time.monotonic() - begun))
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-fresh-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.network = Network(2)
        cls.addClassCleanup(cls.network.close)
        for server in (Web(cls.network.internet, lib_net.WEB), NameServer(cls.network.internet, lib_net.NAME_SERVER)):
            cls.addClassCleanup(server.close)
        cls.addClassCleanup(lib_package.remove_tree)
        cls.package = os.environ.get("LAZARET_DEB") or lib_package.system_package(cls.folder, depends=depends())
        for name in ("sam", "mary", "stranger"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", cls.folder / name)

    def machine(self):
        """A new one, with the package and nothing else of ours."""
        machine = Machine(self.network.system, "3g", self.root)
        self.addCleanup(machine.close)
        for path in ("/usr/sbin/lazaretd", "/etc/lazaret", "/var/lib/lazaret"):
            self.assertFalse(machine.path(path).exists(), path)
        shutil.copy(self.package, machine.path("/root/lazaret.deb"))
        machine.run("dpkg", "--install", "/root/lazaret.deb")
        self.assertEqual(machine.version("lazaret"), lib_package.version())
        # Numbers of processes' owners are everybody's too.
        machine.run("sed", "-i", "s/^UID_MIN.*/UID_MIN 48000/; s/^UID_MAX.*/UID_MAX 48999/", "/etc/login.defs")
        machine.run("sh", "-c", "rm -rf /run/lazaret; mkdir %s; ln -s %s /run/lazaret; mkdir -p /srv"
                    % (RUNTIME, RUNTIME))
        return machine

    def set_up(self, machine):
        """As an operator does it, and then some."""
        machine.run("lazaret-setup", "--answers", "-", "--no-start", input="".join("%s = %s\n" % pair for pair in {
            "server-names": "browser.example " + lib_net.SYSTEM_LAN, "workstations": "10.77.0.11/32",
            "administration": "10.77.0.10/32", "admin-port": "222", "admin": "fresh-sam",
            "admin-key": (self.folder / "sam.pub").read_text("utf-8").strip(),
            "admin-roles": "security config", "certificate": "trial", "user": "fresh-alice",
            "user-password": PASSWORD, "dns": lib_net.NAME_SERVER}.items()))
        machine.write("/etc/lazaret/lazaret.conf", machine.read("/etc/lazaret/lazaret.conf") + "\n".join((
            "# As long as it takes.", 'backup-repository = "%s"' % REPOSITORY, 'runtime-directory = "%s"' % RUNTIME,
            "cell-allow = {%s}" % ", ".join('"%s"' % n for n in lib_net.ALLOW.split(",")),
            'start-url = "http://%s/colour?c=3060c0"' % lib_net.WEB, "idle-limit = 1234", "cell-home = 64",
            'group "fresh-staff" { clipboard = in }', "")))
        machine.run("sh", "-ec", """
            groupadd fresh-staff
            gpasswd --add fresh-alice fresh-staff
            useradd -M -g lazaret-users -s /usr/sbin/nologin -e 2020-01-02 fresh-bob
            useradd -M -U -G lazaret-maint -s /usr/libexec/lazaret/lazaret-admin fresh-mary
            printf 'fresh-bob:%s\\n' | chpasswd""" % PASSWORD)
        machine.write("/etc/lazaret/ssh/keys/fresh-mary", (self.folder / "mary.pub").read_text("utf-8"))

    def start(self, machine):
        daemon = machine.start("/usr/sbin/lazaretd")
        daemon.wait_line("monitor.ready", 60)
        wait_until(lambda: run("ss", "-Hltn", "sport = :222", netns=self.network.system).strip(), 30,
                   "SSH listens")
        return daemon

    def stop(self, machine, daemon):
        machine.run("lazaretctl", "shutdown")
        daemon.wait(60)

    # --- what people do

    def viewer(self, user, password):
        """Somebody logs in, whose viewer knows the root of the certificate from before."""
        client = Client(lib_net.SYSTEM_LAN, 5900, str(self.folder / "ca.pem"), self.network.workstations[1], 60)
        self.addCleanup(client.close)
        return client.login(user, password)

    def people(self, machine):
        """Who gets in, and who does not."""
        with self.viewer("fresh-alice", PASSWORD) as viewer:
            viewer.wait_colour(BLUE, 0.5)
            self.assertRegex(machine.run("lazaretctl", "sessions"), r"fresh-alice +48\d\d\d +attached")
        said = []
        for user, password in (("fresh-alice", "four weeks at sea"), ("fresh-bob", PASSWORD),
                               ("fresh-mary", PASSWORD), ("fresh-nobody", PASSWORD)):
            with self.assertRaises(Refused) as refused:
                self.viewer(user, password)
            said.append(str(refused.exception))
        status, out = self.ssh("sam", "roles", "show")
        self.assertEqual(status, 0, out)
        self.assertRegex(out, r"roles +config, security")
        self.assertRegex(self.ssh("mary", "roles", "show")[1], r"roles +maint\b")
        self.assertEqual(self.ssh("sam", "status", key="stranger")[0], 255)
        self.assertEqual(self.ssh("sam", "status", place=1)[0], 255)
        return said

    def ssh(self, person, *words, key=None, place=0):
        """With the host keys that the client has seen before, and no others."""
        done = subprocess.run(
            ["nsenter", "--net=/run/netns/" + self.network.workstations[place], "--", "ssh", "-F", "/dev/null", "-i",
             str(self.folder / (key or person)), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o",
             "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=%s" % (self.folder / "known"), "-o",
             "GlobalKnownHostsFile=none", "-o", "ConnectTimeout=20", "-p", "222",
             "fresh-%s@%s" % (person, lib_net.SYSTEM_LAN), "--", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
            check=False)
        return done.returncode, done.stdout

    # --- what a machine has

    @staticmethod
    def files(machine):
        """{path: mode, owner, group, bytes} of the configuration and of what was set since. Links are followed:
        a certificate that was made here lies behind one, that of a backup is a file."""
        found = {}
        for folder in ("/etc/lazaret", "/var/lib/lazaret/settings"):
            place = machine.path(folder)
            for path in [place, *place.rglob("*")]:
                about = path.stat()
                found["%s/%s" % (folder, path.relative_to(place))] = (
                    oct(about.st_mode), about.st_uid, about.st_gid, path.read_bytes() if path.is_file() else b"")
        return {path: facts for path, facts in found.items() if not NOT_IN_IT.search(path)}

    @staticmethod
    def accounts(machine):
        lines = [machine.run("getent", base, *OURS) for base in ("passwd", "shadow")]
        lines += [machine.run("id", "-Gn", name) for name in OURS]
        return lines + [machine.run("getent", "group", "fresh-staff").rpartition(":")[2]]

    def test_wiped(self):
        old = self.machine()
        self.set_up(old)
        daemon = self.start(old)
        shutil.copy(old.path("/etc/lazaret/tls/ca.pem"), self.folder / "ca.pem")
        (self.folder / "known").write_text("".join(
            "* " + p.read_text("utf-8") for p in old.path("/etc/lazaret/ssh").glob("host_*.pub")), "utf-8")
        refusals = self.people(old)
        for words in (("config", "set", "idle-limit", "900"), ("config", "apply")):
            status, out = self.ssh("sam", *words)
            self.assertEqual(status, 0, out)
        self.stop(old, daemon)
        begun = time.monotonic()
        old.run("lazaretctl", "backup", "run")
        saved = time.monotonic() - begun
        files, accounts = self.files(old), self.accounts(old)
        escrow = old.run("lazaretctl", "backup", "key", "show")
        shutil.copytree(old.path(REPOSITORY), self.folder / "repository")
        old.close()

        new = self.machine()
        self.assertEqual(new.run("getent", "passwd", *OURS, check=False), "")
        shutil.copytree(self.folder / "repository", new.path(REPOSITORY))
        new.write("/etc/lazaret/lazaret.conf", 'backup-repository = "%s"\nruntime-directory = "%s"\n'
                  % (REPOSITORY, RUNTIME))
        new.run("lazaretctl", "backup", "key", "set", "-", input=escrow)
        begun = time.monotonic()
        new.run("lazaretctl", "backup", "restore", "latest")
        restored = time.monotonic() - begun
        there = self.files(new)
        self.assertEqual(there, files)
        self.assertEqual(self.accounts(new), accounts)
        daemon = self.start(new)
        self.assertEqual(self.people(new), refusals)
        self.stop(new, daemon)
        print("result: %d files and %d accounts the same; backup %.1f s, restore %.1f s" % (
            len([f for f in there.values() if f[3]]), len(OURS), saved, restored))
