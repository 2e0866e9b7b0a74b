# SPDX-License-Identifier: GPL-3.0-or-later
"""A cell is closed: a prober that runs in the cells of real sessions, beside a real browser, tries
what a browser that was taken over could try. What must fail is written down here by hand, so that
a change of the filter's table or of the jail cannot take it out of the test unseen."""

import contextlib
import errno
import os
import pathlib
import re
import socket
import subprocess
import sys

import lib_net
from lib_cell import CellTest
from lib_proc import Process, run

# System calls, with arguments that would do harm, that the filter answers itself.
REFUSED = """
mount tmpfs|mount bind|mount proc|mount remount|mount propagate|umount|umount proc|pivot_root
move_mount|open_tree|fsopen|fsconfig|fsmount|fspick|mount_setattr|open_tree_attr|statmount|listmount
swapon|swapoff|quotactl|fanotify_init|fanotify_mark
unshare mount|unshare user and mount|unshare uts|unshare user and uts|unshare user and cgroup
unshare user and time|clone user and mount|clone user and uts|clone3|setns
ptrace me|process_vm_readv|process_vm_writev|process_madvise|process_mrelease|pidfd_getfd|kcmp
setgroups|bpf map|bpf program|perf_event_open|userfaultfd
io_uring_setup|io_uring_enter|io_uring_register|add_key|request_key|keyctl|keyctl join
name_to_handle_at|open_by_handle_at|modify_ldt|ioperm|iopl|uselib|ustat|sysfs|lookup_dcookie
move_pages|migrate_pages|mbind|set_mempolicy|memfd_secret|mq_open|msgget|vhangup
init_module|finit_module|delete_module|kexec_load|kexec_file_load|reboot|acct
settimeofday|adjtimex|clock_adjtime|clock_settime|sethostname|setdomainname|syslog
personality no randomisation|personality executable data|personality 32 bits
mknod device|mknodat device|ioctl 5412|ioctl 541c|ioctl 10000005412
setsockopt 2 0 64|setsockopt 2 0 65|setsockopt 2 0 96|setsockopt 2 0 128|setsockopt 2 0 15
setsockopt 2 0 19|setsockopt 2 0 17|setsockopt 2 6 19|setsockopt 2 6 31|setsockopt 10 0 15
setsockopt 10 41 64|setsockopt 10 41 65|setsockopt 10 41 35|setsockopt 10 41 75|setsockopt 10 41 78
"""

DENIED = """
x32 call|i386 call
read /etc/shadow|read /etc/gshadow|read /etc/sudoers|read /etc/ssh|read /etc/lazaret|read /etc/pam.d
read /root|read /var|read /var/lib|read /var/log|read /boot|read /srv|read /sys|read /sys/fs/cgroup
read /run/systemd|read /run/dbus|read /run/netns|read /tmp/.X11-unix|read /proc/1/root/etc/shadow
read /proc/1/root/var|read /proc/1/mem|read /proc/kcore|read /proc/kmsg|read /dev/mem|read /dev/kmsg
read /dev/vda|read /dev/loop0|read /dev/loop-control|read /dev/fuse|read /dev/kvm|read /dev/dri
read /dev/net/tun|read /dev/vsock|read /dev/userfaultfd|read /dev/tty0|read /dev/ttyS0|read /dev/ptmx|read /dev/pts
write /usr/bin/true|write /etc/passwd|write /etc/resolv.conf|write /etc/ld.so.cache
write /etc/chromium/policies/managed/lazaret.json|write /run/lazaret/lazaret-browser
write /run/lazaret/bus.conf|write /run/lazaret/start/index.html|write /proc/sys/kernel/core_pattern
write /proc/sys/kernel/modprobe|write /proc/sys/vm/drop_caches|write /proc/sysrq-trigger
write /proc/1/mem|write /proc/self/uid_map|write /proc/self/gid_map
create in /|create in /usr|create in /usr/bin|create in /etc|create in /etc/chromium/policies/managed
create in /run|create in /run/lazaret|create in /run/lazaret/start|create in /home|create in /dev
rename /etc/chromium|rename /run/lazaret|rename transfer folder|rename wayland socket
new privileges by exec|real-time scheduling|negative nice|real-time input and output
more descriptors than the limit|much locked memory|core dumps|exempt from the memory limit
give a file away|trusted attribute|security attribute
"""

