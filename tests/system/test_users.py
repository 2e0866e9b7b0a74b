# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, made, changed and removed by a holder of the role maint, over SSH. LAZARET_USERS says how many
are imported at once."""

import csv
import datetime
import grp
import io
import json
import os
import pathlib
import pwd
import re
import shlex
import signal
import subprocess
import time

from lib_proc import run, scaled, wait_until
from lib_ssh import Done, SshTest

COUNT = int(os.environ.get("LAZARET_USERS", "40"))
WRONG = "Name or password is wrong, or this account may not log in here."
BLUE = (0x30, 0x60, 0xC0)
HASH = "$6$abcdefgh$" + "a" * 86
FAILED, USAGE, NOT_FOUND, DENIED = 1, 2, 3, 4


def shadow(name):
    """The fields of the account behind its name, or None."""
    for line in pathlib.Path("/etc/shadow").read_text(encoding="utf-8").splitlines():
        if line.startswith(name + ":"):
            return line.split(":")[1:]
    return None


def sweep():
    """What tests whose process is gone have left behind."""
    for entry in pwd.getpwall():
        match = re.match(r"lzu(\d+)-", entry.pw_name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            run("userdel", entry.pw_name, check=False)
    for group in grp.getgrall():
        match = re.match(r"lzu(\d+)-", group.gr_name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            run("groupdel", group.gr_name, check=False)


class Users(SshTest):
    people = {"maint": ("maint",), "audit": ("audit",), "both": ("maint", "config")}
    users = ("alice",)
    seconds = 120 + COUNT

    @classmethod
    def setUpClass(cls):
        sweep()
        cls.mine = "lzu%d-" % os.getpid()
        cls.group, cls.other, cls.of_system = (cls.mine + x for x in ("g", "h", "s"))
        run("groupadd", cls.group)
        run("groupadd", cls.other)
        run("groupadd", "--system", cls.of_system)
        try:
            super().setUpClass()
            cls.state_folder = pathlib.Path(re.search(
                r'^state-directory = "(.*)"', run(cls.system.state / "lazaretctl", "config", "dump"),
                re.M).group(1))
        except BaseException:
            cls.clear()
            raise

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.clear()

    @classmethod
    def clear(cls):
        for entry in pwd.getpwall():
            if entry.pw_name.startswith(cls.mine):
                run("userdel", entry.pw_name, check=False)
        for group in (cls.group, cls.other, cls.of_system):
            run("groupdel", group, check=False)

    @classmethod
    def changing(cls, port=None, login="key", enabled=True, more=""):
        return super().changing(port, login, enabled, more + "".join(
            'group "%s" { clipboard = both }\n' % group
            for group in (cls.group, cls.other, cls.of_system)))

    def tearDown(self):
        self.system.end_sessions()
        self.maint("user remove --match '%s*' --yes" % self.mine)

    def maint(self, line, input=None, seconds=120, person="maint"):
        """A command of his at this host, through the daemon; over SSH it is the same, only slower."""
        name = self.admins.name(person)
        gid = pwd.getpwnam(name).pw_gid
        return Done(subprocess.run(
            [self.system.programs + "/usr/bin/lazaretctl", "-s", self.control, *shlex.split(line)],
            input=input or "", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
            user=self.admins.uid(person), group=gid, extra_groups=os.getgrouplist(name, gid),
            timeout=scaled(seconds), check=False))

    def existing(self):
        return {e.pw_name: e for e in pwd.getpwall() if e.pw_name.startswith(self.mine)}

    def listed(self, *words):
        done = self.maint(" ".join(("user list --match '%s*'" % self.mine,) + words) + " --json")
        self.assertEqual(done.status, 0, done)
        return {user["user"]: user for user in json.loads(done.out)}

    def add(self, user, *words, password=None):
        done = self.maint("user add %s%s %s %s" % (self.mine, user, " ".join(words),
                                                  "-" if password else ""), input=password)
        self.assertEqual(done.status, 0, done)
        return self.mine + user

    # --- lists

    def rows(self, count):
        return "".join("%sn%d;Person %d;%s;%s;2030-01-31\r\n" % (
            self.mine, i, i, ("-", HASH, "")[i % 3] if i < 30 else HASH, self.group)
            for i in range(count))

    def test_import(self):
        """Many, with lines that are wrong in every way: each is named, the others are whole."""
        m = self.mine
        broken = [  # line, what is said of it
            ("root;x;;;", "is the administrator of this host"),
            ("daemon;x;;;", "is a system account"),
            ("%s;x;;;" % self.admins.name("maint"), "is not in the users-group"),
            ("-x;x;;;", "begin with a small letter"), ("a;b;x;;;;", "has 7 fields"),
            ("../x;x;;;", "small letter"), ("%sa$;x;;;" % m, "other characters"),
            ("%sabcdefghijklmnopqrstuvwxyz0123456789;x;;;" % m, "longer than 32"),
            ("%sü;x;;;" % m, "other characters"), ("%sa;a:b;;;" % m, "colon"),
            ('%sb;"a\r\nb";;;' % m, "control character"), ("%sc;a,b;;;" % m, "comma"),
            ("%sd;=cmd;;;" % m, "formula"), ("%se;x;secret;;" % m, "plain passwords"),
            ("%sf;x;$6$x:0:0\n;;" % m, "fields"), ("%sg;x;;sudo;" % m, "administrators"),
            ("%sh;x;;nogroup;" % m, "gives rights"), ("%si;x;;%s;" % (m, self.of_system), "below 1000"),
            ("%sj;x;;;2027-02-30" % m, "no day"), ("%sn1;x;;;" % m, "twice"),
            ('%sk;"x"y;;;' % m, "quotes"),
        ]
        text = "\ufeffuser;name;password;groups;expires\r\n" + self.rows(COUNT)
        text += "".join(line + "\r\n" for line, _ in broken) + '"%sl;x' % m
        before = {e.pw_name for e in pwd.getpwall()}
        done = self.maint("user import - --preview --json", input=text)
        said = json.loads(done.out)
        self.assertEqual((said["added"], said["preview"], len(said["passwords"])), (COUNT, True, 0))
        self.assertEqual({e.pw_name for e in pwd.getpwall()}, before)
        started = time.monotonic()
        done = self.ssh("maint", "lazaretctl user import - --json", input=text, seconds=COUNT + 60)
        print("result: %d users imported in %.1f s" % (COUNT, time.monotonic() - started))
        self.assertEqual(done.status, FAILED, done)
        said = json.loads(done.out)
        self.assertEqual((said["added"], said["existing"]), (COUNT, 0), said["broken"])
        # A line more for the second half of a row that was cut in two, and one for what is not closed.
        line, reasons = COUNT + 2, {item["line"]: item["reason"] for item in said["broken"]}
        for row, reason in broken:
            self.assertIn(reason, reasons.get(line, "nothing"), (line, row, reasons))
            line += row.count("\n") + 1
        self.assertIn("not closed", reasons[line])
        self.assert_whole(COUNT, said["passwords"])
        # Nothing of it is an argument or in the log.
        log = self.system.log_text()
        for secret in [HASH] + [item["password"] for item in said["passwords"]]:
            self.assertNotIn(secret, log)
        self.import_again(text)

    def assert_whole(self, count, passwords):
        existing = self.existing()
        self.assertEqual(set(existing), {self.mine + "n%d" % i for i in range(count)})
        made_up = {item["user"]: item["password"] for item in passwords}
        members = set(grp.getgrnam(self.group).gr_mem)
        uids = set()
        for i in range(count):
            name = self.mine + "n%d" % i
            entry = existing[name]
            uids.add(entry.pw_uid)
            self.assertEqual((entry.pw_gecos, entry.pw_shell, entry.pw_dir),
                             ("Person %d" % i, "/usr/sbin/nologin", "/nonexistent"))
            self.assertGreaterEqual(entry.pw_uid, 1000)
            fields = shadow(name)
            self.assertEqual(fields[6], str((datetime.date(2030, 1, 31)
                                             - datetime.date(1970, 1, 1)).days))
            if i % 3 == 0 and i < 30:
                self.assertTrue(fields[0].startswith("$y$"), fields)
                self.assertRegex(made_up[name], r"^[A-Za-z2-9]{4}(-[A-Za-z2-9]{4}){3}$")
            else:
                self.assertEqual(fields[0], "!" if i % 3 == 2 and i < 30 else HASH)
        self.assertEqual(len(uids), count)
        self.assertLessEqual(set(existing), members)

    def import_again(self, text):
        """Who exists is passed over, or changed."""
        names = [self.mine + "n%d" % i for i in range(COUNT)]
        before = [shadow(name) for name in names]
        said = json.loads(self.maint("user import - --json", input=text).out)
        self.assertEqual((said["added"], said["existing"]), (0, COUNT))
        self.assertEqual([shadow(name) for name in names], before)
        name = self.mine + "n0"
        text = "user,name,groups\n%s,\"Other \"\"x\"\"\",%s\n" % (name, self.other)
        said = json.loads(self.maint("user import - --update --json", input=text).out)
        self.assertEqual((said["added"], said["changed"]), (0, 1), said)
        self.assertEqual(pwd.getpwnam(name).pw_gecos, 'Other "x"')
        self.assertNotIn(name, grp.getgrnam(self.group).gr_mem)
        self.assertIn(name, grp.getgrnam(self.other).gr_mem)
        self.assertEqual(shadow(name)[6], shadow(self.mine + "n1")[6])  # not said: as before
        done = self.maint("user import - --update", input="user,password\n%s,-\n" % name)
        self.assertIn("use user password", done.err)

    def test_wrong_lists(self):
        """Whose first line is wrong: nothing is done."""
        for text, said in (("", "empty"), ("anna,x\nbob,y\n", 'no column "anna"'),
                           ("user,user\na,b\n", "twice"), ("name\nx\n", '"user" is none'),
                           ("user,shell\na,b\n", '"shell"')):
            done = self.maint("user import -", input=text)
            self.assertEqual(done.status, FAILED, done)
            self.assertIn(said, done.err)
            self.assertIn("nothing was done", done.err)
        self.assertEqual(self.existing(), {})
        # Root reads no file for somebody else.
        done = self.maint("user import /etc/shadow")
        self.assertEqual(done.status, USAGE)
        self.assertIn("reads no file of its callers", done.err)

    def test_export(self):
        """What is exported can be imported elsewhere: here, after it was removed."""
        self.maint("user import -", input='user,name,groups,expires\n%sa,"A ""x""; y",%s %s,2031-05-06\n'
                   % (self.mine, self.group, self.other))
        text = self.maint("user export --match '%s*'" % self.mine).out
        self.assertEqual(list(csv.reader(io.StringIO(text)))[1],
                         [self.mine + "a", 'A "x"; y', "", "%s %s" % (self.group, self.other),
                          "2031-05-06"])
        before = self.listed()
        self.maint("user remove %sa --yes" % self.mine)
        self.assertEqual(self.maint("user import -", input=text).status, 0)
        after = self.listed()
        for user in (*before.values(), *after.values()):
            user.pop("uid")
        self.assertEqual(before, after)

    # --- whole or not at all

    def tool(self):
        for process in self.system.processes("lazaretctl"):
            with open("/proc/%d/cmdline" % process.pid, "rb") as file:
                if b"--input\0" in file.read():
                    return process.pid
        return None

    def half_made(self):
        """An account of which there is not yet what the list says."""
        for line in pathlib.Path("/etc/shadow").read_text(encoding="utf-8").splitlines():
            if line.startswith(self.mine) and line.split(":")[1] == "!":
                return line.partition(":")[0]
        return None

    def kill_import(self, text):
        """Killed between an account and its password."""
        name = self.admins.name("maint")
        gid = pwd.getpwnam(name).pw_gid
        with subprocess.Popen(
                [self.system.programs + "/usr/bin/lazaretctl", "-s", self.control, "user", "import",
                 "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                user=self.admins.uid("maint"), group=gid,
                extra_groups=os.getgrouplist(name, gid), cwd="/") as client:
            pid = wait_until(self.tool, 10, "the tool runs")
            client.stdin.write(text.encode())
            client.stdin.close()
            client.stdin = None
            deadline = time.monotonic() + scaled(30)
            while not self.half_made():
                self.assertLess(time.monotonic(), deadline)
            os.kill(pid, signal.SIGKILL)
            client.communicate(timeout=scaled(30))

    def test_killed(self):
        """Killed at any point, no account is there without what the list says of it."""
        text = "user;password;groups\n" + "".join(
            "%sn%d;%s;%s\n" % (self.mine, i, HASH, self.group) for i in range(30))
        for _ in range(3):
            self.kill_import(text)
            # Whoever comes next finds what was half made, and only that.
            done = self.maint("user unlock --match '%sn29'" % self.mine)
            self.assertIn("0 of 0", done.out)
            self.assertIn("removed again", done.err)
            self.assertIsNone(self.half_made())
        count = len(self.existing())
        self.assertLess(count, 30)
        for name in self.existing():
            self.assertEqual(shadow(name)[0], HASH)
            self.assertIn(name, grp.getgrnam(self.group).gr_mem)
        said = json.loads(self.maint("user import - --json", input=text).out)
        self.assertEqual((said["added"], said["existing"]), (30 - count, count))

    def journal(self, text):
        folder = self.state_folder / "accounts"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "journal").write_text(text, encoding="utf-8")

    def test_journal(self):
        """What was half made is removed again; nothing else is, whatever stands in the journal."""
        half = self.add("half")
        self.journal("add %s %d\n" % (half, pwd.getpwnam(half).pw_uid))
        done = self.maint("user unlock --expired")
        self.assertIn("removed again", done.err)
        self.assertNotIn(half, self.existing())
        # Another one of that name; one that is no user; half a record; nonsense.
        whole = self.add("whole")
        uid, admin = pwd.getpwnam(whole).pw_uid, self.admins.name("audit")
        for text in ("add %s %d\n" % (whole, uid + 1), "add %s %d" % (whole, uid),
                     "add %s %d\n" % (admin, self.admins.uid("audit")), "add root 0\n",
                     "remove root 0\n", "remove %s %d\n" % (admin, self.admins.uid("audit")),
                     "\0\xff\n", "add  1000\n", "x" * 500):
            self.journal(text)
            self.assertEqual(self.maint("user unlock --expired").status, 0)
            self.assertIn(whole, self.existing())
            pwd.getpwnam(admin)
        # Cut short in the middle of a removal: it is gone on with.
        self.journal("remove %s %d\n" % (whole, uid))
        self.assertEqual(self.maint("user unlock --expired").status, 0)
        self.assertNotIn(whole, self.existing())

    def test_taken_back(self):
        """An account whose password is not taken is not made at all."""
        done = self.maint("user add %sx -" % self.mine, input="p" * 1000 + "\n")
        self.assertEqual(done.status, FAILED, done)
        self.assertIn("the password is not taken", done.err)
        self.assertEqual(self.existing(), {})
        self.assertIsNone(shadow(self.mine + "x"))

    def test_batch_taken_back(self):
        """When the passwords of a list are not taken, none of its accounts stays, and each is named."""
        text = "user,password\n%sa,%s\n%sb,\n%sc,%s\n" % (self.mine, HASH, self.mine, self.mine, HASH)
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", 'mount --bind /bin/false /usr/sbin/chpasswd; exec "$@"',
             "sh", str(self.system.state / "lazaretctl"), "user", "import", "-", "--json"],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, FAILED, done)
        said = json.loads(done.stdout)
        self.assertEqual((said["added"], [item["line"] for item in said["broken"]]), (0, [2, 3, 4]))
        self.assertEqual(self.existing(), {})
        self.assertEqual((self.state_folder / "accounts/journal").read_bytes(), b"")

    def test_one_at_a_time(self):
        with self.running("maint", "lazaretctl user import -") as process:
            process.stdin.write(b"user\n")
            self.assertEqual(self.maint("user add %sa" % self.mine).status, 0)  # it only reads yet
            folder = self.state_folder / "accounts"
            with subprocess.Popen(["flock", str(folder / "lock"), "cat"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as holder:
                holder.stdin.write(b"x\n")
                holder.stdin.flush()
                holder.stdout.read(1)
                done = self.maint("user add %sb" % self.mine)
                self.assertEqual(done.status, FAILED)
                self.assertIn("somebody else is changing users", done.err)
                self.assertEqual(self.maint("user list").status, 0)
                holder.stdin.close()
                holder.stdin = None

    # --- changes

    def test_changes(self):
        """Lock, unlock, last day, password; by name and by what they have in common."""
        a = self.add("a", "--groups", self.group, "--name", "'A B'", password="Hallo dudu 1\n")
        b = self.add("b", "--expires", "2020-01-01")
        self.assertEqual({n: u["state"] for n, u in self.listed().items()},
                         {a: "active", b: "expired"})
        self.assertEqual(set(self.listed("--expired")), {b})
        self.assertEqual(set(self.listed("--group", self.group)), {a})
        self.assertEqual(set(self.listed("--inactive", "1")), set())
        done = self.maint("user lock --match '%s*' --preview" % self.mine)
        self.assertIn("%s would be locked" % a, done.out)
        self.assertEqual(self.listed()[a]["state"], "active")
        self.assertEqual(self.maint("user lock %s" % a).status, 0)
        self.assertEqual(self.listed()[a]["state"], "locked")
        self.assertEqual(self.refused(a, "Hallo dudu 1"), WRONG)
        self.assertEqual(self.maint("user unlock %s" % a).status, 0)
        self.assertEqual(self.maint("user expire 2019-01-01 %s" % a).status, 0)
        self.assertIn("has expired", self.refused(a, "Hallo dudu 1"))
        self.assertEqual(self.maint("user expire never %s %s" % (a, b)).status, 0)
        self.assertEqual(self.listed()[b]["state"], "no password")
        done = self.maint("user unlock %s" % b)
        self.assertEqual(done.status, FAILED)
        self.assertIn("has no password yet", done.err)
        self.assertEqual(self.maint("user password %s -" % b, input="Noch eins 2\n").status, 0)
        self.assertEqual(self.listed()[b]["state"], "active")
        self.assertNotIn("Noch eins", self.system.log_text())
        done = self.maint("user password %s hallo" % b)
        self.assertEqual(done.status, USAGE)

    def test_not_touched(self):
        """Nobody but users, by whatever command."""
        name = self.mine + "x"
        run("useradd", "--no-create-home", "--shell", "/usr/sbin/nologin", name)  # no user
        self.addCleanup(lambda: [run("userdel", n) for n in (name, sudo, role)])
        sudo = self.add("admin")
        run("gpasswd", "-a", sudo, "adm")
        role = self.add("role")
        run("gpasswd", "-a", role, self.admins.group("audit"))
        people = ("root", "daemon", "nobody", name, sudo, role, self.admins.name("maint"))
        before = [shadow(who) for who in people]
        for who in ("root", "daemon", "nobody", name, sudo, role, self.admins.name("maint"), "--",
                    "-x", "../../x", "''"):
            for command in ("lock %s", "unlock %s", "expire 2020-01-01 %s", "password %s --generate",
                            "remove %s --yes"):
                done = self.maint("user " + command % who)
                self.assertIn(done.status, (FAILED, USAGE, NOT_FOUND), done)
        self.assertEqual([shadow(who) for who in people], before)
        # One that may not be touched, and nobody is.
        good = self.add("good")
        done = self.maint("user lock %s root" % good)
        self.assertEqual(done.status, FAILED)
        self.assertEqual(shadow(good)[0], "!")
        # A filter passes over them.
        self.assertIn("%s is locked" % good, self.maint("user lock --match '%s*'" % self.mine).out)
        self.assertNotIn(role, self.maint("user lock --match '%s*'" % self.mine).out)
        # Whom, must be said.
        self.assertEqual(self.maint("user lock --preview").status, USAGE)

    # --- sessions and files

    def client_of(self, name, password):
        self.system.users["imported"] = (name, password)
        client = self.system.client("imported")
        self.addCleanup(client.close)
        client.wait_colour(BLUE)
        return client

    def test_life(self):
        """From the list to a session to nothing left; who comes later with the number finds nothing."""
        text = "user,name,password\n%slife,Living,-\n" % self.mine
        done = self.maint("user import - --json", input=text)
        name, password = self.mine + "life", json.loads(done.out)["passwords"][0]["password"]
        uid = pwd.getpwnam(name).pw_uid
        folder = self.state_folder / "users" / str(uid)
        self.client_of(name, password)
        login = self.listed()[name]["last_login"]
        self.assertTrue(login.startswith(datetime.datetime.utcnow().strftime("%Y-%m-%d")), login)
        os.utime(folder / "login", (0, time.time() - 100 * 86400))
        self.assertEqual(set(self.listed("--inactive", "99")), {name})
        self.assertEqual(set(self.listed("--inactive", "101")), set())
        report = json.loads(self.maint("user report --full 0 --json", person="audit").out)
        self.assertIn(name, [item["user"] for item in report["inactive"]])
        self.assertIn(name, [item["user"] for item in report["nearly_full"]])
        done = self.maint("user remove %s --preview" % name)
        self.assertRegex(done.out, r"%s \(Living\).*MiB used, \d+ MiB of disk" % name)
        self.assertTrue(folder.exists())
        self.assertEqual(self.maint("user remove %s" % name).status, USAGE)  # nobody to be asked
        done = self.maint("user remove %s --yes" % name)
        self.assertEqual(done.status, 0, done)
        self.assertIsNone(self.system.session("imported"))
        self.assertFalse(folder.exists())
        self.assertNotIn(name, self.existing())
        # Removed by hand, it leaves its files; then its number is given to nobody here.
        folder.mkdir()
        (folder / "owner").write_text("%d %s\n" % (uid, name), encoding="utf-8")
        again = self.add("again", password="Hallo dudu 1\n")
        self.assertNotEqual(pwd.getpwnam(again).pw_uid, uid)
        # Who has it all the same gets an empty home.
        heir = self.mine + "heir"
        run("useradd", "--no-create-home", "--uid", str(uid), "--gid", "lazaret-users", heir)
        run("chpasswd", input="%s:Hallo dudu 1\n" % heir)
        self.system.users["heir"] = (heir, "Hallo dudu 1")
        client = self.system.client("heir")
        self.addCleanup(client.close)
        client.wait_colour(BLUE)
        self.assertEqual((folder / "owner").read_text(encoding="utf-8"), "%d %s\n" % (uid, heir))
        former, = self.state_folder.glob("users/former-%d-*" % uid)
        self.addCleanup(run, "rm", "-rf", str(former))
        self.assertEqual((former / "owner").read_text(encoding="utf-8"), "%d %s\n" % (uid, name))

    def test_asked(self):
        """At a terminal it is shown what would go, and asked about."""
        name = self.add("asked")
        for answer, left in (("no", True), ("yes", False)):
            with self.running("maint", "lazaretctl user remove " + name, options=("-tt",)) as process:
                self.read_until(process, "yes or no: ")
                process.stdin.write((answer + "\n").encode())
                self.read_until(process, "Nothing was done" if left else "1 of 1 removed", 60)
            self.assertEqual(name in self.existing(), left)

    def test_typed_password(self):
        """At a terminal a password is not shown."""
        name = self.add("typed")
        with self.running("maint", "lazaretctl user password %s -" % name, options=("-tt",)) as process:
            self.read_until(process, "Password: ")
            process.stdin.write(b"Hallo dudu 3\n")
            said = self.read_until(process, "has a new password")
        self.assertNotIn("dudu", said)
        self.assertEqual(self.listed()[name]["state"], "active")

    @property
    def control(self):
        text = (self.system.state / "lazaretctl").read_text(encoding="utf-8")
        return text.partition('-s "')[2].partition('"')[0]
