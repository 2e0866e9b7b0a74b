# SPDX-License-Identifier: GPL-3.0-or-later
"""`secure check`: each thing that it looks at is broken, seen named, mended as it says, and gone; in
namespaces with a copy of /etc, so that the machine stays as it is."""

import json
import pathlib
import re
import shutil
import socket
import struct
import threading
import unittest

from lib_proc import BUILD, TOP, Process, run, wait_until
from lib_room import Room

UNKNOWN = 6
SETTINGS = re.compile(r'^SYSCTL\("([^"]+)", (EXACTLY|AT_LEAST), (\d+),', re.M)
CHECKS = re.compile(r'^K\("([^"]+)"', re.M)
CONFIG = """
certificate = "%(w)s/etc/tls/server.pem"
private-key = "%(w)s/etc/tls/server.key"
ssh-directory = "%(w)s/etc/ssh"
state-directory = "%(w)s/state"
runtime-directory = "%(w)s/run"
libexec-directory = "%(w)s/libexec"
data-directory = "%(w)s/data"
zone-workstations = {"10.77.0.0/24"}
zone-administration = {"10.77.1.0/24"}
admin-port = 222
path "admin" { enabled = yes }
path "update" { hosts = {"192.0.2.80"} }
"""
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC5i4vrbcJYsyBvQAm4wRAEKYYeCeZErbCWnJdSRdcBv ann\n"


