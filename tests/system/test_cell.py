# SPDX-License-Identifier: GPL-3.0-or-later
"""A cell is closed: a prober that runs in the cells of real sessions, beside a real browser, tries
what a browser that was taken over could try. What must fail is written down here by hand, so that
a change of the filter's table or of the jail cannot take it out of the test unseen."""

import contextlib
import errno
import os
import pathlib
import re
import subprocess
import sys

import lib_net
from lib_cell import CellTest
from lib_proc import Process, processes, run, wait_until

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
read /root|read /var|read /var/lib|read /var/log|read /boot|read /srv|read /sys
read /sys/fs/cgroup
read /run/systemd|read /run/dbus|read /run/netns|read /tmp/.X11-unix|read /proc/1/root/etc/shadow
read /proc/1/root/var|read /proc/1/mem|read /proc/kcore|read /proc/kmsg|read /dev/mem|read /dev/kmsg
read /dev/vda|read /dev/loop0|read /dev/loop-control|read /dev/fuse|read /dev/kvm|read /dev/dri
read /dev/net/tun|read /dev/vsock|read /dev/userfaultfd|read /dev/tty0|read /dev/ttyS0
read /dev/ptmx|read /dev/pts
write /usr/bin/true|write /etc/passwd|write /etc/resolv.conf|write /etc/ld.so.cache
write /etc/chromium/policies/managed/lazaret.json|write /run/lazaret/lazaret-browser
write /run/lazaret/bus.conf|write /run/lazaret/start/index.html|write /proc/sys/kernel/core_pattern
write /proc/sys/kernel/modprobe|write /proc/sys/vm/drop_caches|write /proc/sysrq-trigger
write /proc/1/mem|write /proc/self/uid_map|write /proc/self/gid_map
create in /|create in /usr|create in /usr/bin|create in /etc
create in /etc/chromium/policies/managed
create in /run|create in /run/lazaret|create in /run/lazaret/start|create in /home|create in /dev
rename /etc/chromium|rename /run/lazaret|rename transfer folder|rename wayland socket
new privileges by exec|real-time scheduling|negative nice|real-time input and output
more descriptors than the limit|much locked memory|core dumps|exempt from the memory limit
give a file away|trusted attribute
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
# Capabilities that it gives a file hold there only, and not on mounts without setuid.
OPEN_IN_NAMESPACES = {"user namespace", "setuid 0", "setgid 0", "file capabilities",
                      "write /proc/sys/kernel/ns_last_pid",
                      "write /proc/sys/user/max_user_namespaces"}
