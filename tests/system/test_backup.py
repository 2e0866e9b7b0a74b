# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: of one machine, restored on another one that is new; what is in the way; what somebody puts
into a repository who wants to become more than he is; servers over SSH; and who approves."""

import json
import os
import pathlib
import re
import unittest

from lib_proc import BUILD, Process, run, wait_until
from lib_restic import make_cheap
from lib_room import Room
from lib_ssh import SshTest

PASSWORD = "correct horse battery"
FORGER = "the forger knows it"
CONFIG = """
certificate = "%(etc)s/tls/server.pem"
private-key = "%(etc)s/tls/server.key"
ssh-directory = "%(etc)s/ssh"
state-directory = "/root/state"
runtime-directory = "/root/run"
backup-repository = "%(repository)s"
zone-workstations = {"10.77.0.0/24"}
idle-limit = 1234
path "update" { hosts = {"192.0.2.80"} }
group "lzbk-staff" { clipboard = in }
%(more)s
"""
# Asks the real stack of PAM in the room: the service of viewers' logins.
PAM = r"""
import ctypes, sys
pam = ctypes.CDLL("libpam.so.0"); libc = ctypes.CDLL(None)
libc.calloc.restype = libc.strdup.restype = ctypes.c_void_p
class Response(ctypes.Structure): _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]
CONV = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)
class Conv(ctypes.Structure): _fields_ = [("conv", CONV), ("data", ctypes.c_void_p)]
def answer(n, messages, out, data):
    p = libc.calloc(n, ctypes.sizeof(Response))
    for i in range(n):
        Response.from_address(p + i * ctypes.sizeof(Response)).text = libc.strdup(sys.argv[2].encode())
    out[0] = p
    return 0
handle = ctypes.c_void_p()
conv = Conv(CONV(answer), None)
assert pam.pam_start(b"lazaret", sys.argv[1].encode(), ctypes.byref(conv), ctypes.byref(handle)) == 0
code = pam.pam_authenticate(handle, 0) or pam.pam_acct_mgmt(handle, 0)
sys.exit(1 if code else 0)
"""


class Machine(Room):
    """One whose /etc is that of a new system, with our groups and services."""

    def __init__(self, repository=None, more=""):
        super().__init__("backup")
        self.repository = repository or self.path + "/repository"
        self.sh("""
