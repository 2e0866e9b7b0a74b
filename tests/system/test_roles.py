# SPDX-License-Identifier: GPL-3.0-or-later
"""Holders of roles at the host itself: what the daemon does for them, and what it writes down."""

import json
import os
import pwd
import signal
import subprocess

from lib_admin import Administrators
from lib_proc import run, scaled
from lib_roles import ROLES
from lib_system import SystemTest

DENIED, USAGE = 4, 2


class Roles(SystemTest):
    workstations = 1
    text = 'path "update" { enabled = no }\n'

    @classmethod
    def setUpClass(cls):
        people = dict({role: (role,) for role in ROLES}, nobody=(),
                      both=("config", "maint"), never=("audit", "config"))
        cls.admins = Administrators(people)
        cls.options = dict(cls.admins.options, **{"page-title": True, "zone-workstations": ["10.77.0.0/24"]})
        try:
            super().setUpClass()
        except BaseException:
            cls.admins.close()
            raise

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.admins.close()

    def ctl(self, person, *words, env=None):
        program = self.system.programs + "/usr/bin/lazaretctl"
        return self.admins.run(person, program, "-s", self.socket, *words, env=env)

    @property
    def socket(self):
        text = (self.system.state / "lazaretctl").read_text(encoding="utf-8")
        return text.partition('-s "')[2].partition('"')[0]

    def test_who_am_i(self):
        status, out, _ = self.ctl("both", "roles", "show", "--json")
        self.assertEqual(status, 0)
        said = json.loads(out)
        self.assertEqual((said["user"], said["uid"], said["roles"]),
                         (self.admins.name("both"), self.admins.uid("both"), "config, maint"))
        self.assertIn("kick", said["commands"])
        self.assertNotIn("shutdown", said["commands"])
        self.assertIn(", config check|dump|set|", said["commands"])
        # All of them fit, to the last one of the table.
        self.assertTrue(self.system.ctl("roles", "show")["commands"].endswith(", version"))
        self.assertEqual(self.ctl("nobody", "roles", "show")[0], DENIED)

    def test_done_by_the_daemon(self):
        """What reads files and the kernel is done for who may not, with the daemon's configuration."""
        status, out, err = self.ctl("config", "config", "dump")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("\npage-title = yes", out.replace("true", "yes"))
        line = self.system.wait_log("admin.command", 'command="config dump"', since=self.mark)
        self.assertIn('user="%s" uid=%d from="local" role="config"'
                      % (self.admins.name("config"), self.admins.uid("config")), line)
        self.assertIn('result="done"', line)
        # Its exit status and its errors are the caller's.
        status, out, err = self.ctl("audit", "paths", "explain", "wep")
        self.assertEqual((status, out), (3, ""))
        self.assertIn('did you mean "web"', err)
        self.system.wait_log("admin.command", 'arguments="wep" result="failed 3"', since=self.mark)
        status, out, _ = self.ctl("maint", "paths", "list", "--all", "--json")
        self.assertEqual(status, 0)
        self.assertIn("viewer", [path["id"] for path in json.loads(out)])

    def test_no_files(self):
        """Root reads no file for somebody else."""
        secret = self.system.state / "secret"
        secret.write_text("hidden-word = 1\n", encoding="utf-8")
        secret.chmod(0o600)
        for words in (("config", "check"), ("config", "dump"), ("firewall", "check"),
                      ("firewall", "export"), ("firewall", "apply"),
                      ("firewall", "apply", "--confirm"), ("paths", "list"),
                      ("paths", "explain", "web"), ("paths", "probe")):
            with self.subTest(command=words):
                status, out, err = self.ctl("config", *words, str(secret))
                self.assertIn(status, (USAGE, 1))
                self.assertNotIn("hidden-word", out + err)
                self.assertIn("only its own configuration", err)
        # Not by the caller's own program either: it has his rights.
        for extra in (("--here",), ("--here", "--file", str(secret))):
            status, out, err = self.ctl("config", *extra, "config", "check", str(secret))
            self.assertEqual(status, 1)
            self.assertNotIn("hidden-word", out + err)
        # Nor do options that are meant for the program come through to the one of the daemon.
        for word in ("--file", "-f", "--socket", "--here"):
            status, out, err = self.ctl("config", "config", "dump", word, str(secret))
            self.assertNotEqual(status, 0)
            self.assertNotIn("hidden-word", out + err)

    def test_environment(self):
        """What the caller's environment says reaches nothing that root runs, and not the log."""
        env = {"SSH_CONNECTION": "192.0.2.99 1 192.0.2.98 22", "LD_PRELOAD": "/nonexistent.so",
               "SSH_CLIENT": "192.0.2.99 1 22", "PATH": "/nonexistent"}
        status, out, err = self.ctl("config", "firewall", "export", env=env)
        self.assertEqual(status, 0, err)
        line = self.system.wait_log("admin.command", "firewall export", since=self.mark)
        self.assertIn('from="local"', line)

    def test_kept_apart(self):
        status, _, err = self.ctl("never", "status")
        self.assertEqual(status, DENIED)
        for role in ("audit", "config"):
            self.assertIn(self.admins.group(role), err)
        self.system.wait_log("control.denied", "audit with config", since=self.mark)
        status, out, err = self.ctl("security", "--json", "roles", "check")
        self.assertEqual(status, 1, err)
        said = json.loads(out)
        mine = [p for p in said["problems"] if self.admins.name("never") in p]
        self.assertEqual(len(mine), 1, said)
        self.assertIn({"user": self.admins.name("both"), "roles": ["config", "maint"]},
                      said["holders"])

    def test_no_viewer(self):
        """The same account cannot log in to a viewer, though it is a user, too."""
        group = "lazaret-users"
        name = self.admins.name("backup")
        run("gpasswd", "-a", name, group)
        self.end_of_test(lambda: run("gpasswd", "-d", name, group))
        self.refused(name, self.admins.passwords["backup"])
        self.system.wait_log("login.refused", name, "holds an administrative role",
                             since=self.mark)
        _, out, _ = self.ctl("security", "--json", "roles", "check")
        self.assertTrue([p for p in json.loads(out)["problems"] if name in p])

    def test_caller_leaves(self):
        """What is done for a caller ends with him, and the log says that its result is unknown."""
        program = self.system.programs + "/usr/bin/lazaretctl"
        entry = pwd.getpwnam(self.admins.name("config"))
        process = subprocess.Popen(
            [program, "-s", self.socket, "paths", "probe", "--target", "192.0.2.254",
             "--timeout", "60000"], user=entry.pw_uid, group=entry.pw_gid,
            extra_groups=os.getgrouplist(entry.pw_name, entry.pw_gid),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.system.wait_log("admin.begun", "paths probe", "--target 192.0.2.254",
                             since=self.mark)
        process.kill()
        process.wait()
        self.system.wait_log("admin.command", "paths probe", 'result="unknown"', since=self.mark)

    def test_gone(self):
        """Whose origin cannot be seen any more is refused: the process that connected has ended, and
        another one speaks through its connection."""
        daemon = self.system.processes("lazaretd")[0].pid
        script = ("import os,socket,sys\n"
                  "s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
                  "pid=os.fork()\n"
                  "if pid==0:\n"
                  "  s.connect(sys.argv[1])\n"
                  "  os._exit(0)\n"
                  "os.waitpid(pid,0)\n"
                  "print('connected',flush=True)\n"
                  "sys.stdin.read()\n"
                  "s.settimeout(20)\n"
                  "print(s.recv(1000)[4:6].hex())\n")
        entry = pwd.getpwnam(self.admins.name("maint"))
        os.kill(daemon, signal.SIGSTOP)
        try:
            process = subprocess.Popen(
                ["/usr/bin/python3", "-c", script, self.socket], user=entry.pw_uid,
                group=entry.pw_gid, extra_groups=os.getgrouplist(entry.pw_name, entry.pw_gid),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", text=True)
            self.assertEqual(process.stdout.readline(), "connected\n")
        finally:
            os.kill(daemon, signal.SIGCONT)
        self.assertEqual(process.communicate(timeout=scaled(30))[0], "0204\n")  # failed, denied
        self.system.wait_log("control.denied", "uid=%d" % entry.pw_uid, 'from="gone"',
                             'reason="gone"', since=self.mark)