# Unix, IPv4, IPv6 and netlink (routes, device events) are what a browser needs.
OPEN_SOCKETS = {
    "socket 1/1/0", "socket 1/2/0", "socket 1/5/0", "socketpair family 1",
    "socket 2/1/0", "socket 2/1/6", "socket 2/2/0", "socket 2/2/17",
    "socket 10/1/0", "socket 10/1/6", "socket 10/2/0", "socket 10/2/17",
    "socket 16/2/0", "socket 16/2/15", "socket 16/3/0", "socket 16/3/15"}
CLOSED_FAMILIES = set(range(64)) - {1, 2, 10, 16}
OPEN_PLACES = {"own home", "own transfer folder", "own /tmp", "own /dev/shm"}
# Root of a user namespace is root of its own identity and of its own namespaces' settings.
OPEN_IN_NAMESPACES = {"user namespace", "setuid 0", "setgid 0",
                      "write /proc/sys/kernel/ns_last_pid",
                      "write /proc/sys/user/max_user_namespaces"}
ONLY_AS_THE_BROWSER = {"setuid 0", "setgid 0", "write /proc/sys/kernel/ns_last_pid",
                       "write /proc/sys/user/max_user_namespaces"}
# Calls that the kernel answers before any filter, and only where it has put them itself.
NOT_FILTERED = {"unnamed call 335", "unnamed call 336"}

WRITABLE = ("/proc", "/tmp", "/dev/shm", "/run/user/UID", "/home/USER", "/home/USER/transfer")
NODES = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}
PROGRAMS = r"bwrap|lazaret-browser|dbus-daemon|chromium|chrome_crashpad|chrome|cat"
VARIABLES = {"PATH", "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE",
             "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "LANG", "TZ", "GSETTINGS_BACKEND",
             "GTK_USE_PORTAL", "NO_AT_BRIDGE", "MOZ_ENABLE_WAYLAND", "CHROME_WRAPPER", "PWD"}
# What a process of the cell may hold open.
DESCRIPTORS = (r"socket:\[|pipe:\[|anon_inode:|/memfd:|/dev/(null|urandom|random|shm/)|/usr/|/proc"
               r"|/tmp/|/home/USER/|/run/user/UID/|/etc/|/$")