cp /usr/share/base-passwd/passwd.master /etc/passwd; cp /usr/share/base-passwd/group.master /etc/group
awk -F: '{ print $1 ":*:19000:0:99999:7:::" }' /etc/passwd > /etc/shadow
awk -F: '{ print $1 ":*::" }' /etc/group > /etc/gshadow
chmod 640 /etc/shadow /etc/gshadow; chgrp shadow /etc/shadow /etc/gshadow
rm -f /etc/subuid /etc/subgid; touch /etc/subuid /etc/subgid
for g in users config maint update backup audit security; do groupadd --system lazaret-$g; done
mkdir -p $W/state /root/state /root/run; mount --bind $W/state /root/state; mkdir -p /etc/lazaret/tls /etc/lazaret/ssh/keys; rm -rf /etc/lazaret/*/*.*
""")
        self.sh("cat > /etc/pam.d/lazaret", input=(
            "auth required pam_unix.so nodelay\naccount required pam_unix.so\n"))
        self.write("bin/lazaretctl", '#!/bin/sh\nexec %s/src/ctl/lazaretctl --file '
                   '/etc/lazaret/lazaret.conf --socket /root/run/control "$@"\n' % BUILD, 0o755)
        self.write("pam.py", PAM)
        self.configure(more)

    def configure(self, more=""):
        self.more = more
        self.sh("cat > /etc/lazaret/lazaret.conf; chmod 644 /etc/lazaret/lazaret.conf", input=CONFIG % {
            "etc": "/etc/lazaret", "repository": self.repository, "more": more})

    def may_login(self, name, password):
        return self.run("python3 $W/pam.py %s '%s'" % (name, password))[0] == 0

    def accounts(self):
        return self.sh("getent passwd | sort; getent shadow | sort; getent group | sort; "
                       "cd /etc/lazaret; find . -type f | sort | xargs sha256sum")

    def fill(self):
        self.sh("""
groupadd lzbk-staff
useradd -M -u 7001 -g lazaret-users -G lzbk-staff -s /usr/sbin/nologin -c 'Al B' lzbk-alice
useradd -M -u 7002 -g lazaret-users -s /usr/sbin/nologin -e 2030-01-02 lzbk-bob
useradd -M -u 7003 -U -G lazaret-maint -s /usr/libexec/lazaret/lazaret-admin lzbk-mary
useradd -M -u 7009 -s /bin/bash lzbk-other
printf '%s\\n' 'lzbk-alice:""" + PASSWORD + """' 'lzbk-bob:other' | chpasswd
passwd -q -l lzbk-bob
cd /etc/lazaret; echo 'the certificate' > tls/server.pem; echo 'the key' > tls/server.key; chmod 600 tls/server.key
ssh-keygen -q -t ed25519 -N '' -f ssh/host_ed25519
ssh-keygen -q -t ed25519 -N '' -C mary -f $W/mary; cp $W/mary.pub ssh/keys/lzbk-mary
mkdir -p $W/state/settings; chmod 700 $W/state/settings; echo 'idle-limit = 1' > $W/state/settings/0
""")

    def password(self):
        return self.sh("lazaretctl backup key show").strip()

    def take_over(self, other):
        """Reaches the backups of another machine, as an administrator of a new one would."""
        self.repository = other.repository
        self.configure()
        self.sh("lazaretctl backup key set -", input=other.password() + "\n")

    def first_backup(self):
        """Made as it always is; the repository opens in no time after it."""
        self.sh("lazaretctl backup run")
        make_cheap(self.repository, self.password())

    def make_empty(self):
        """A repository for others to copy."""
        self.sh("restic --no-cache --quiet -r $W/empty init", env={"RESTIC_PASSWORD": FORGER})
        make_cheap(self.path + "/empty", FORGER)

    def take_empty(self, other):
        """Begins with a copy of that."""
        self.repository = self.path + "/taken"
        self.configure(self.more)
        self.sh("cp -a %s/empty %s; lazaretctl backup key set -" % (other.path, self.repository), input=FORGER + "\n")

    def restic(self, words, password=None):
        return self.sh("restic --no-cache --quiet -r %s %s" % (self.repository, words),
                       env={"RESTIC_PASSWORD": password or self.password()})


class Restore(unittest.TestCase):
    seconds = 180
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.old = Machine()
        cls.addClassCleanup(cls.old.close)
        cls.old.fill()
        cls.old.first_backup()
        cls.old.make_empty()

    def new(self):
        machine = Machine()
        self.addCleanup(machine.close)
        machine.take_over(self.old)
        return machine

    def test_new_machine(self):
        """Everything that is ours is there again, and nothing else; people can log in."""
        old, new = self.old, self.new()
        before = new.accounts()
        preview = new.sh("lazaretctl backup restore --preview latest")
        self.assertIn("account lzbk-alice (7001) is made", preview)
        self.assertIn("0 conflicts", preview)
        self.assertEqual(new.accounts(), before)
        self.assertFalse(new.may_login("lzbk-alice", PASSWORD))
        new.sh("lazaretctl backup restore latest")
        self.assertTrue(old.may_login("lzbk-alice", PASSWORD))
        self.assertTrue(new.may_login("lzbk-alice", PASSWORD))
        self.assertFalse(new.may_login("lzbk-alice", "wrong"))
        self.assertFalse(new.may_login("lzbk-bob", "other"))
        for command in ("getent passwd lzbk-alice lzbk-bob lzbk-mary; getent shadow lzbk-alice lzbk-bob lzbk-mary",
                        "id -Gn lzbk-alice; id -Gn lzbk-mary; id -u lzbk-mary; id -g lzbk-mary",
                        "cd /etc/lazaret; cat tls/* ssh/host_* ssh/keys/*; stat -c '%n %a %u' tls/* ssh/* ssh/keys/*",
                        "cat $W/state/settings/0; chage -l lzbk-bob"):
            self.assertEqual(new.sh(command), old.sh(command))
        self.assertIn("idle-limit = 1234", new.sh("cat /etc/lazaret/lazaret.conf"))
        # Not a user of ours, and not one of the system's.
        self.assertEqual(new.sh("getent passwd lzbk-other", check=False), "")
        new.sh("test ! -e $W/state/backup/restored")

    def test_conflicts(self):
        """What is in the way is named, and then nothing is done; or all but that."""
        new = self.new()
        new.sh("useradd -M -u 7001 taken; useradd -M -u 7500 lzbk-bob")
        before = new.accounts()
        status, out = new.run("lazaretctl backup restore latest")
        self.assertEqual(status, 1)
        self.assertIn("conflict: the user id 7001 of lzbk-alice is taken's here", out)
        self.assertIn("conflict: there is an account lzbk-bob with the user id 7500", out)
        self.assertEqual(new.accounts(), before)
        new.sh("lazaretctl backup restore --skip-conflicts latest")
        self.assertEqual(new.sh("id -u lzbk-mary").strip(), "7003")
        self.assertEqual(new.sh("getent passwd lzbk-alice", check=False), "")
        self.assertEqual(new.sh("id -u lzbk-bob; id -Gn lzbk-bob").split(), ["7500", "lzbk-bob"])

    def test_broken(self):
        """A wrong password, a repository that lost something, one that is none: said, and nothing done."""
        new = self.new()
        copy = new.path + "/copy"
        new.sh("cp -a %s %s" % (self.old.repository, copy))
        new.repository = copy
        new.configure()
        before = new.accounts()
        new.sh("lazaretctl backup check")
        new.sh("lazaretctl backup key set -", input="not this one at all\n")
        self.bad(new, "does not open this repository", "backup restore latest")
        self.bad(new, "does not open this repository", "backup run")
        new.sh("lazaretctl backup key set -", input=self.old.password() + "\n")
        self.bad(new, "there is no backup", "backup restore --preview 1234567890", status=3)
        self.bad(new, "is no backup", "backup restore --preview ../x", status=2)
        new.sh("cp -a %s $W/index; for f in %s/data/*/*; do printf xxxx | dd of=$f bs=1 seek=20 conv=notrunc; "
               "done 2> /dev/null" % (copy, copy))
        self.bad(new, "lost or changed", "backup restore latest")
        self.bad(new, "lost or changed", "backup check")
        new.sh("rm -rf %s; mv $W/index %s; truncate -s 50 %s/index/*" % (copy, copy, copy))
        self.bad(new, "lost or changed", "backup restore latest")
        new.sh("rm %s/config" % copy)
        self.bad(new, "no repository", "backup restore latest")
        self.assertEqual(new.accounts(), before)

    def bad(self, machine, expected, words, status=1):
        got, out = machine.run("lazaretctl " + words)
        self.assertEqual(got, status, out)
        self.assertIn(expected, out)
        return out

    def test_forged(self):
        """Whoever knows the password can put anything into the repository, and gains nothing."""
        new = self.new()
        new.take_empty(self.old)
        good = new.path + "/good"
        os.mkdir(good)
        self.old.restic("restore latest --target " + good)
        before = new.accounts() + new.sh("find /root /etc/cron.d -path /root/state -prune -o -print | sort")
        for name, script, expected in (
                ("link", "rm -r config; ln -s /etc config", '"config" is neither a file nor a folder'),
                ("device", "rm tls/key; mknod tls/key c 1 3", ""),
                ("no manifest", "rm manifest.json", "missing or broken"),
                ("later", "sed -i 's/\"format\": *1/\"format\":9/' manifest.json", "has the format 9"),
                ("certificate", "echo 'certificate = \"/etc/shadow\"' >> config/0",
                 'certificate = "/etc/shadow"'),
                ("programs", "echo 'libexec-directory = \"/tmp\"' >> config/0", 'libexec-directory = "/tmp"'),
                ("wrong configuration", "echo 'port = x' > config/0", "does not do for this system")):
            with self.subTest(name=name):
                self.forge(new, good, script)
                self.bad(new, expected, "backup restore --skip-conflicts latest")
                self.assertEqual(new.accounts() + new.sh("find /root /etc/cron.d -path /root/state -prune -o -print | sort"), before)

    def forge(self, machine, good, script):
        machine.sh("rm -rf /backup; cp -a %s/backup /backup; cd /backup; %s" % (good, script))
        machine.restic("backup --tag lazaret --host lazaret /backup", FORGER)
        machine.sh("rm -rf /backup")

    def test_forged_accounts(self):
        """Accounts, keys and places that would make somebody more than a user or an administrator."""
        new = self.new()
        new.take_empty(self.old)
        good = new.path + "/good"
        os.mkdir(good)
        self.old.restic("restore latest --target " + good)
        accounts = json.loads(pathlib.Path(good, "backup/accounts.json").read_text("utf-8"))
        alice = next(u for u in accounts["users"] if u["name"] == "lzbk-alice")
        for change in ({"uid": 0}, {"uid": 33}, {"name": "root"}, {"hash": ""}, {"hash": "x:0"},
                       {"comment": "x:0:0::/:/bin/sh"}, {"comment": "x\nroot2::0:0::/:/bin/sh"},
                       {"group": "sudo"}, {"group": "shadow"}, {"name": "-o"}, {"home": "x"},
                       {"uid": "7001"}, {"name": "a" * 33}):
            accounts["users"].append(dict(alice, **dict({"name": "evil%d" % len(accounts["users"]),
                                                         "uid": 7100 + len(accounts["users"])}, **change)))
        accounts["users"].append(dict(alice, name="shelly", uid=7300, shell="/bin/bash"))
        accounts["groups"] += [{"name": "sudo", "gid": 27, "members": ["lzbk-alice"]},
                               {"name": "root", "gid": 0, "members": ["lzbk-alice"]},
                               {"name": "docker", "gid": 0, "members": ["lzbk-alice"]}]
        pathlib.Path(good, "backup/accounts.json").write_text(json.dumps(accounts), "utf-8")
        shadow = new.sh("grep -v lzbk /etc/shadow; find /root -path /root/state -prune -o -print | sort")
        self.forge(new, good, "true")
        status, out = new.run("lazaretctl backup restore latest")
        self.assertEqual(status, 1)
        self.assertEqual(out.count("is not one that a backup of ours has"), 12, out)
        self.assertIn("there is an account root with the user id 0", out)
        self.assertEqual(out.count("is not one of this configuration"), 3)
        new.sh("lazaretctl backup restore --skip-conflicts latest")
        self.assertEqual(new.sh("getent passwd | awk -F: '$3 == 0 || /evil|root2/'").count("\n"), 1)
        self.assertEqual(new.sh("id -Gn lzbk-alice").split(), ["lazaret-users", "lzbk-staff"])
        self.assertEqual(new.sh("getent passwd shelly").strip().rpartition(":")[2], "/usr/sbin/nologin")
        self.assertEqual(new.sh("grep -v 'lzbk\\|shelly' /etc/shadow; find /root -path /root/state -prune -o -print | sort"), shadow)
        # Keys with options are none.
        new.configure()
        self.forge(new, good, "sed 's/^/command=\"sh\" /' -i ssh/keys/*")
        self.bad(new, "none that an administrator may have", "backup restore latest")

    def test_kept(self):
        """Of one day the last one stays; homes of others are not in it."""
        machine = Machine(more="backup-keep-daily = 1\nbackup-keep-weekly = 0\nbackup-keep-monthly = 0\n")
        self.addCleanup(machine.close)
        machine.fill()
        machine.first_backup()
        machine.sh("lazaretctl backup run")
        listed = json.loads(machine.sh("lazaretctl --json backup list"))
        self.assertEqual(len(listed), 1)
        self.assertNotIn("homes", machine.restic("ls latest"))
        # What was backed up lies in the clear nowhere: not here, and not in the repository.
        machine.sh("test ! -e $W/state/backup/stage")
        self.assertEqual(machine.sh("grep -rl 'the key' $W/repository || true"), "")
        self.assertEqual(machine.sh("stat -c %a $W/state/backup $W/state/backup/password").split(),
                         ["700", "600"])
        # The schedule: what is past and was not done is due, once.
        machine.configure('backup-times = {"00:00"}\n')
        self.assertEqual(machine.sh("lazaretctl backup due"), "")
        machine.sh("sed -i 's/^[0-9]* /1000 /' $W/state/backup/last")
        self.assertIn("was made", machine.sh("lazaretctl backup due"))
        self.assertEqual(machine.sh("lazaretctl backup due"), "")
        self.assertIn("00:00", machine.sh("lazaretctl backup schedule"))
        machine.configure('backup-times = {"24:00"}\n')
        self.bad(machine, "needs times such as 22:30", "backup due")

    def test_homes(self):
        """Volumes of users come back as theirs, beside what they have."""
        machine = Machine(more="backup-homes = true\ncell-home = 64\n")
        self.addCleanup(machine.close)
        machine.fill()
        data = "$W/state/users/7001/data"
        machine.sh("mkdir -p %s/home/deep %s/lock/transfer %s/lock/staging; echo mine > %s/home/deep/file; "
                   "echo half > %s/lock/staging/x; echo t > %s/lock/transfer/t; chown -R 7001 %s/home "
                   "%s/lock/*; printf '7001 lzbk-alice\\n' > %s/../owner" % ((data,) * 9))
        machine.sh("chmod 4755 %s/home/deep/file; ln -s /etc/passwd %s/home/link; mknod %s/home/null c 1 3"
                   % ((data,) * 3))
        machine.take_empty(self.old)
        machine.sh("lazaretctl backup run")
        self.assertNotIn("staging/x", machine.restic("ls latest"))
        new = Machine()
        self.addCleanup(new.close)
        new.take_over(machine)
        new.configure("backup-homes = true\ncell-home = 64\n")
        status, out = new.run("lazaretctl backup restore --homes latest")
        if status:  # a device node that cannot be made: everything else is there
            self.fail(out)
        look = ("mkdir -p $W/m; mount -o loop,ro $W/state/users/7001/volume $W/m; cd $W/m; "
                "stat -c '%n %a %u %F' home/deep/file home/link lock/transfer/t; cat home/deep/file; "
                "ls -A home .; cd /; umount $W/m")
        seen = new.sh(look)
        self.assertIn("home/deep/file 755 7001 regular", seen)
        self.assertIn("home/link 777 7001 symbolic link", seen)
        self.assertIn("lock/transfer/t 644 7001", seen)
        self.assertNotIn("null", seen)
        self.assertNotIn(".restored", seen)
        new.sh("lazaretctl backup restore --homes latest")
        seen = new.sh(look)
        self.assertRegex(seen, r"restored-[0-9a-f]{8}")


