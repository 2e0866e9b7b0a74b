# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of files through the lock, with stock clients.

LAZARET_LOCK_FILES   small files of the test of many (200; the full run is 5000)
LAZARET_LOCK_GIB     size of the large file (0.06; the full run is 4)
"""

import hashlib
import os
import pathlib
import stat

import lib_net
from lib_admin import Administrators
from lib_proc import run, wait_until
from lib_sftp import SftpTest

FILES = int(os.environ.get("LAZARET_LOCK_FILES", "200"))
GIB = float(os.environ.get("LAZARET_LOCK_GIB", "0.06"))
OLD = 1000000000
NAMES = ("Prüfbericht.txt", "отчёт.txt", "報告書.txt", "e\u0301 und 🙂.txt", "a b'c\"d$e.txt")


class Ways:
    """Who gets in: tests on the system of the clients."""

    def test_wrong_password(self):
        done = self.sftp("ls\n", password="wrong")
        self.assertEqual(done.status, 255, done)
        self.assertIn("Permission denied", done.err)
        self.system.wait_log("login.refused", 'over="sftp"', since=self.mark)

    def test_throttle_is_common(self):
        """What fails here delays there, and the other way round."""
        self.assertNotEqual(self.sftp("ls\n", user="bob", password="wrong").status, 0)
        mark = self.system.log_mark()
        self.refused(self.system.name("bob"), "wrong")
        line = self.system.wait_log("login.delayed", self.system.name("bob"), since=mark)
        self.assertNotIn("over=", line)
        mark = self.system.log_mark()
        self.good(self.sftp("ls\n", user="bob"))
        line = self.system.wait_log("login.delayed", self.system.name("bob"), since=mark)
        self.assertIn('over="sftp"', line)
        # From another address nobody waits; and the right password has settled it.
        mark = self.system.log_mark()
        self.good(self.sftp("ls\n", user="bob"))
        self.assertNotIn("login.delayed", self.system.log_text()[mark:])

    def test_key(self):
        key = self.files / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        self.assertNotEqual(self.sftp("ls\n", key=key).status, 0)
        path = self.ssh_folder / "keys" / self.system.name("alice")
        path.write_text(pathlib.Path(str(key) + ".pub").read_text(encoding="utf-8"),
                        encoding="utf-8")
        self.addCleanup(path.unlink)
        self.good(self.sftp("ls\n", key=key))
        self.assertNotEqual(self.sftp("ls\n", user="bob", key=key).status, 0)

    def test_others(self):
        """root, an account without the group, one that there is not."""
        for name in ("root", "nobody", "lzf-there-is-none"):
            done = self.client("sftp", *self.ssh_options(), "-b", "-",
                               "%s@%s" % (name, lib_net.SYSTEM_LAN), input="ls\n",
                               password="wrong")
            self.assertEqual(done.status, 255, done)

    def test_not_beside_each_other(self):
        """Each has his own, at the same time."""
        self.good(self.sftp("ls\n", user="bob"))
        self.put_in_cell("secret", b"alice's") if self.transfer().exists() else None
        self.good(self.sftp("ls\n"))
        self.put_in_cell("secret", b"alice's")
        done = self.good(self.sftp("ls -la /\nls -la /transfer\n", user="bob"))
        self.assertNotIn("secret", done.out)
        for command in ("ls /../%d" % self.system.uid("alice"), "cd /run", "ls /etc",
                        "get /transfer/../../%d/transfer/secret" % self.system.uid("alice")):
            self.assertNotEqual(self.sftp(command + "\n", user="bob").status, 0, command)


class Clients(Ways, SftpTest):
    home = max(512, int(GIB * 1024 * 2.5))

    def setUp(self):
        super().setUp()
        self.good(self.sftp("ls\n"))
        for path in sorted(self.transfer().rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

    def seen(self):
        """What lies in the transfer folder: {path: content, or None for a folder}."""
        return {str(p.relative_to(self.transfer())): None if p.is_dir() else p.read_bytes()
                for p in self.transfer().rglob("*")}

    def test_openssh(self):
        data = os.urandom(300000)
        os.utime(self.local("up.bin", data), (OLD, OLD))
        done = self.good(self.sftp(
            "pwd\nls -la /\nput -p up.bin\nget -p up.bin down.bin\nrename up.bin other.bin\n"
            "mkdir folder\nput up.bin folder/x\nrename folder/x folder/y\nls -l folder\ndf\n"
            "get folder/y y\nrm folder/y\nrmdir folder\nchmod 644 other.bin\n"))
        self.assertIn("Remote working directory: /transfer", done.out)
        self.assertRegex(done.out, r"drwx------ .*transfer")
        for name in ("down.bin", "y"):
            self.assertEqual(self.local(name).read_bytes(), data)
        self.assertEqual(int(self.local("down.bin").stat().st_mtime), OLD)
        self.assertEqual(self.seen(), {"other.bin": data})
        status = (self.transfer() / "other.bin").stat()
        self.assertEqual((int(status.st_mtime), status.st_uid, stat.S_IMODE(status.st_mode)),
                         (OLD, self.system.uid("alice"), 0o600))
        self.assertEqual(list(self.staging().iterdir()), [])

    def test_space(self):
        """Sizes and free space are those of the user's own disk."""
        self.put_in_cell("large", b"x" * (20 << 20))
        done = self.good(self.sftp("ls -l\ndf\n"))
        self.assertIn(str(20 << 20), done.out)
        free = os.statvfs(self.transfer())
        size, used, available = (int(w) for w in done.out.splitlines()[-1].split()[:3])
        self.assertEqual(size, free.f_blocks * free.f_frsize // 1024)
        self.assertLess(abs(available - free.f_bavail * free.f_frsize // 1024), 2048)
        self.assertGreater(used, 20 << 10)

    def test_names(self):
        for number, name in enumerate(NAMES):
            self.local(name, b"%d" % number)
        commands = "".join('put "%s"\nget "%s" "back-%s"\n' % ((n.replace("\\", "\\\\").replace('"', '\\"'),) * 3)
                           for n in NAMES)
        self.good(self.sftp(commands))
        self.assertEqual(self.seen(), {n: b"%d" % i for i, n in enumerate(NAMES)})
        for number, name in enumerate(NAMES):
            self.assertEqual(self.local("back-" + name).read_bytes(), b"%d" % number)

    def test_names_refused(self):
        """Control characters and overrides of the direction: not offered, and not taken."""
        bad = ("bell\a.txt", "cod\u202etxt.exe", "new\nline", "iso\u2066late", "\u200fmark")
        for name in bad:
            self.put_in_cell(name, b"x")
        os.close(os.open(bytes(self.transfer()) + b"/not\xffutf8", os.O_CREAT | os.O_WRONLY))
        self.put_in_cell("good", b"x")
        done = self.good(self.sftp("ls -1\n"))
        self.assertEqual(done.out.splitlines()[1:], ["good"])
        self.local("good", b"y")
        before = {name: (self.transfer() / name).read_bytes() for name in os.listdir(self.transfer())}
        commands = ['%s "%s"' % (command, name) for name in ("cod\u202etxt.exe", "bell\a")
                    for command in ("put good", "mkdir", "rename good")]
        done = self.good(self.sftp("".join("-%s\n" % c for c in commands)))
        self.assertGreaterEqual(len(done.err.splitlines()), len(commands), done)
        self.assertEqual({name: (self.transfer() / name).read_bytes()
                          for name in os.listdir(self.transfer())}, before)
        self.system.wait_log("lock.hidden", 'why="direction override"', since=self.mark)
        self.system.wait_log("lock.hidden", 'why="encoding"', since=self.mark)
        text = self.system.log_text()[self.mark:]
        self.assertEqual(text.count('why="encoding"'), 1)

    def test_kinds_not_offered(self):
        folder = self.transfer()
        os.symlink("/etc/passwd", folder / "link")
        os.symlink("/etc", folder / "links")
        os.mkfifo(folder / "pipe")
        os.mknod(folder / "device", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        (folder / "real").mkdir()
        os.chown(folder / "real", self.system.uid("alice"), self.system.uid("alice"))
        self.assertEqual(self.good(self.sftp("ls -1\n")).out.splitlines()[1:], ["real"])
        with self.session() as talk:
            for command in ("get link", "get links/passwd", "get pipe", "get device", "cd links",
                            "rm link", "rename link real/x", "ln -s /etc/passwd l", "ln real/x y",
                            "get real/../link"):
                with self.assertRaises(AssertionError, msg=command) as raised:
                    talk(command)
                self.assertNotIn("root:", str(raised.exception))
            self.assertIn("/transfer", talk("pwd"))
        for kind in ("link", "pipe", "device"):
            self.system.wait_log("lock.hidden", 'why="%s"' % kind, since=self.mark)

    def test_resume(self):
        data = os.urandom(5 << 20)
        self.local("big", data)
        self.put_in_cell("big", data[:2 << 20])
        self.good(self.sftp("reput big\n"))
        self.assertEqual((self.transfer() / "big").read_bytes(), data)
        self.local("back", data[:3 << 20])
        self.good(self.sftp("reget big back\n"))
        self.assertEqual(self.local("back").read_bytes(), data)

    def test_scp(self):
        data = os.urandom(100000)
        self.local("scp.bin", data)
        os.utime(self.local("scp.bin"), (OLD, OLD))
        where = self.where("alice")
        self.good(self.client("scp", *self.ssh_options(), "-p", "scp.bin", where + ":x.bin"))
        self.good(self.client("scp", *self.ssh_options(), where + ":x.bin", "scp2.bin"))
        self.assertEqual(self.local("scp2.bin").read_bytes(), data)
        self.assertEqual(int((self.transfer() / "x.bin").stat().st_mtime), OLD)
        # The old protocol needs a program of the server's.
        self.assertNotEqual(self.client("scp", *self.ssh_options(), "-O", where + ":x.bin",
                                        "old.bin").status, 0)

    def test_sshfs(self):
        script = """set -e; mkdir -p mnt; sshfs {options} {where}:/transfer mnt
            trap 'cd ..; fusermount3 -u mnt 2>/dev/null || umount -l mnt' EXIT
            cd mnt; mkdir -p a/b; printf hello > a/b/c; cat a/b/c; printf ' more' >> a/b/c; cat a/b/c
            mv a/b/c a/d; truncate -s 3 a/d; cat a/d; touch -d @{old} a/d; stat -c %Y a/d
            dd if=/dev/zero of=big bs=64k count=40 2>/dev/null; printf X | dd of=big bs=1 seek=70000 conv=notrunc 2>/dev/null
            stat -c %s big; rm -r a/b; ls a; df --output=size . | tail -1"""
        options = " ".join("-o %s" % o if " " not in o else "" for o in self.ssh_options()
                           if "=" in o)
        done = self.good(self.client("sh", "-c", script.format(
            options=options + " -F /dev/null", where=self.where("alice"), old=OLD)))
        self.assertEqual(done.out.split("\n")[0], "hellohello morehel%d" % OLD)
        content = (self.transfer() / "big").read_bytes()
        self.assertEqual(content[70000:70001], b"X")
        self.assertEqual(len(content), 40 * 65536)
        self.assertEqual((self.transfer() / "a/d").read_bytes(), b"hel")

    def host_key(self):
        text = run("ssh-keygen", "-lf", self.ssh_folder / "host_ed25519.pub")
        return text.split()[1]

    def test_psftp(self):
        data = os.urandom(200000)
        self.local("putty.bin", data)
        self.local("script", b"cd /transfer\nput putty.bin\nreput putty.bin\nmkdir p\nmv putty.bin p\n"
                             b"get p/putty.bin putty2.bin\ndir p\nrm p/putty.bin\nrmdir p\nput putty.bin\n")
        done = self.good(self.client(
            "psftp", "-batch", "-P", str(self.port), "-hostkey", self.host_key(), "-pw",
            self.system.password("alice"), "-b", "script", self.where("alice")))
        self.assertEqual(self.local("putty2.bin").read_bytes(), data, done)
        self.assertEqual(self.seen(), {"putty.bin": data})

    def lftp(self, commands):
        connect = "ssh -a -x " + " ".join("'%s'" % o for o in self.ssh_options())
        return self.client("lftp", "-c", "set sftp:connect-program \"%s\"; set net:max-retries 1; "
                           "set cmd:fail-exit yes; open -u %s,%s sftp://%s/; cd transfer; %s"
                           % (connect, self.system.name("alice"), self.system.password("alice"),
                              lib_net.SYSTEM_LAN, commands))

    def test_lftp(self):
        data = os.urandom(3 << 20)
        for number in range(20):
            self.local("tree/%d/file" % number, b"%d" % number)
        self.local("lftp.bin", data)
        self.put_in_cell("lftp2.bin", data[:1 << 20])
        done = self.good(self.lftp("put lftp.bin; put -c lftp.bin -o lftp2.bin; get lftp.bin -o back.bin; "
                                   "pget -n 4 lftp.bin -o back4.bin; mirror -R -P 4 tree; mirror tree tree2; ls"))
        for name in ("back.bin", "back4.bin"):
            self.assertEqual(self.local(name).read_bytes(), data, done)
        self.assertEqual((self.transfer() / "lftp2.bin").read_bytes(), data)
        for number in range(20):
            self.assertEqual(self.local("tree2/%d/file" % number).read_bytes(), b"%d" % number)

    def test_rclone(self):
        data = os.urandom(1 << 20)
        self.local("rc/big.bin", data)
        for number in range(20):
            self.local("rc/%d" % number, b"%d" % number)
        os.utime(self.local("rc/big.bin"), (OLD, OLD))
        secret = run("rclone", "obscure", self.system.password("alice")).strip()
        remote = ":sftp,host=%s,port=%d,user=%s,pass=%s,known_hosts_file=%s,shell_type=none," \
            "disable_hashcheck=true:/transfer/rc" % (lib_net.SYSTEM_LAN, self.port,
                                                     self.system.name("alice"), secret, self.known)
        # Each connection of its is a login.
        config = ("--config", "/dev/null", "--retries", "1", "-q", "--checkers", "2",
                  "--transfers", "2")
        self.good(self.client("rclone", *config, "copy", "rc", remote))
        self.good(self.client("rclone", *config, "copy", remote, "rc2"))
        self.good(self.client("rclone", *config, "check", "--download", "rc", remote))
        self.assertEqual(self.local("rc2/big.bin").read_bytes(), data)
        self.assertEqual(int((self.transfer() / "rc/big.bin").stat().st_mtime), OLD)
        # Nothing to do: times and sizes are what they were.
        before = {p: p.stat().st_ino for p in self.transfer().rglob("*")}
        self.good(self.client("rclone", *config, "sync", "rc", remote))
        self.assertEqual({p: p.stat().st_ino for p in self.transfer().rglob("*")}, before)

    def test_many(self):
        """Several thousand small files, as somebody drops them."""
        mark = self.system.log_mark()
        for number in range(FILES):
            self.local("many/%d.txt" % number, b"number %d\n" % number * 40)
        self.good(self.sftp("put -r many\n", seconds=600))
        self.assertEqual(len(self.seen()), FILES + 1)
        self.good(self.sftp("get -r many many2\n", seconds=600))
        for number in range(FILES):
            self.assertEqual(self.local("many2/%d.txt" % number).read_bytes(),
                             b"number %d\n" % number * 40)
        # However fast they went, each is in the log, both times.
        for direction in ("up", "down"):
            wait_until(lambda d=direction: sum(
                "lock.passed" in line and 'direction="%s"' % d in line
                for line in self.system.log_text()[mark:].splitlines()) == FILES, 30,
                "each file has its line in the log, " + direction)

    def test_seen_at_once(self):
        """What was saved in the cell is there, and is what is fetched, whatever was before."""
        with self.session() as talk:
            for number in range(30):
                data = b"%d " % number * (number + 1)
                self.put_in_cell("page", data)
                talk("get page page.%d" % number)
                self.assertEqual(self.local("page.%d" % number).read_bytes(), data)

    test_many.seconds = 1300

    def test_large(self):
        path = self.files / "large"
        with open(path, "wb") as file:
            for _ in range(int(GIB * 1024)):
                file.write(os.urandom(1 << 20))
        def digest(p):
            with open(p, "rb") as f:
                return hashlib.file_digest(f, "sha256").hexdigest()
        self.good(self.sftp("put large\n", seconds=900))
        self.assertEqual(digest(self.transfer() / "large"), digest(path))
        self.good(self.sftp("get large large2\n", seconds=900))
        self.assertEqual(digest(self.files / "large2"), digest(path))

    test_large.seconds = 2000


class OnePort(SftpTest):
    """Administration on port 22 as well: one sshd, and each person has only what is his."""

    more = 'path "admin" { enabled = yes }\n'

    @classmethod
    def setUpClass(cls):
        cls.admins = Administrators({"maint": ("maint",), "both": ("maint",)})
        cls.sftp_options = dict(cls.admins.options, **{
            "admin-port": 22, "admin-login": "either", "zone-administration": ["10.77.0.11/32"]})
        try:
            super().setUpClass()
        except BaseException:
            cls.admins.close()
            raise
        for person in cls.admins.people:
            run("usermod", "--shell", cls.system.programs + "/usr/libexec/lazaret/lazaret-admin",
                cls.admins.name(person))
        run("usermod", "-aG", "lazaret-users", cls.admins.name("both"))

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.admins.close()

    def administrator(self, person, program, *arguments, place=1, method="password", **named):
        where = "%s@%s" % (self.admins.name(person), lib_net.SYSTEM_LAN)
        return self.client(program, *self.ssh_options(), "-o", "PreferredAuthentications=" + method,
                           *(a for a in arguments if a.startswith("-")), where,
                           *(a for a in arguments if not a.startswith("-")), place=place,
                           password=self.admins.passwords[person], **named)

    def test_each_his_own(self):
        for method in ("password", "keyboard-interactive"):
            done = self.administrator("maint", "ssh", "roles show", method=method)
            self.assertIn("maint", self.good(done).out)
            self.good(self.sftp("ls /transfer\n", options=("-o", "PreferredAuthentications="
                                                           + method)))

    def test_not_the_others(self):
        """A user gets no command, from whatever place; an administrator no file, and neither of them
        anything from the other's network alone."""
        self.assertNotIn("lazaretctl", self.client("timeout", "5", "ssh", *self.ssh_options(),
                                                   self.where("alice"), "roles show").out)
        done = self.administrator("maint", "sftp", "-b", "-", input="ls\n")
        self.assertNotEqual(done.status, 0)
        done = self.administrator("maint", "ssh", "roles show", place=0)
        self.assertEqual(done.status, 255, done)

    def test_role_and_user(self):
        """Who holds a role is no user, though he is in the group."""
        done = self.administrator("both", "sftp", "-b", "-", input="ls /transfer\n")
        self.assertNotEqual(done.status, 0)
        self.assertNotIn("transfer", done.out.replace("ls /transfer", ""))
        done = self.administrator("both", "sftp", "-b", "-", input="ls /transfer\n", place=0)
        self.assertEqual(done.status, 255, done)