class World(Room):
    """Mount and network namespaces of its own, in which the secure configuration holds."""

    def __init__(self):
        super().__init__("secure")
        self.make()

    def make(self):
        settings = SETTINGS.findall((TOP / "src/ctl/secure_checks.def").read_text("utf-8"))
        for name, _, value in settings + [("kernel.core_pattern", "", "|/bin/false"),
                                          ("net.ipv4.ip_forward", "", "0"),
                                          ("net.ipv6.conf.all.forwarding", "", "0"),
                                          ("user.max_user_namespaces", "", "16384"),
                                          ("kernel.unprivileged_userns_clone", "", "1"),
                                          ("kernel.apparmor_restrict_unprivileged_userns", "", "0")]:
            self.write("sys/" + name.replace(".", "/"), value + "\n")
        self.write("conf/lazaret.conf", CONFIG % {"w": self.path})
        self.write("bin/lazaretctl", '#!/bin/sh\nexec %s/src/ctl/lazaretctl --file %s/conf/lazaret.conf '
                   '--socket %s/run/control "$@"\n' % (BUILD, self.path, self.path), 0o755)
        self.write("etc/ssh/host_ed25519", "secret\n", 0o600)
        self.write("etc/ssh/keys/ann", KEY)
        self.write("libexec/lazaret-session", "#!/bin/true\n", 0o755)
        self.write("data/index.html", "")
        self.write("swaps", "Filename\tType\tSize\tUsed\tPriority\n")
        self.write("state/users/70001/owner", "70001 x\n", 0o600)
        self.write("apt/Release", "")
        for folder in ("run", "state/users/70001/data", "state/settings", "repo", "etc/tls", "aa/apparmor"):
            (pathlib.Path(self.path) / folder).mkdir(parents=True, exist_ok=True)
        (pathlib.Path(self.path) / "state/settings").chmod(0o700)
        self.sh("""
mkdir $W/vdpkg; cp -a /var/lib/dpkg/. $W/vdpkg; mount --bind $W/vdpkg /var/lib/dpkg
mkdir -p $W/vapt/lists/partial $W/vcache/archives/partial
mount --bind $W/vapt /var/lib/apt; mount --bind $W/vcache /var/cache/apt
cat /proc/cgroups > $W/cgroups; sed -i 's/0$/1/' $W/cgroups
mount --bind $W/sys /proc/sys; mount --bind $W/swaps /proc/swaps; mount --bind $W/cgroups /proc/cgroups
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	echo cpu memory pids > $W/cgroups
	mount --bind $W/cgroups /sys/fs/cgroup/cgroup.controllers
fi
mount --bind $W/aa /sys/kernel/security
echo 'lazaret-cell (unconfined)' > /sys/kernel/security/apparmor/profiles
chmod 644 /etc/passwd /etc/group; chmod 640 /etc/shadow /etc/gshadow
awk -F: '$3 == 0 && $1 != "root" { print $1 }' /etc/passwd | while read -r n; do
	sed -i "/^$n:/d" /etc/passwd; done
awk -F: '$2 == "" { print $1 }' /etc/shadow | while read -r n; do usermod -p '*' $n; done
for g in config maint update backup audit security; do
	getent group lazaret-$g > /dev/null || groupadd --system lazaret-$g; done
getent group lazaret-users > /dev/null || groupadd --system lazaret-users
useradd --no-create-home --shell $W/libexec/lazaret-admin --groups lazaret-audit ann
touch /etc/pam.d/lazaret /etc/pam.d/lazaret-admin
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 200 -subj /CN=x \
	-keyout $W/etc/tls/server.key -out $W/etc/tls/server.pem 2> /dev/null
chmod 600 $W/etc/tls/server.key
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf /etc/apt/apt.conf.d/* /etc/apt/preferences.d/*
echo "deb [trusted=yes] file:$W/repo ./" > /etc/apt/sources.list
""")
        self.package("1")
        self.sh("dpkg -i $W/lzt_1.deb; cd $W/repo")
        self.publish()
        self.sh("lazaretctl firewall apply; lazaretctl firewall apply --confirm")

    def package(self, version):
        self.write("pkg/DEBIAN/control", "Package: lzt\nVersion: %s\nArchitecture: all\n"
                   "Maintainer: x <x@example.org>\nDescription: x\n" % version)
        self.sh("dpkg-deb -b $W/pkg $W/lzt_%s.deb" % version)

    def publish(self):
        self.sh("cd $W/repo; dpkg-scanpackages . > Packages 2> /dev/null || true; printf '%s\\n' "
                "'Origin: Debian' 'Label: Debian-Security' 'Suite: stable-security' "
                "'Codename: x-security' > Release.new; printf 'SHA256:\\n %s %s Packages\\n' "
                "$(sha256sum < Packages | cut -d' ' -f1) $(stat -c %s Packages) >> Release.new; "
                "mv Release.new Release; apt-get update")

    def check(self):
        """(status, [row])"""
        out = self.sh("set +e; lazaretctl --json secure check 2> /dev/null; echo $? > $W/status", check=False)
        return int((pathlib.Path(self.path) / "status").read_text("utf-8")), json.loads(
            out.splitlines()[0])


