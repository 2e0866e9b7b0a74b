# SPDX-License-Identifier: GPL-3.0-or-later
"""A cell and a person that try to get past the lock: swaps while a file is checked and sent, handles
that are kept, ways out of the view.

LAZARET_LOCK_RACES   swaps of each kind (100; the full run is 10000)
"""

import contextlib
import hashlib
import os
import pathlib
import random
import re
import subprocess
import threading
import time

from lib_proc import in_netns, run, wait_until
from lib_sftp import SftpTest

RACES = int(os.environ.get("LAZARET_LOCK_RACES", "100"))
SIZE = 40000


def version(number, size=SIZE):
    """Content that says in each line of which version it is."""
    line = b"version %06d\n" % number
    return (line * (size // len(line) + 1))[:size // len(line) * len(line)]


class Out:
    """Ways out of the view: tests on the system of the swaps."""

    def test_paths(self):
        self.good(self.sftp("ls\n"))
        with self.session() as talk:
            self.paths(talk)

    def paths(self, talk):
        for command in ("ls /..", "ls ../..", "ls /etc", "get /etc/passwd", "get ../../../../etc/passwd",
                        "put askpass /x", "put askpass ../x", "mkdir /x", "rm /transfer",
                        "rmdir /transfer", "rename /transfer /y", "ln -s / up", "cd /proc",
                        "get /transfer/../../etc/shadow", "chown 0 /transfer", "ls //../run"):
            if command in ("ls /..", "ls ../.."):
                # The same folder again: what is above it cannot be seen.
                said = [l for l in talk(command).splitlines() if not l.startswith("sftp>")]
                self.assertRegex(said[-1], r"^(\S*/)?transfer\s*$")
                continue
            with self.assertRaises(AssertionError, msg=command) as raised:
                talk(command)
            self.assertNotIn("root:", str(raised.exception))
            self.assertNotIn("ended", str(raised.exception))
        talk("ls")

    def test_no_shell(self):
        where = self.where("alice")
        for arguments in (("id",), ("-t", where[:0] or "/bin/sh"), ("/usr/lib/openssh/sftp-server",),
                          ("-N", "-W", "127.0.0.1:22")):
            options = [a for a in arguments if a.startswith("-") or ":" in a]
            command = [a for a in arguments if a not in options]
            done = self.client("timeout", "5", "ssh", *self.ssh_options(), *options, where, *command)
            self.assertNotIn("uid=", done.out + done.err)
            self.assertNotIn("SSH-2.0", done.out)

    def test_no_forwarding(self):
        where = self.where("alice")
        for forward in (("-R", "9902:127.0.0.1:22"), ("-R", "9903")):
            done = self.client("timeout", "20", "ssh", *self.ssh_options(), "-o",
                               "ExitOnForwardFailure=yes", *forward, "-N", where)
            self.assertEqual(done.status, 255, done)
            self.assertIn("forwarding failed", done.err)
        done = self.client("timeout", "20", "ssh", *self.ssh_options(), "-W", "127.0.0.1:22", where)
        self.assertIn("administratively prohibited", done.err)

    def test_planted_files(self):
        """Nothing that a shell, sshd or PAM reads in a home has an effect."""
        self.good(self.sftp("ls\n"))
        marker = "/tmp/%s-planted" % self.prefix
        home = self.transfer().parent.parent / "home"
        key = self.files / "planted"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        public = pathlib.Path(str(key) + ".pub").read_text(encoding="utf-8")
        for folder in (home, self.transfer()):
            (folder / ".ssh").mkdir(exist_ok=True)
            for name, text in ((".bashrc", "touch " + marker), (".profile", "touch " + marker),
                               (".ssh/rc", "touch " + marker), (".pam_environment", "X=Y"),
                               (".ssh/environment", "LD_PRELOAD=/nonexistent"),
                               (".ssh/authorized_keys", public)):
                (folder / name).write_text(text + "\n", encoding="utf-8")
        done = self.good(self.sftp("ls -a\n"))
        self.assertNotIn("preload", done.err)
        self.assertFalse(os.path.exists(marker))
        self.assertEqual(self.sftp("ls\n", key=key).status, 255)

    def test_handle_over_a_rename(self):
        """A handle on a file whose folder the cell moves away and replaces: it stays what it was."""
        self.good(self.sftp("ls\n"))
        self.local("script.py", b"")
        top = self.transfer()
        (top / "d").mkdir(exist_ok=True)
        account = self.system.uid("alice")
        os.chown(top / "d", account, int(run("id", "-g", self.system.name("alice"))))
        options = " ".join("-o %s" % o for o in self.ssh_options() if "=" in o)
        (self.files / "kept.py").write_text("""
import os, sys, time
fd = os.open("mnt/d/kept", os.O_WRONLY | os.O_CREAT, 0o600)
os.write(fd, b"mine")
open("opened", "w").close()
while not os.path.exists("moved"):
    time.sleep(0.05)
os.write(fd, b" more")
try:
    os.close(fd)
    print("closed")
except OSError as error:
    print("failed", error)
""", encoding="utf-8")
        outside = pathlib.Path("/etc/%s/elsewhere" % self.prefix)
        outside.mkdir(exist_ok=True)
        for name in ("opened", "moved"):
            (self.files / name).unlink(missing_ok=True)
        process = subprocess.Popen(
            in_netns(self.network.workstations[0])
            + ["sh", "-c", "mkdir -p mnt; sshfs -o direct_io -F /dev/null %s %s:/transfer mnt || exit 1; "
               "python3 kept.py; fusermount3 -u mnt || umount -l mnt" % (options, self.where("alice"))],
            cwd=self.files, env=self.environment("alice"), stdout=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: (self.files / "opened").exists(), 30, "the file is open")
            os.rename(top / "d", top / "away")
            os.symlink(outside, top / "d")
            (self.files / "moved").touch()
            out = process.communicate(timeout=60)[0]
        finally:
            process.kill()
            process.wait()
        # sshfs does not report what a close has come to; sftp does.
        self.assertRegex(out, "closed|failed")
        self.assertEqual(list(outside.iterdir()), [])
        self.assertEqual(list((top / "away").iterdir()), [])
        os.unlink(top / "d")

    def test_many_handles(self):
        """As many as he likes are asked for; there is an end to them, and others go on."""
        self.good(self.sftp("ls\n"))
        self.good(self.sftp("ls\n", user="bob"))
        self.put_in_cell("x", b"x")
        script = """
import os, sys
n = 0
try:
    for n in range(100000):
        os.open("mnt/x", os.O_RDONLY)
except OSError as error:
    print("end", n, error.errno)
"""
        (self.files / "many.py").write_text(script, encoding="utf-8")
        options = " ".join("-o %s" % o for o in self.ssh_options() if "=" in o)
        done = self.good(self.client(
            "sh", "-c", "ulimit -n 200000; mkdir -p mnt; sshfs -F /dev/null %s %s:/transfer mnt || exit 1; "
            "python3 many.py; fusermount3 -u mnt || umount -l mnt" % (options, self.where("alice"))))
        self.assertRegex(done.out, r"end \d+ ")
        self.assertLessEqual(int(done.out.split()[1]), 1024)
        self.good(self.sftp("get x x.again\n"))
        self.good(self.sftp("ls\n", user="bob"))

    def test_confined(self):
        """What lockd is: an account of its own, no capability, a filter, no way to a file."""
        self.good(self.sftp("ls\n"))
        pid = self.lockd()
        status = pathlib.Path("/proc/%d/status" % pid).read_text(encoding="ascii")
        uid = int(re.search(r"Uid:\t(\d+)", status).group(1))
        self.assertGreaterEqual(uid, 1879179264)
        for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
            self.assertEqual(int(re.search(name + r":\t(\w+)", status).group(1), 16), 0)
        self.assertIn("Seccomp:\t2", status)
        self.assertIn("NoNewPrivs:\t1", status)
        for task in os.listdir("/proc/%d/task" % pid):
            text = pathlib.Path("/proc/%d/task/%s/status" % (pid, task)).read_text(encoding="ascii")
            self.assertIn("Seccomp:\t2", text)
        self.assertEqual(os.listdir("/proc/%d/root" % pid), [])
        self.assertNotEqual(os.readlink("/proc/%d/ns/net" % pid), os.readlink("/proc/self/ns/net"))

    def test_view_is_his_alone(self):
        """Another account of the host gets nothing of it, by whatever path."""
        self.good(self.sftp("ls\n"))
        self.put_in_cell("secret", b"alice's")
        view = self.view() / "transfer"
        bob = self.system.uid("bob")
        for place in (view, view / "secret", self.transfer() / "secret"):
            done = subprocess.run(["cat", str(place)], user=bob, group=bob, extra_groups=[],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(b"Permission denied", done.stderr)


class Swaps(Out, SftpTest):
    """What arrives is exactly what was checked: checkd's own log says of which content it said yes."""

    def passed(self, direction, since):
        """The hashes of everything that passed."""
        return set(re.findall(r'lock\.passed direction="%s".*? sha256="([0-9a-f]{64})"' % direction,
                              self.system.log_text()[since:]))

    def in_cell(self, function):
        """A thread that does as a program of the cell does, over and over, until the test ends."""
        stop = threading.Event()

        def loop():
            number = 0
            while not stop.is_set():
                number += 1
                with contextlib.suppress(OSError):
                    function(number)

        thread = threading.Thread(target=loop)
        thread.start()

        def end():
            stop.set()
            thread.join()

        self.addCleanup(end)
        return end

    def fetch(self, path, count):
        """[contents that arrived], and how many times nothing did."""
        arrived, errors = [], 0
        with self.session() as talk:
            for _ in range(count):
                target = self.files / "fetched"
                target.unlink(missing_ok=True)
                try:
                    talk("get %s fetched" % path)
                except AssertionError as error:
                    if "ended" in str(error):
                        raise
                    errors += 1
                    continue
                arrived.append(target.read_bytes())
        return arrived, errors

    def race_down(self, function, path="race", count=None):
        self.good(self.sftp("ls\n"))
        end = self.in_cell(function)
        mark = self.system.log_mark()
        arrived, errors = self.fetch(path, count or max(20, RACES // 5))
        end()
        digests = {hashlib.sha256(content).hexdigest() for content in arrived}

        def all_said():
            return digests <= self.passed("down", mark)

        wait_until(all_said, 20, "what arrived is what passed")
        for content in arrived:
            self.assertNotIn(b"root:", content)
        return arrived, errors

    def own(self, path):
        return os.chown(path, self.system.uid("alice"), self.gid(), follow_symlinks=False)

    def gid(self):
        return int(run("id", "-g", self.system.name("alice")))

    def test_rewritten(self):
        """In place, as a whole and in the middle, also by a mapping."""
        path = self.put_in_cell_ready("race", version(0))

        def rewrite(number):
            with open(path, "r+b") as file:
                file.write(version(number))
                file.seek(random.randrange(SIZE))
                file.write(b"patched")

        arrived, _errors = self.race_down(rewrite)
        self.assertGreater(len(set(arrived)), 1)

    def test_truncated(self):
        path = self.put_in_cell_ready("race", version(0))

        def cut(number):
            os.truncate(path, random.randrange(SIZE))
            with open(path, "ab") as file:
                file.write(version(number, random.randrange(20, SIZE)))

        self.race_down(cut)

    def test_replaced_by_a_link(self):
        path = self.put_in_cell_ready("race", version(0))

        def swap(number):
            other = path.with_name("other-%d" % number)
            if number % 2:
                os.symlink("/etc/passwd", other)
            else:
                other.write_bytes(version(number))
                self.own(other)
            os.rename(other, path)
            time.sleep(0 if number % 2 else 0.003)

        arrived, _errors = self.race_down(swap)
        self.assertTrue(arrived)

    def test_folder_replaced_by_a_link(self):
        """The folder on the way is a link to one with a file of the same name, now and then."""
        self.good(self.sftp("ls\n"))
        folder = self.transfer() / "way"
        outside = pathlib.Path("/etc/%s/outside" % self.prefix)
        outside.mkdir(exist_ok=True)
        (outside / "race").write_bytes(b"root: not yours\n" * 100)
        folder.mkdir(exist_ok=True)
        (folder / "race").write_bytes(version(0))
        for path in (folder, folder / "race"):
            self.own(path)

        def swap(_number):
            os.rename(folder, folder.with_name("real"))
            os.symlink(outside, folder)
            os.unlink(folder)
            os.rename(folder.with_name("real"), folder)
            time.sleep(0.003)

        arrived, _errors = self.race_down(swap, "way/race")
        self.assertTrue(arrived)

    def test_moved(self):
        """File and folder are moved about."""
        self.good(self.sftp("ls\n"))
        top = self.transfer()
        for name in ("a", "b"):
            (top / name).mkdir(exist_ok=True)
            self.own(top / name)
        (top / "a/race").write_bytes(version(1))
        self.own(top / "a/race")

        def move(_number):
            os.rename(top / "a/race", top / "b/race")
            os.rename(top / "b", top / "c")
            os.rename(top / "c/race", top / "a/race")
            os.rename(top / "c", top / "b")

        arrived, _errors = self.race_down(move, "a/race")
        self.assertTrue(all(content == version(1) for content in arrived))

    def put_in_cell_ready(self, name, data):
        self.good(self.sftp("ls\n"))
        return self.put_in_cell(name, data)

    def test_large_while_changing(self):
        """Larger than what is copied at once: the copy is made beside, while it changes."""
        path = self.put_in_cell_ready("race", version(0, 3 << 20))

        def rewrite(number):
            with open(path, "r+b") as file:
                file.seek(random.randrange(3 << 20))
                file.write(version(number))

        self.race_down(rewrite, count=max(10, RACES // 20))

    # --- the uploader

    def mounted(self, script, count):
        """A program at the workstation with the view mounted, so that it may hold handles as it
        likes; what it prints."""
        (self.files / "race.py").write_text(script, encoding="utf-8")
        options = " ".join("-o %s" % o for o in self.ssh_options() if "=" in o)
        return self.good(self.client(
            "sh", "-c", "mkdir -p mnt; sshfs -o direct_io -F /dev/null %s %s:/transfer mnt || exit 1; "
            "python3 race.py mnt %d; r=$?; fusermount3 -u mnt || umount -l mnt; exit $r"
            % (options, self.where("alice"), count), seconds=60 + RACES // 5)).out

    def test_second_handle(self):
        """Two handles on one file; the one is closed, the other goes on writing. What was published is
        what was checked, and the cell never sees a byte of what came after."""
        script = """
import os, sys
for number in range(int(sys.argv[2])):
    path = os.path.join(sys.argv[1], "two")
    a = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    b = os.open(path, os.O_WRONLY)
    os.write(a, b"good %d\\n" % number * 100)
    try:
        os.close(a)
    except OSError:
        pass
    for late in range(3):
        try:
            os.pwrite(b, b"EVIL" * 100, late * 10)
        except OSError:
            pass
    content = open(path, "rb").read()
    print(content.count(b"EVIL"))
    try:
        os.close(b)
    except OSError:
        pass
    os.unlink(path)
"""
        stop = threading.Event()
        bad, seen = [], set()
        self.good(self.sftp("ls\n"))
        path = self.transfer() / "two"

        def watch():
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    content = path.read_bytes()
                    seen.add(hashlib.sha256(content).hexdigest())
                    # With the second handle's whole file, which is checked on its own close.
                    if b"EVIL" in content and not content.startswith(b"EVIL"):
                        bad.append(content)

        thread = threading.Thread(target=watch)
        thread.start()
        mark = self.system.log_mark()
        try:
            self.mounted(script, max(10, RACES // 10))
        finally:
            stop.set()
            thread.join()
        self.assertFalse(bad)
        wait_until(lambda: seen <= self.passed("up", mark), 20, "the cell saw only what passed")
        self.assertGreater(len(seen), 2)
