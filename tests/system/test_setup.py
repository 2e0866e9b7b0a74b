# SPDX-License-Identifier: GPL-3.0-or-later
"""lazaret-setup on a host that has the programs and nothing else, by a file of answers and by its dialog,
up to logins with the stock viewer and the stock client of SSH. The host is this one with folders of its
own laid over /usr, /etc, /var and /run."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import lib_net
from lib_net import Network
from lib_proc import BUILD, Process, run, scaled, wait_until
from lib_terminal import Terminal
from lib_viewer import FileViewer, Screen

# Their own numbers: what others on this host do with accounts of theirs must not meet ours.
HOST = r"""
set -e
mount --make-rprivate /
mount -t tmpfs none "$1"
tree=$2
cd "$1"
# What others change in /etc meanwhile, and hold locked, is not ours.
mkdir etc
cp -a /etc/. etc 2> /dev/null || true
cp -a "$tree/etc/." etc
rm -f etc/*.lock etc/.pwd.lock
mount --bind etc /etc
for place in usr var run; do
	mkdir -p "$place/upper" "$place/work"
	lower=/$place
	if [ -d "$tree/$place" ]; then lower=$tree/$place:/$place; fi
	mount -t overlay none -o "lowerdir=$lower,upperdir=$place/upper,workdir=$place/work" "/$place"
done
sed -i 's/^UID_MIN.*/UID_MIN 47000/; s/^UID_MAX.*/UID_MAX 47999/' /etc/login.defs
rm -rf /etc/lazaret /run/lazaret /run/systemd /var/lib/lazaret
cp -a "$tree/etc/lazaret" /etc/
mkdir -p /run/sshd /var/lib/lazaret
for name in gateway keyd lockcheck resolve update; do
	getent passwd lazaret-$name > /dev/null ||
		useradd --system --no-create-home --shell /usr/sbin/nologin lazaret-$name