class Sham(threading.Thread):
    """A daemon that says nothing but whether it has seen a sandbox."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(path)
        self.socket.listen(8)
        self.proven = False
        self.start()

    def run(self):
        kind = re.findall(r"^M\((\w+),", (TOP / "src/ipc/messages.def").read_text("utf-8"),
                          re.M).index("CONTROL_ANSWER")
        version = int(re.search(r"IPC_VERSION (\d+)",
                                (TOP / "src/ipc/message.h").read_text("utf-8")).group(1))
        head = struct.pack(">HH", kind, version)
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                asked = client.recv(65536)
                key = b"sandbox_proven"
                if b"status" in asked:
                    client.send(head + struct.pack(">BHB", 0, 1, 1) + struct.pack(">I", len(key)) + key
                                + struct.pack(">BB", 2, self.proven))
                client.send(head + struct.pack(">BI", 1, 0))

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


# id: (how it is broken, what is said of it, the command in the way back; it is what mends, but where
# another one follows that stands for it here)
BREAKS = {
    "files.configuration": ("chmod g+w $W/conf", "mode 0775", "chmod go-w $W/conf"),
    "files.key": ("chmod g+r $W/etc/tls/server.key", "can read it", "chmod go= $W/etc/tls/server.key"),
    "files.ssh": ("chown 1000 $W/etc/ssh/keys/ann", "user id 1000",
                  "chown -h root:root $W/etc/ssh/keys/ann"),
    "files.state": ("chmod 755 $W/state/settings", "mode 0755", "chmod go= $W/state/settings"),
    "files.runtime": ("chmod g+w $W/run", "can write it", "chmod go-w $W/run"),
    "files.programs": ("chmod u+s $W/libexec/lazaret-session", "its owner's rights",
                       "chmod ug-s,go-w $W/libexec/lazaret-session"),
    "files.pam": ("chmod 666 /etc/pam.d/lazaret", "mode 0666", "chmod go-w /etc/pam.d/lazaret"),
    "files.accounts": ("chmod 644 /etc/shadow", "can read it", "chmod go= /etc/shadow"),
    "accounts.root": ("useradd -o -u 0 -M toor", '"toor" has the user id 0', "userdel --force toor"),
    "accounts.password": ("useradd -M void; usermod -p '' void", '"void" has an empty password',
                          "passwd --lock void", "usermod -p '*' void"),
    "accounts.shell": ("usermod --shell /bin/bash ann", "login shell /bin/bash",
                       "usermod --shell $W/libexec/lazaret-admin ann"),
    "accounts.reserved": ("useradd -M -u 1879048200 disp", "display-uid-base", "userdel disp"),
    "keys.administrators": ("sed 's/^/command=\"x\" /' $W/etc/ssh/keys/ann >> $W/etc/ssh/keys/ann",
                            ":2: ", "sed -i 2d $W/etc/ssh/keys/ann"),
    "keys.certificate": (
        "cp $W/etc/tls/server.pem $W/good.pem; openssl x509 -in $W/good.pem -days 5 -signkey "
        "$W/etc/tls/server.key -out $W/etc/tls/server.pem 2> /dev/null", "ends in ",
        "lazaretctl cert request", "cp $W/good.pem $W/etc/tls/server.pem"),
    "roles.apart": ("gpasswd -a ann lazaret-maint", "ann holds audit and maint", "lazaretctl roles check",
                    "gpasswd -d ann lazaret-maint"),
    "options.clipboard": ("echo 'clipboard = both' >> $W/conf/lazaret.conf", "clipboard is both",
                          "lazaretctl config set clipboard off; lazaretctl config apply"),
    "firewall.drift": ("nft add rule inet lazaret_host input tcp dport 9 accept", "in 1 lines",
                       "lazaretctl firewall apply", "lazaretctl firewall apply; "
                       "lazaretctl firewall apply --confirm"),
    "services.sshd": ("", "listens on port 222", "kill "),
    "services.other": ("", "tcp port 111", "stop it", "true"),
    "sandbox.browser": ("", "not seen working", "systemctl restart lazaretd", "true"),
    "updates.security": ("", "security updates: lzt", "apt-get dist-upgrade",
                         "apt-get -y dist-upgrade"),
    "kernel.core": ("echo core > /proc/sys/kernel/core_pattern", '"core"',
                    "sysctl -w 'kernel.core_pattern=|/bin/false'"),
    "kernel.namespaces": ("echo 0 > /proc/sys/user/max_user_namespaces", "cannot be made",
                          "sysctl -w user.max_user_namespaces=16384"),
    "memory.swap": ("echo '/dev/vdz1 partition 1 0 -2' >> $W/swaps", "/dev/vdz1",
                    "swapoff /dev/vdz1", "sed /vdz1/d $W/swaps > $W/t; cat $W/t > $W/swaps"),
    "cells.limits": ("sed 's/memory/xmemory/' $W/cgroups > $W/t; cat $W/t > $W/cgroups", '"memory"', "cgroup_disable=memory",
                     "sed 's/xmemory/memory/' $W/cgroups > $W/t; cat $W/t > $W/cgroups"),
    "cells.homes": ("mount -t tmpfs -o nodev none $W/state/users/70001/data", "without nosuid",
                    "mount -o remount,nosuid,nodev $W/state/users/70001/data"),
    "apparmor.profiles": ("echo 'lazaret-x (complain)' >> /sys/kernel/security/apparmor/profiles",
                          "only complains", "aa-enforce lazaret-x",
                          "sed -i 's/complain/enforce/' /sys/kernel/security/apparmor/profiles"),
}
# Which check a broken thing belongs to, where its row has an id of its own.
OTHERS = {"options.weak": "options.clipboard"}
# Broken apart from the rest, or not at all here.
APART = {"firewall.forward", "kernel.settings", "time.synchronised"}


class Secure(unittest.TestCase):
    seconds = 240
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.world = World()

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def rows(self, state, ignore=("time.synchronised",)):
        """{id: row} of those in a state; the clock of the machine is as it is."""
        self.status, rows = self.world.check()
        return {r["id"]: r for r in rows if r["state"] == state and r["id"] not in ignore}

    def test_everything(self):
        """One run with everything broken, one with everything mended."""
        world = self.world
        sham = Sham(world.path + "/run/control")
        sham.proven = True
        self.addCleanup(lambda: pathlib.Path(world.path, "run/control").unlink())
        self.addCleanup(sham.close)
        self.assertEqual(self.rows("deviates"), {})
        self.assertEqual(self.rows("unknown"), {})
        for script, *_ in BREAKS.values():
            world.sh(script)
        sham.proven = False
        helpers = self.start_services()
        world.package("2")
        world.sh("cp $W/lzt_2.deb $W/repo")
        world.publish()
        rows = self.rows("deviates")
        self.assertEqual(self.status, 1)
        self.assertEqual(set(rows), set(BREAKS))
        for name, (_, what, how, *rest) in BREAKS.items():
            with self.subTest(check=name):
                self.assertIn(what, rows[name]["what"])
                self.assertIn(how.replace("$W", world.path), rows[name]["how"])
                world.sh(rest[0] if rest else self.command(rows[name]["how"], how))
        sham.proven = True
        helpers["services.other"].stop()
        helpers["services.sshd"].wait(10)
        self.assertEqual(self.rows("deviates"), {})
        self.assertEqual(self.rows("unknown"), {})
        # Nothing is in the table that was not broken here.
        table = CHECKS.findall((TOP / "src/ctl/secure_checks.def").read_text("utf-8"))
        self.assertEqual({OTHERS.get(k, k) for k in table}, set(BREAKS) | APART)

    def command(self, text, how):
        """The way back that a row says, as far as it is a command."""
        at = text.index(how.replace("$W", self.world.path))
        return re.split(r" \(|, ", text[at:])[0]

    def start_services(self):
        world = self.world
        world.sh("mkdir -p $W/sshd; ssh-keygen -q -t ed25519 -N '' -f $W/sshd/key")
        world.write("sshd/config", "HostKey %s/sshd/key\nPort 222\nListenAddress 127.0.0.2\nPidFile none\n"
                    % world.path)
        enter = world.enter
        run("mkdir", "-p", "/run/sshd")
        sshd = Process(*enter, "/usr/sbin/sshd", "-D", "-f", world.path + "/sshd/config")
        other = Process(*enter, "python3", "-c", "import socket, time\n"
                        "s = socket.socket(); s.bind(('0.0.0.0', 111)); s.listen(); time.sleep(900)")
        self.addCleanup(sshd.stop)
        self.addCleanup(other.stop)
        wait_until(lambda: world.sh("ss -Hltn sport = :222; ss -Hltn sport = :111").count("LISTEN") == 2,
                   20, "both listen")
        return {"services.sshd": sshd, "services.other": other}

    def test_kernel(self):
        """Each setting is broken, named and set back by the command that is said."""
        world = self.world
        settings = SETTINGS.findall((TOP / "src/ctl/secure_checks.def").read_text("utf-8"))
        self.assertGreater(len(settings), 15)
        for name, rule, value in settings:
            wrong = int(value) + 1 if rule == "EXACTLY" else int(value) - 1
            world.write("sys/" + name.replace(".", "/"), "%d\n" % wrong)
        world.write("sys/net/ipv4/ip_forward", "1\n")
        world.sh("lazaretctl firewall apply --off")
        rows = self.rows("deviates", ("time.synchronised", "sandbox.browser", "firewall.drift"))
        self.assertEqual(set(rows), {name for name, _, _ in settings} | {"firewall.forward"})
        for name, row in rows.items():
            if name == "firewall.forward":
                world.sh("lazaretctl firewall apply; lazaretctl firewall apply --confirm")
                continue
            world.sh(row["how"].partition(" (")[0])
        self.assertEqual(self.rows("deviates"), {})
        world.write("sys/net/ipv4/ip_forward", "0\n")
        # A kernel that does not have it, and one that says nonsense.
        path = pathlib.Path(world.path) / "sys/kernel/yama/ptrace_scope"
        path.unlink()
        world.write("sys/kernel/kptr_restrict", "much\n")
        self.assertEqual(set(self.rows("deviates")), {"kernel.yama.ptrace_scope"})
        self.assertIn("kernel.kptr_restrict", self.rows("unknown"))
        world.write("sys/kernel/kptr_restrict", "1\n")
        world.write("sys/kernel/yama/ptrace_scope", "1\n")

    def test_unknown(self):
        """What cannot be found out is neither in order nor wrong, and has a status of its own."""
        world = self.world
        unknown = self.rows("unknown")
        self.assertEqual(set(unknown), {"sandbox.browser"})
        self.assertIn("lazaretd", unknown["sandbox.browser"]["how"])
        world.sh("mv /var/lib/apt/lists $W/lists; mkdir -p /var/lib/apt/lists/partial")
        self.assertIn("never fetched", self.rows("unknown")["updates.security"]["what"])
        world.sh("apt-get update")
        self.assertEqual(set(self.rows("unknown")), {"sandbox.browser"})

    def test_time(self):
        """The kernel's word for the clock, which a test cannot have changed, by a tracer's."""
        for answer, state in ((5, "deviates"), (0, "ok")):
            out = self.world.sh("strace -f -o /dev/null -e trace=adjtimex,clock_adjtime -e "
                                "inject=adjtimex,clock_adjtime:retval=%d lazaretctl --json secure check "
                                "2> /dev/null" % answer, check=False)
            rows = {r["id"]: r for r in json.loads(out.splitlines()[0])}
            self.assertEqual(rows["time.synchronised"]["state"], state)
            self.assertIn("ntp" if state == "deviates" else "", rows["time.synchronised"]["how"])

    def test_accepted(self):
        """What the site has accepted is shown and does not count; what is no check is a mistake."""
        world = self.world
        config = pathlib.Path(world.path) / "conf/lazaret.conf"
        before = config.read_text("utf-8")
        self.addCleanup(config.write_text, before, encoding="utf-8")
        accepted = "sandbox.browser", "time.synchronised", "kernel.sysrq"
        world.write("sys/kernel/sysrq", "1\n")
        self.addCleanup(world.write, "sys/kernel/sysrq", "0\n")
        config.write_text(before + "secure-accepted = {%s}\n" % ", ".join('"%s"' % a for a in accepted),
                          encoding="utf-8")
        rows = self.rows("deviates", ())
        self.assertEqual(self.status, 0)
        self.assertTrue(rows["kernel.sysrq"]["accepted"])
        config.write_text(before + 'secure-accepted = {"kernel.everything"}\n', encoding="utf-8")
        self.assertIn("kernel.everything", self.rows("deviates")["options.accepted"]["what"])

    def test_not_root(self):
        """Who is not root would see half of it."""
        shutil.copy(BUILD / "src/ctl/lazaretctl", self.world.path + "/bin/copy")
        self.assertIn("only root", self.world.sh(
            "setpriv --reuid 65534 --regid 65534 --clear-groups $W/bin/copy --here --file "
            "$W/conf/lazaret.conf secure check", check=False))