ABSTRACT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("\\0" + sys.argv[1])
s.listen()
print("ready", flush=True)
sys.stdin.read()
"""


def names(text):
    return [name for line in text.split("\n") for name in line.split("|") if name]


class Cells(CellTest):
    seconds = 180

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            # Numbers of the host's processes that cannot be those of a process in a cell.
            cls.burn_numbers(20000)
            cls.enter("alice", 0)
            cls.enter("bob", 1)
        except BaseException:
            cls.stack.close()
            raise

    @staticmethod
    def burn_numbers(wanted):
        def last():
            return int(pathlib.Path("/proc/loadavg").read_text(encoding="ascii").split()[-1])

        if last() < wanted:
            with contextlib.suppress(OSError):
                pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(str(wanted),
                                                                        encoding="ascii")
        while last() < wanted:
            subprocess.run(["true"], check=True)

    def victims(self):
        """Processes of the host: one of nobody's, Alice's display, the monitor, Bob's browser."""
        stranger = Process("sleep", "600")
        self.addCleanup(stranger.stop)
        found = [stranger.pid, max(p.pid for p in self.system.processes("lazaret-display")),
                 self.inside("bob").pid]
        self.assertGreater(min(found), 10000)
        return found

    def places(self):
        """Files of the host that are a cell's business least of all."""
        bob = self.files("bob")
        programs = pathlib.Path(self.system.programs)
        runtime = "/run/lazaret-demo-" + programs.parent.name
        found = [bob, bob / "data/home", bob / "data/transfer", bob / "volume", bob.parent,
                 self.files("alice"), programs.parent, self.system.state,
                 self.system.state / "server.key", runtime, runtime + "/control",
                 runtime + "/sessions", "/home/" + self.system.name("bob")]
        for place in found[:-1]:
            self.assertTrue(os.path.exists(place), place)
        return [str(p) for p in found]

    def probe(self, command):
        pids = self.victims()
        places = self.places()
        words = ["read=%s" % p for p in places] + ["pid=%d" % p for p in pids]
        answers = self.ask("alice", command, *words, seconds=120)
        self.assertIn({"what": "done", "value": "confinement"}, answers)
        found = {a["what"]: a for a in answers if "result" in a}
        # The processes are as alive as before.
        for pid in pids:
            self.assertTrue(os.path.exists("/proc/%d" % pid), pid)
        ways = ("kill", "attach", "peek", "pidfd", "proc", "affinity", "limits")
        wanted = (names(DENIED) + ["read " + p for p in places]
                  + ["%s %d" % (way, pid) for way in ways for pid in pids]
                  + ["socket family %d" % f for f in CLOSED_FAMILIES]
                  + ["socketpair family %d" % f for f in range(64) if f != 1])
        return found, wanted

    def judge(self, found, refused, denied, may_be_open):
        wrong = []
        for name in refused:
            answer = found.get(name)
            if not answer or answer["result"] != "denied" or answer["errno"] not in (
                    errno.EPERM, errno.ENOSYS):
                wrong.append("%s: %s, where the filter should have said no" % (name, answer))
        for name in denied:
            answer = found.get(name)
            if not answer or answer["result"] != "denied":
                wrong.append("%s: %s" % (name, answer))
        for name, answer in found.items():
            if answer["result"] == "open" and name not in may_be_open:
                wrong.append("%s: open" % name)
        self.assertFalse(wrong, "\n".join([""] + wrong))

    def numbers(self, found):
        """Every call that the table refuses, and every number that it does not know."""
        named = [n for n in found if n.startswith("refused call")]
        unnamed = [n for n in found if n.startswith("unnamed call") and n not in NOT_FILTERED]
        self.assertGreater(len(named), 75)
        self.assertGreater(len(unnamed), 600)
        wrong = ["%s" % found[n] for n in named if found[n]["errno"] != errno.EPERM]
        wrong += ["%s" % found[n] for n in unnamed if found[n]["errno"] != errno.ENOSYS]
        wrong += ["%s" % found[n] for n in NOT_FILTERED if found[n]["result"] != "denied"]
        self.assertFalse(wrong, "\n".join(wrong))

    def test_as_the_browser(self):
        found, denied = self.probe("confinement")
        self.judge(found, names(REFUSED), denied + sorted(ONLY_AS_THE_BROWSER),
                   OPEN_SOCKETS | OPEN_PLACES)
        self.numbers(found)
        for name in OPEN_SOCKETS | OPEN_PLACES:
            self.assertEqual(found[name]["result"], "open", name)

    def test_as_root_of_namespaces_of_its_own(self):
        """The whole list again with all that a user namespace gives."""
        found, denied = self.probe("namespaced")
        self.assertEqual(found["user namespace"]["result"], "open")
        self.assertEqual(found["setuid 0"]["result"], "open")
        self.judge(found, names(REFUSED), denied,
                   OPEN_SOCKETS | OPEN_PLACES | OPEN_IN_NAMESPACES)
        self.numbers(found)

    # --- what can be seen

    def facts(self):
        found = {}
        for answer in self.ask("alice", "facts"):
            found.setdefault(answer["what"], []).append(answer["value"])
        self.assertEqual(found["done"], ["facts"])
        return found

    def fill(self, pattern):
        return pattern.replace("UID", str(self.system.uid("alice"))).replace(
            "USER", self.system.name("alice"))

    def test_mounts(self):
        writable = set(map(self.fill, WRITABLE))
        # What is mounted over something else hides it for good: nothing can be unmounted.
        mounts = {line.split()[4]: line.split()[5].split(",") for line in self.facts()["mount"]}
        self.assertGreater(len(mounts), 20)
        for point, options in mounts.items():
            self.assertIn("nosuid", options, point)
            if point not in NODES:
                self.assertIn("nodev", options, point)
        self.assertEqual({point for point, options in mounts.items()
                          if "rw" in options and point not in NODES}, writable)

    def test_devices_and_sockets(self):
        facts = self.facts()
        self.assertEqual({d.split()[0] for d in facts["device"]}, NODES)
        runtime = self.fill("/run/user/UID/")
        ours = {runtime + "wayland-0", runtime + "bus", self.fill("/home/USER/transfer/probe")}
        for path in facts["socket"]:
            # The browser's own lock is a socket in a folder below /tmp.
            self.assertTrue(path in ours or re.fullmatch(
                r"/tmp/\.?org\.chromium\.Chromium\.\w+/SingletonSocket", path), path)
        self.assertLessEqual(ours, set(facts["socket"]))

    def test_processes_and_descriptors(self):
        facts = self.facts()
        self.assertIn("1 bwrap", facts["process"])
        for line in facts["process"]:
            self.assertRegex(line, r"^\d+ (%s)$" % PROGRAMS)
        for line in facts["descriptor"]:
            self.assertRegex(line, r"^\d+ (%s)" % self.fill(DESCRIPTORS))

    def test_identity(self):
        facts = self.facts()
        status = dict(line.split(":", 1) for line in facts["status"])
        for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[key].strip("? "), 16), 0, key)
        self.assertEqual(status["NoNewPrivs"].strip("? "), "1")
        self.assertEqual(status["Seccomp"].strip("? "), "2")
        self.assertEqual(status["Groups"].strip("? "), "")
        self.assertEqual(set(status["Uid"].strip("? ").split("?")),
                         {str(self.system.uid("alice"))})
        for line in facts["cgroup"]:
            self.assertTrue(line.endswith(":/"), line)
        self.assertEqual({line.partition("=")[0] for line in facts["environment"]}, VARIABLES)

    # --- what can be spoken to

    def abstract_listener(self, netns=None):
        name = "lzt%d-%s" % (os.getpid(), netns or "host")
        listener = Process(sys.executable, "-c", ABSTRACT, name, netns=netns)
        self.addCleanup(listener.stop)
        listener.wait_line("ready")
        return name

    def test_sockets_of_the_host(self):
        """Abstract ones of the system's network and of the machine's, the system bus, X servers,
        the monitor, Bob's display: none is there."""
        abstract = [self.abstract_listener(self.network.system), self.abstract_listener()]
        # They answer whoever is in their network.
        for name, netns in zip(abstract, (self.network.system, None)):
            run(sys.executable, "-c", "import socket, sys\n"
                "socket.socket(socket.AF_UNIX).connect('\\0' + sys.argv[1])", name, netns=netns)
        runtime = "/run/lazaret-demo-" + pathlib.Path(self.system.programs).parent.name
        other = self.system.session("bob")["id"]
        paths = ["@" + name for name in abstract] + [
            "@/tmp/.X11-unix/X0", "/tmp/.X11-unix/X0", "@/tmp/.ICE-unix/1",
            "/run/dbus/system_bus_socket", "/var/run/dbus/system_bus_socket",
            "/run/systemd/private", "/run/systemd/notify", "/run/systemd/journal/socket",
            "/dev/log", "/run/nscd/socket", "/run/docker.sock", runtime + "/control",
            "%s/sessions/%s/wayland" % (runtime, other),
            str(self.files("bob") / "data/transfer/probe"), str(self.files("alice") / "data/transfer/probe")]
        answers = self.ask("alice", "unix", *paths)
        found = {a["what"]: a["result"] for a in answers if "result" in a}
        self.assertEqual(found, {"unix " + p: "denied" for p in paths})

    def test_what_must_be_open(self):
        """So that a prober which is broken is not taken for a closed cell."""
        wayland = self.fill("/run/user/UID/wayland-0")
        bus = self.fill("/run/user/UID/bus")
        answers = self.ask("alice", "unix", wayland, bus)
        answers += self.ask("alice", "connect", 80, 5000, lib_net.WEB, lib_net.WEB6)
        answers += self.ask("alice", "udp", 53, 5000, "-", lib_net.NAME_SERVER)
        found = {a["what"]: a["result"] for a in answers if "result" in a}
        self.assertEqual(found, {name: "open" for name in (
            "unix " + wayland, "unix " + bus, "tcp %s 80" % lib_net.WEB, "tcp %s 80" % lib_net.WEB6,
            "udp %s 53" % lib_net.NAME_SERVER)})
