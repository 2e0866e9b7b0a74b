# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing that was acknowledged is lost, and nothing is seen by half: processes killed at each step, full
disks, cut connections."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

from lib_proc import in_netns, wait_until
from lib_sftp import SftpTest

MIB = 1 << 20


class Crash(SftpTest):
    home = 128

    def setUp(self):
        super().setUp()
        self.good(self.sftp("ls\n"))
        for path in sorted(self.transfer().rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    def served(self):
        """sshd's process whose root is the view."""
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if entry.isdigit() and os.readlink("/proc/%s/root" % entry) == str(self.view()):
                    return int(entry)
        return None

    def uploading(self, name, mib=40, limit=20000):
        """An sftp that has begun to send a file, slowly (kbit/s)."""
        self.local(name, os.urandom(mib * MIB))
        process = subprocess.Popen(
            in_netns(self.network.workstations[0])
            + ["sftp", *self.ssh_options(), "-l", str(limit), "-b", "-", self.where("alice")],
            cwd=self.files, env=self.environment("alice"), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        process.stdin.write("put %s\n" % name)
        process.stdin.close()
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: sum(p.stat().st_size for p in self.staging().iterdir()) > MIB, 60,
                   "some of it has arrived")
        return process

    def assert_gone(self, name="broken"):
        """The cell has seen nothing of it."""
        self.assertFalse((self.transfer() / name).exists())
        self.assertEqual([p.name for p in self.transfer().iterdir()], [])

    def mounts(self):
        text = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        return [line.split()[4] for line in text.splitlines() if str(self.runtime()) + "/sftp/" in line]

    def test_sshd_killed(self):
        """kill -9 of sshd's child in the middle of an upload: nothing is published, and the uploader
        finds what had arrived, and goes on with it."""
        process = self.uploading("broken")
        os.kill(self.served(), signal.SIGKILL)
        process.wait(60)
        self.system.wait_log("lock.broke-off", 'name="broken"', since=self.mark)
        self.assert_gone()
        listing = self.good(self.sftp("ls -l\n")).out
        arrived = int(re.search(r" (\d+) \w+ +\d+ +[\d:]+ broken", listing).group(1))
        self.assertGreater(arrived, MIB // 2)
        self.good(self.sftp("reput broken\n"))
        self.assertEqual((self.transfer() / "broken").read_bytes(), self.local("broken").read_bytes())
        self.assertEqual(list(self.staging().iterdir()), [])

    def test_connection_cut(self):
        """The client's end is gone: the same."""
        process = self.uploading("broken")
        process.kill()
        process.wait()
        self.system.wait_log("lock.broke-off", 'name="broken"', since=self.mark)
        self.assert_gone()

    def test_lockd_killed(self):
        """In the middle of an upload: one connection is lost; what was acknowledged is there; staging is
        empty after the next login, and no dead mount is left."""
        self.local("before", b"acknowledged")
        self.good(self.sftp("put before\n"))
        process = self.uploading("broken")
        os.kill(self.lockd(), signal.SIGKILL)
        process.wait(60)
        self.assertNotEqual(process.returncode, 0)
        self.system.wait_log("lock.died", since=self.mark)
        wait_until(lambda: not self.mounts(), 20, "the view is unmounted")
        done = self.good(self.sftp("ls -1\nget before after\n"))
        self.assertNotIn("broken", done.out)
        self.assertEqual(self.local("after").read_bytes(), b"acknowledged")
        self.assertEqual(list(self.staging().iterdir()), [])
        self.assertFalse((self.transfer() / "broken").exists())
        self.assertEqual(len(self.mounts()), 1)

    def test_parent_killed(self):
        """The process that started lockd: lockd goes with it."""
        lockd = self.lockd()
        status = pathlib.Path("/proc/%d/status" % lockd).read_text(encoding="ascii")
        os.kill(int(re.search(r"PPid:\t(\d+)", status).group(1)), signal.SIGKILL)
        wait_until(lambda: not os.path.exists("/proc/%d" % lockd) and not self.mounts(), 20,
                   "lockd and its mount are gone")
        self.good(self.sftp("ls\n"))
        self.assertEqual(len(self.mounts()), 1)

    def test_checkd_killed(self):
        """Uploads while the one who checks dies again and again: each ends as acknowledged and whole, or
        with an error and nowhere; afterwards files pass."""
        acknowledged = set()
        with self.session() as talk:

            def put(number):
                name = "n%d" % number
                self.local(name, b"%d " % number * 1000)
                with contextlib.suppress(AssertionError):
                    talk("put %s" % name)
                    acknowledged.add(name)
                return name in acknowledged

            for kill in range(6):
                # At once, while nobody checks, and again until somebody does.
                for process in self.system.processes("lazaret-checkd"):
                    os.kill(process.pid, signal.SIGKILL)
                for number in range(3):
                    put(kill * 10 + number)
                wait_until(lambda number=kill * 10 + 3: put(number), 60, "files pass again")
        there = {p.name: p.read_bytes() for p in self.transfer().iterdir()}
        self.assertLessEqual(acknowledged, set(there))
        for name, content in there.items():
            self.assertEqual(content, self.local(name).read_bytes())

    test_checkd_killed.seconds = 180

    def test_killed_at_each_step(self):
        """lockd dies at whatever moment of many small uploads: what sftp was told is there is there."""
        for number in range(200):
            self.local("each/%d" % number, b"%d " % number * 500)
        for delay in (0.05, 0.15, 0.3, 0.6):
            self.good(self.sftp("ls\n"))
            process = subprocess.Popen(
                in_netns(self.network.workstations[0])
                + ["sftp", *self.ssh_options(), "-v", "-b", "-", self.where("alice")], cwd=self.files,
                env=self.environment("alice"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True)
            commands = "".join("put each/%d\n!echo acknowledged-%d\n" % (n, n) for n in range(200))
            process.stdin.write(commands)
            process.stdin.close()
            wait_until(lambda: any(self.transfer().iterdir()), 60, "the first is there")
            time.sleep(delay)
            os.kill(self.lockd(), signal.SIGKILL)
            said = process.stdout.read()
            process.stdout.close()
            process.wait()
            acknowledged = {n for n in re.findall(r"^acknowledged-(\d+)$", said, re.M)}
            self.good(self.sftp("ls\n"))
            there = {p.name for p in self.transfer().iterdir()}
            self.assertLessEqual(acknowledged, there)
            for name in there:
                self.assertEqual((self.transfer() / name).read_bytes(),
                                 self.local("each/" + name).read_bytes())
                (self.transfer() / name).unlink()
            self.assertEqual(list(self.staging().iterdir()), [])

    test_killed_at_each_step.seconds = 180

    def test_home_full(self):
        """The user's disk is full: an error, and neither half a file nor the loss of the one that was
        there; what is there can still be fetched."""
        self.local("old", b"the old one")
        self.good(self.sftp("put old\n"))
        self.local("huge", os.urandom(150 * MIB))
        done = self.sftp("put huge\n")
        self.assertNotEqual(done.status, 0)
        self.assertFalse((self.transfer() / "huge").exists())
        self.put_in_cell("filler", b"")
        with open(self.transfer() / "filler", "wb") as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * MIB)
        os.unlink(self.local("old"))
        self.local("old", os.urandom(MIB))
        self.assertNotEqual(self.sftp("put old\n").status, 0)
        self.assertEqual((self.transfer() / "old").read_bytes(), b"the old one")
        self.good(self.sftp("get old fetched\nget filler\nrm filler\nput old\n"))
        self.assertEqual(self.local("fetched").read_bytes(), b"the old one")
        self.assertEqual((self.transfer() / "old").read_bytes(), self.local("old").read_bytes())

    test_home_full.seconds = 180

    def test_daemon_killed(self):
        """lazaretd itself: the views go with it, the next one clears up and serves."""
        self.local("before", b"acknowledged")
        self.good(self.sftp("put before\n"))
        mark = self.system.log_mark()
        os.kill(max(p.pid for p in self.system.processes("lazaretd")), signal.SIGKILL)
        self.system.wait_log("lock.swept", since=mark)
        wait_until(lambda: self.system.ctl("status")["file_transfer"] == "port 22"
                   and self.listens(22), 60, "SFTP is on port 22")
        self.system.wait_log("monitor.ready", since=mark)
        self.good(self.sftp("get before after\n"))
        self.assertEqual(self.local("after").read_bytes(), b"acknowledged")
        self.assertEqual(len(self.mounts()), 1)