class Server(unittest.TestCase):
    """Over SFTP, in a network that has nothing else."""

    seconds = 120

    def test_server(self):
        machine = Machine()
        self.addCleanup(machine.close)
        machine.fill()
        machine.sh("""
useradd -r -d /run/sshd -s /usr/sbin/nologin sshd; useradd -m -d $W/store store; usermod -p '*' store; mkdir -p $W/sshd $W/store/.ssh /run/sshd
ssh-keygen -q -t ed25519 -N '' -f $W/sshd/key; ssh-keygen -q -t ed25519 -N '' -f $W/sshd/other
chown -R store $W/store; chmod 755 $W
""")
        machine.write("sshd/config", "HostKey %s/sshd/key\nPort 2222\nListenAddress 127.0.0.1\nPidFile none\n"
                      "UsePAM no\nForceCommand internal-sftp\nSubsystem sftp internal-sftp\nStrictModes no\n"
                      "PasswordAuthentication no\n" % machine.path)
        sshd = Process(*machine.enter, "/usr/sbin/sshd", "-D", "-f", machine.path + "/sshd/config")
        self.addCleanup(sshd.stop)
        wait_until(lambda: "LISTEN" in machine.sh("ss -Hltn sport = :2222"), 20, "sshd listens")
        machine.repository = "sftp://store@127.0.0.1:2222%s/store/repository" % machine.path
        machine.configure()
        self.bad(machine, "backup-server-key", "backup run")
        machine.configure('backup-server-key = "%s"\n' % machine.read("sshd/other.pub").strip())
        self.bad(machine, "another host key", "backup run")
        machine.configure('backup-server-key = "%s"\n' % machine.read("sshd/key.pub").strip())
        self.bad(machine, "does not take our key", "backup run")
        machine.sh("lazaretctl backup key ssh > $W/store/.ssh/authorized_keys; "
                   "chown store $W/store/.ssh/authorized_keys")
        machine.sh("lazaretctl backup run")
        make_cheap(machine.path + "/store/repository", machine.password())
        machine.sh("chown -R store $W/store/repository; lazaretctl backup run")
        self.assertEqual(len(json.loads(machine.sh("lazaretctl --json backup list"))), 1)
        machine.sh("echo broken > /etc/lazaret/tls/server.pem; lazaretctl backup restore latest")
        self.assertEqual(machine.sh("cat /etc/lazaret/tls/server.pem"), "the certificate\n")
        self.assertEqual(machine.sh("grep -rl 'the key' $W/store || true"), "")
        sshd.stop()
        self.bad(machine, "no SSH server listens", "backup list")

    bad = Restore.bad