ONLY_AS_THE_BROWSER = {"setuid 0", "setgid 0", "file capabilities",
                       "write /proc/sys/kernel/ns_last_pid",
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
            cls.high_numbers()
            cls.enter("alice", 0)
            cls.enter("bob", 1)
        except BaseException:
            cls.stack.close()
            raise

    @staticmethod
    def high_numbers():
        """The host's next processes have numbers that none has in a cell, and the numbers do not
        begin again meanwhile."""
        def last():
            return int(pathlib.Path("/proc/loadavg").read_text(encoding="ascii").split()[-1])

        if not 15000 < last() < 25000:
            with contextlib.suppress(OSError):
                pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text("15000", encoding="ascii")
        while last() < 15000:
            subprocess.run(["true"], check=True)

    def victims(self):
        """Processes of the host: one of nobody's, Alice's display, the monitor, Bob's browser."""
        self.high_numbers()
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
        found = [bob, bob / "data/home", bob / "data/lock/transfer", bob / "volume", bob.parent,
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
            str(self.files("bob") / "data/lock/transfer/probe"),
            str(self.files("alice") / "data/lock/transfer/probe")]
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


class Bombs(CellTest):
    """Each program that takes all it can get runs in Alice's cell, while Bob works. It comes to a
    bound of its cell, the host and Bob do not notice, and when the session is ended nothing of it
    is left, however much there was."""

    seconds = 240
    url = "http://%s/input" % lib_net.WEB
    PAPER = (0xE8, 0xF0, 0xFF)
    MEMORY, PROCESSES, SHM, HOME = 700, 400, 256, 64
    options = {"idle-limit": 0, "cell-memory": MEMORY, "cell-processes": PROCESSES,
               "cell-shm": SHM, "cell-home": HOME}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.bob = cls.system.client("bob", 1)
            cls.stack.callback(cls.bob.close)
            cls.bob.wait_colour(cls.PAPER, 0.4)
            cls.bob_session = cls.system.session("bob")["id"]
            cls.typed = ""
        except BaseException:
            cls.stack.close()
            raise

    def setUp(self):
        super().setUp()
        self.session = self.enter("alice", 0)["id"]
        self.disk = self.free_disk()

    # --- how it goes to the others

    def bob_works(self, seconds=40):
        """His keys arrive in his page, through the connection that he has had all the time."""
        type(self).typed += "x"
        mark = self.web.mark()
        self.bob.type("x")
        self.web.wait("input", seconds, mark, value=self.typed)
        self.assertEqual(self.system.session("bob")["id"], self.bob_session)

    def host_answers(self):
        self.assertEqual(self.system.session("bob")["state"], "attached")
        files = [open("/dev/null", encoding="ascii") for _ in range(500)]
        for file in files:
            file.close()
        for fd in os.openpty():
            os.close(fd)
        self.assertEqual(subprocess.run(["true"], check=False).returncode, 0)

    def others_go_on(self):
        self.host_answers()
        self.bob_works()

    @staticmethod
    def free_disk():
        state = os.statvfs("/var/lib")
        return state.f_bavail * state.f_frsize, state.f_favail

    # --- what the kernel says of the cell

    def group_file(self, controller, name):
        for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/" + controller):
            path = pathlib.Path(root) / self.system.instance / ("s-" + self.session) / "cell" / name
            if path.exists():
                return path.read_text(encoding="ascii")
        return None

    def number(self, controller, *files, key=None):
        for name in files:
            text = self.group_file(controller, name)
            if text is not None:
                if key is None:
                    return int(text)
                return dict((k, int(v)) for k, v in map(str.split, text.splitlines())).get(key, 0)
        raise AssertionError("no file %s for %s" % (files, controller))

    def killed(self):
        return self.number("memory", "memory.events", "memory.oom_control", key="oom_kill")

    def memory_is_bounded(self):
        limit = self.number("memory", "memory.max", "memory.limit_in_bytes")
        self.assertEqual(limit, self.MEMORY << 20)
        self.assertLessEqual(self.number("memory", "memory.current", "memory.usage_in_bytes"),
                             limit)

    # --- the end

    def tearDown(self):
        uid = self.system.uid("alice")
        session = self.system.session("alice")
        if session:
            # A bomb may have ended it by now: that there is nothing left is checked below.
            self.system.ctl("end", session["id"], check=False)
        self.system.wait_ended("alice", 60)

        def remains():
            return ([str(p) for p in processes() if p.uid == uid]
                    + [g for g in self.system.cgroups() if self.session in g]
                    + [m for m in self.system.mounts() if "/users/%d/" % uid in m]
                    + [d for d in self.loops() if "/users/%d/" % uid in d]
                    + self.system.links()[1:])

        try:
            wait_until(lambda: not remains(), 30, "nothing is left of it")
        except AssertionError as error:
            raise AssertionError("%s: %s" % (error, remains())) from None
        self.assertEqual(len(self.system.processes("lazaret-display")), 1)
        self.others_go_on()

    @staticmethod
    def loops():
        return [path.read_text(encoding="utf-8") for path in
                pathlib.Path("/sys/block").glob("loop*/loop/backing_file")]

    # --- the bombs

    def bomb(self, *words):
        order = self.order("alice", "bomb", *words)
        self.addCleanup(order.close)
        return order

    def test_forks(self):
        self.bomb("fork").wait("full")
        wait_until(lambda: self.number("pids", "pids.events", key="max") > 100, 30,
                   "the limit has refused forks")
        self.assertEqual(self.number("pids", "pids.max"), self.PROCESSES)
        self.assertLessEqual(self.number("pids", "pids.current"), self.PROCESSES)
        self.assertGreater(self.number("pids", "pids.current"), self.PROCESSES * 3 // 4)
        self.others_go_on()

    def until_killed(self, *words):
        before = self.killed()
        self.bomb(*words)
        wait_until(lambda: self.killed() > before, 90, "the memory limit has ended a process")
        self.memory_is_bounded()
        self.others_go_on()

    def test_memory(self):
        self.until_killed("memory")

    def test_memory_files(self):
        self.until_killed("memfd")

    def test_memory_segments(self):
        self.until_killed("segment")

    def test_temporary_files(self):
        """/tmp may be larger than what is left of the memory: then that is its bound."""
        before = self.killed()
        order = self.bomb("disk", "/tmp")
        wait_until(lambda: order.ended or self.killed() > before
                   or any(a["what"] == "full" for a in order.answers), 90, "it is full")
        self.memory_is_bounded()
        self.others_go_on()

    def test_shared_memory_folder(self):
        full = self.bomb("disk", "/dev/shm").wait("full")["value"]
        self.assertIn("No space left", full)
        self.assertLessEqual(int(full.split()[1]), self.SHM << 20)
        self.memory_is_bounded()
        self.others_go_on()

    def fills(self, folder):
        volume = self.files("alice") / "volume"
        size = volume.stat().st_size
        full = self.bomb("disk", folder).wait("full")["value"]
        self.assertRegex(full, "No space left|quota")
        self.assertLess(int(full.split()[1]), self.HOME << 20)
        self.assertEqual(volume.stat().st_size, size)
        self.assertEqual(size, self.HOME << 20)
        # The host's disk has lost nothing to it; others write meanwhile, so a little is allowed.
        self.assertLess(self.disk[0] - self.free_disk()[0], 48 << 20)
        self.others_go_on()

    def empty(self):
        for path in self.files("alice").glob("data/**/cell-probe-bomb*"):
            path.unlink()

    def test_home(self):
        self.addCleanup(lambda: self.enter("alice", 0) and self.empty())
        self.fills("/home/" + self.system.name("alice"))

    def test_transfer_folder(self):
        self.fills("/home/%s/transfer" % self.system.name("alice"))
        self.empty()

    def test_many_files(self):
        full = self.bomb("inodes", "/home/%s/transfer" % self.system.name("alice")).wait("full")
        self.assertIn("No space left", full["value"])
        self.assertLess(self.disk[1] - self.free_disk()[1], 5000)
        self.others_go_on()
        self.empty()

    def test_processors(self):
        self.bomb("cpu", 16).wait("full")
        self.others_go_on()

    def taken(self, kind, count):
        order = self.bomb(kind, count)
        wait_until(lambda: sum(a["what"] == "took" for a in order.answers) == count
                   or order.ended or any(a["what"] == "had" for a in order.answers), 90,
                   "%s are taken" % kind)
        return sum(int(a["value"].split()[0]) for a in order.answers if a["what"] == "took")

    def test_descriptors(self):
        self.assertGreater(self.taken("files", 20), 20 * 8000)
        self.memory_is_bounded()
        self.others_go_on()

    def test_descriptors_in_flight(self):
        self.assertLess(self.taken("in-flight", 20), 2 * 20 * 8192)
        self.memory_is_bounded()
        self.others_go_on()

    def test_inotify(self):
        most = int(pathlib.Path("/proc/sys/user/max_inotify_instances").read_text(
            encoding="ascii"))
        self.assertLessEqual(self.taken("inotify", 20), most)
        self.others_go_on()

    def test_terminals(self):
        self.assertEqual(self.taken("terminals", 20), 0)

    def test_wayland_clients(self):
        """Pictures without end on many connections: the display cuts them off, or dies within its
        own limit of memory; neither is Bob's affair."""
        order = self.bomb("wayland", 12)
        wait_until(lambda: order.ended or any(a["what"] == "cut" for a in order.answers)
                   or self.system.session("alice") is None, 60, "the display has had enough")
        for _ in range(3):
            self.bob_works()
        self.host_answers()