done
echo ready
exec sleep infinity
"""


# The background of the start page.
PAPER = (0xF6, 0xF8, 0xFA)


class Host:
    """`close()` removes it."""

    def __init__(self, network):
        self.network = network
        self.folder = tempfile.mkdtemp(prefix="lazaret-host-")
        self.tree = self.folder + "/tree"
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", self.tree)
        os.mkdir(self.folder + "/over")
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", HOST, "sh", self.folder + "/over", self.tree],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.daemon = None
        if self.holder.stdout.readline() != "ready\n":
            self.close()
            raise AssertionError("there is no host")

    def inside(self, *command):
        return ["nsenter", "--mount=/proc/%d/ns/mnt" % self.holder.pid,
                "--net=/run/netns/" + self.network.system, "--", *map(str, command)]

    def run(self, *command, stdin="", seconds=60):
        done = subprocess.run(self.inside(*command), input=stdin, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=scaled(seconds), check=False)
        return done.returncode, done.stdout, done.stderr

    def good(self, *command, stdin=""):
        status, out, err = self.run(*command, stdin=stdin)
        if status != 0:
            raise AssertionError("%s: %d\n%s%s" % (command, status, out, err))
        return out

    def start(self):
        self.daemon = Process(*self.inside("/usr/sbin/lazaretd", "--ready-file", "/run/lzready"))
        wait_until(lambda: self.run("test", "-e", "/run/lzready")[0] == 0
                   or not self.daemon.running(), 60, "the system serves")
        if not self.daemon.running():
            raise AssertionError("\n".join(self.daemon.lines[-30:]))

    def close(self):
        if self.daemon:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.run("lazaretctl", "shutdown")
            self.daemon.stop()
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Setup(unittest.TestCase):
    seconds = 120

    @classmethod
    def setUpClass(cls):
        cls.network = Network(1)
        cls.keys = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-keys-"))
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.keys / "sam")
        cls.key = (cls.keys / "sam.pub").read_text().strip()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.keys)
        cls.network.close()

    def setUp(self):
        self.host = Host(self.network)
        self.addCleanup(self.host.close)

    def answers(self, **changes):
        values = {"server-names": "browser.example " + lib_net.SYSTEM_LAN, "port": "5900",
                  "workstations": "10.77.1.0/24", "administration": "10.77.0.10/32",
                  "admin-port": "222", "admin": "setup-sam", "admin-key": self.key,
                  "admin-roles": "security config", "certificate": "trial", "user": "setup-alice",
                  "user-password": "three weeks at sea", "dns": lib_net.NAME_SERVER}
        values.update({name.replace("_", "-"): value for name, value in changes.items()})
        return "".join("%s = %s\n" % pair for pair in values.items())

    def setup(self, *words, **changes):
        return self.host.run("lazaret-setup", "--answers", "-", "--no-start", *words,
                             stdin=self.answers(**changes))

    def read(self, path):
        return self.host.good("cat", path)

    def test_answers_to_first_login(self):
        status, out, err = self.setup("--check")
        self.assertEqual((status, err), (0, ""))
        for line in ('zone-administration = {"10.77.0.10/32"}', 'admin-port = "222"',
                     'path "admin" { enabled = yes }', "administrator: setup-sam (security config)",
                     "user: setup-alice"):
            self.assertIn(line, out)
        self.assertNotIn("three weeks", out)
        self.assertNotEqual(self.host.run("test", "-e", "/etc/lazaret/tls")[0], 0)
        status, out, err = self.setup()
        self.assertEqual((status, err), (0, ""))
        self.assertIn("The user is there.", out)
        self.assertIn("Not started.", out)
        # Once more: not over what is there, unless it is said; and then nothing changes.
        status, _, err = self.setup()
        self.assertEqual(status, 1)
        self.assertIn("--force", err)
        before = self.read("/etc/lazaret/tls/server.pem"), self.read("/etc/lazaret/lazaret.conf"), \
            self.read("/etc/shadow")
        status, _, err = self.setup("--force")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(before, (self.read("/etc/lazaret/tls/server.pem"),
                                  self.read("/etc/lazaret/lazaret.conf"), self.read("/etc/shadow")))
        status, _, err = self.setup("--force", port="5901")
        self.assertEqual((status, err), (0, ""))
        self.assertIn('port = "5900"', self.read("/etc/lazaret/lazaret.conf.before-setup"))
        self.setup("--force")
        self.host.start()
        self.log_in()

    def log_in(self):
        """The viewer with the file that is for it, and the administrator with his key."""
        ca = self.keys / "ca.pem"
        ca.write_text(self.host.good("lazaretctl", "viewer-config", "--ca"))
        path = self.keys / "lazaret.tigervnc"
        path.write_text(self.host.good(
            "lazaretctl", "viewer-config", "--platform", "linux", "--ca-path", ca, "--server",
            lib_net.SYSTEM_LAN))
        screen = Screen()
        self.addCleanup(screen.close)
        viewer = FileViewer(screen, path, "setup-alice", "three weeks at sea", self.network.workstations[0])
        self.addCleanup(viewer.close)
        viewer.window = screen.wait_window("Lazaret", 60)
        viewer.wait_share(PAPER, 0.2, "setup-first-login")
        known = self.keys / "known"
        wait_until(lambda: self.host.run("test", "-e", "/etc/lazaret/ssh/host_ed25519.pub")[0] == 0,
                   30, "host keys are made")
        known.write_text("* " + self.read("/etc/lazaret/ssh/host_ed25519.pub"))
        wait_until(lambda: run("ss", "-Hltn", "sport = :222", netns=self.network.system).strip(), 30,
                   "SSH listens")
        said = run("ssh", "-F", "/dev/null", "-i", self.keys / "sam", "-o", "BatchMode=yes", "-o",
                   "UserKnownHostsFile=%s" % known, "-p", "222", "setup-sam@" + lib_net.SYSTEM_LAN, "--",
                   "roles", "show", netns=self.network.workstations[0])
        self.assertRegex(said, r"roles +config, security")
        self.assertIn("10.77.0.10 port", said)
        said = self.host.good("lazaretctl", "sessions")
        self.assertRegex(said, r"setup-alice +47\d\d\d +attached")

    def test_dialog(self):
        """The same answers, typed: the same configuration. Nothing is done before the last page."""
        t = Terminal(self.host.inside("lazaret-setup", "--no-start", "--language", "de"))
        self.addCleanup(t.close)
        t.wait("Der Server", "Namen und Adressen", "5900")
        t.shot("setup-first-de")
        t.type("browser.example " + lib_net.SYSTEM_LAN)
        t.keys("Enter")
        t.wait("Netze", "Arbeitsplätze")
        t.type("10.77.1.0/24")
        t.keys("Tab")
        t.type("10.77.0.10/32")
        t.keys("Tab", "C-u")
        t.type("222")
        t.keys("Enter")
        t.wait("Konto", "Rollen", "security config")
        t.type("setup-sam")
        t.keys("Tab")
        t.type(self.key)
        t.keys("Enter")
        t.wait("trial, request")
        # Back and on again: what was typed is there.
        t.keys("Escape")
        t.wait("SSH-Schlüssel", "setup-sam")
        t.keys("Enter")
        t.wait("trial, request")
        t.keys("Enter")
        t.wait("Erster Benutzer", "lazaret-users")
        t.keys("Tab")
        t.type("setup-alice")
        t.keys("Tab")
        t.type("three weeks at sea")
        screen = t.wait("**********")
        self.assertNotIn("three", screen)
        t.keys("Enter")
        t.wait("Namensserver", "Proxy")
        t.type("nowhere")
        t.keys("Enter")
        t.wait("Das muss berichtigt werden", "nowhere")
        t.shot("setup-wrong-de")
        t.keys("Escape")
        t.wait("Namensserver", "nowhere")
        t.keys("C-u")
        t.type(lib_net.NAME_SERVER)
        t.keys("Enter")
        t.wait("Das wird getan", "<Einrichten>", "zone-workstations")
        t.shot("setup-summary-de")
        self.assertEqual(self.host.run("getent", "passwd", "setup-sam")[0], 2)
        t.keys("Enter")
        t.wait("The user is there.", "ended with 0", seconds=40)
        typed = self.read("/etc/lazaret/lazaret.conf")
        status, out, _ = self.setup("--check", "--force", language="en")
        self.assertEqual(status, 0)
        self.assertIn(typed, out)
        self.host.good("getent", "passwd", "setup-sam")
        self.assertIn("BEGIN CERTIFICATE", self.read("/etc/lazaret/tls/ca.pem"))

    def test_wrong(self):
        for expected, changes in (
                ('"nowhere"', {"dns": "nowhere"}),
                ("is neither a name nor an address", {"server_names": "a_b"}),
                ("at least one name", {"server_names": ""}),
                ("security and maint must not meet", {"admin_roles": "security maint"}),
                ('"king" is no role', {"admin_roles": "king"}),
                ("logs in with a key", {"admin_key": ""}),
                ("is none of 22,222", {"admin_port": "23"}),
                ('there is no path "nothing"', {"paths": "nothing"}),
                ("must be a number", {"port": "many"}),
                ("must not have", {"proxy": 'x" port = 1'}),
                ("is none of the answers", {"prot": "5900"})):
            with self.subTest(expected=expected):
                status, out, err = self.setup(**changes)
                self.assertEqual((status, out), (1, ""))
                self.assertIn(expected, err)
                self.assertIn("nothing was done", err)
        self.assertFalse(re.search("^[^#]", self.read("/etc/lazaret/lazaret.conf"), re.M))
        status, _, err = self.host.run("lazaret-setup")
        self.assertEqual(status, 2)
        self.assertIn("no terminal", err)

    def test_request(self):
        """With the site's authority: it works at once, and the request is printed."""
        status, out, err = self.setup(certificate="request", user="", admin="", administration="",
                                      admin_key="")
        self.assertEqual((status, err), (0, ""))
        request = out[out.index("-----BEGIN"):out.index("-----END")] + "-----END NEW CERTIFICATE " \
            "REQUEST-----\n"
        self.assertIn("DNS:browser.example", run("openssl", "req", "-noout", "-text", input=request))
        said = self.host.good("lazaretctl", "cert", "status")
        self.assertRegex(said, r"root +CN=Lazaret trial CA")
        self.assertRegex(said, r"request +browser.example")