class Approval(SshTest):
    """Who asks is not who approves, over SSH and in the log."""

    seconds = 120
    users = ("alice",)
    people = {"bea": ("backup",), "sue": ("security",), "ann": ("audit",), "mary": ("config",)}

    @classmethod
    def setUpClass(cls):
        cls.repository = "/var/lib/lzt-repository-%d" % os.getpid()
        cls.admin_options = {"backup-repository": cls.repository}
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        run("rm", "-rf", cls.repository)

    def good(self, person, *words):
        done = self.ssh(person, "lazaretctl", *words)
        self.assertEqual(done.status, 0, done)
        return done.out

    def test_approval(self):
        self.good("bea", "backup", "run")
        make_cheap(self.repository, self.good("sue", "backup", "key", "show").strip())
        own = self.system.state / "own.conf"
        text = own.read_text("utf-8")
        own.write_text(text + "# made worse\n", encoding="utf-8")
        out = self.good("bea", "backup", "restore", "latest")
        self.assertIn("own.conf is replaced", out)
        self.assertIn("made worse", own.read_text("utf-8"))
        request = re.search(r"Request ([0-9a-f]{8}) waits", out).group(1)
        listed = json.loads(self.good("ann", "backup", "requests", "--json"))
        self.assertEqual((listed[0]["id"], listed[0]["by"]), (request, self.admins.name("bea")))
        for person in ("bea", "mary", "ann"):
            self.assertEqual(self.ssh(person, "lazaretctl", "backup", "approve", request).status, 4)
        self.assertEqual(self.ssh("sue", "lazaretctl", "backup", "restore", "latest").status, 4)
        self.assertEqual(self.ssh("sue", "lazaretctl", "backup", "approve", "0" * 8).status, 3)
        # Sue's role was taken from her since, and comes back only by somebody else.
        run("gpasswd", "--delete", self.admins.name("mary"), self.admins.group("config"))
        self.good("sue", "backup", "approve", request)
        self.assertEqual(own.read_text("utf-8"), text)
        self.assertIn(self.admins.name("mary"), run("getent", "group", self.admins.group("config")))
        self.assertEqual(json.loads(self.good("ann", "backup", "requests", "--json")), [])
        self.assertEqual(self.ssh("sue", "lazaretctl", "backup", "approve", request).status, 3)
        self.system.wait_log("admin.command", 'command="backup approve"', self.admins.name("sue"), request,
                             since=self.mark)
        self.assertEqual(self.ssh("bea", "lazaretctl", "backup", "key", "show").status, 4)
        self.assertRegex(self.good("sue", "backup", "key", "show"), r"^([a-z0-9]{4}-){7}[a-z0-9]{4}\n$")
