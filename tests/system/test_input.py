# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command reads from its caller, who is elsewhere and perhaps nobody's friend."""

import os
import subprocess
import time

from lib_proc import scaled
from lib_ssh import SshTest

IN_ORDER = "The configuration is in order.\n"


class Input(SshTest):
    people = {"config": ("config",), "audit": ("audit",)}

    def test_over_ssh(self):
        """The input comes through, all of it, and what is wrong in it is said to the caller."""
        done = self.ssh("config", "config check -", input="max-sessions = 3\n" * 20000)
        self.assertEqual((done.status, done.out), (0, IN_ORDER), done)
        done = self.ssh("audit", "config check -", input="# \n\nmax-sessions = many\n")
        self.assertEqual(done.status, 1, done)
        self.assertIn("input:3:", done.err)
        # What needs none leaves what is there to the next line of a conversation.
        done = self.ssh("config", input="status --json\nconfig check\nroles show --json\n")
        self.assertEqual(done.status, 0, done)
        self.assertIn('"roles"', done.out)

    def wait_gone(self, count=0):
        """What the daemon runs for callers has ended."""
        deadline = time.monotonic() + scaled(20)
        while True:
            found = [p for p in self.system.processes("lazaretctl") if b"--input" in self.words(p)]
            if len(found) == count:
                return found
            self.assertLess(time.monotonic(), deadline, found)
            time.sleep(0.05)

    @staticmethod
    def words(process):
        try:
            with open("/proc/%d/cmdline" % process.pid, "rb") as file:
                return file.read().split(b"\0")
        except OSError:
            return []

    def start(self, person="config"):
        """A caller at this host whose input is a pipe."""
        entry = self.admins.uid(person)
        name = self.admins.name(person)
        groups = os.getgrouplist(name, entry)
        return subprocess.Popen(
            [self.system.programs + "/usr/bin/lazaretctl", "-s", self.control, "config", "check",
             "-"], user=entry, group=groups[0], extra_groups=groups, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/")

    @property
    def control(self):
        text = (self.system.state / "lazaretctl").read_text(encoding="utf-8")
        return text.partition('-s "')[2].partition('"')[0]

    def test_endless(self):
        """More than a command reads: refused as soon as it is more, whatever still comes."""
        process = self.start()
        sent = 0
        try:
            while sent < 1 << 28:
                sent += process.stdin.write(b"# x\n" * 16384)
                process.stdin.flush()
        except BrokenPipeError:
            pass
        self.assertLess(sent, 1 << 22)
        _, err = process.communicate(timeout=scaled(30))
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"longer than 1048576 bytes", err)
        self.wait_gone()

    def test_caller_dies(self):
        """Half an input is none, though it would be a good one."""
        process = self.start()
        process.stdin.write(b"max-sessions = 3\n")
        process.stdin.flush()
        self.wait_gone(1)
        process.kill()
        process.communicate()
        line = self.system.wait_log("admin.command", "config check", since=self.mark)
        # As either is seen first: the caller is gone, or his input was not whole.
        self.assertRegex(line, 'result="(unknown|failed 1)"')
        self.wait_gone()

    def test_connection_breaks(self):
        """The same when it is the connection that ends: it is not as if the input had ended."""
        with self.running("config", "config check -") as process:
            process.stdin.write(b"max-sessions = 3\n")
            self.wait_gone(1)
            process.kill()
            process.wait()
            self.wait_gone()
        line = self.system.wait_log("admin.command", "config check", since=self.mark)
        self.assertNotIn('result="done"', line)

    def test_slow(self):
        """One that drips holds one place, and others are served beside it."""
        process = self.start()
        for _ in range(10):
            process.stdin.write(b"#\n")
            process.stdin.flush()
            time.sleep(0.1)
        self.assertEqual(self.ssh("audit", "config check -", input="port = 5900\n").status, 0)
        out, err = process.communicate(timeout=scaled(30))
        self.assertEqual((process.returncode, out.decode(), err), (0, IN_ORDER, b""))

    def test_closes(self):
        """Nothing at all is a text too; and who does not want to hear the answer harms nobody."""
        process = self.start()
        process.stdin.close()
        process.stdin = None
        out, _ = process.communicate(timeout=scaled(30))
        self.assertEqual((process.returncode, out.decode()), (0, IN_ORDER))
        process = self.start()
        process.stdout.close()
        process.stdout = None
        process.communicate(timeout=scaled(30))
        self.wait_gone()
        self.assertEqual(self.system.ctl("status")["state"], "serving")
