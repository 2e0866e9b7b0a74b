# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed system under systemd, in the machine of `make check-vm`: the units, control groups
of version 2, PAM beside logind, the journal, restarts, an upgrade in place.

A browser takes its time in a machine that is emulated. So one login serves all tests of a class,
and what needs no browser is done by a process of the test's own in the cell's control group."""

import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time
import unittest

from lib_proc import processes, run, scaled, wait_until
from lib_roles import ROLES
from lib_rfb import Client, Refused

ALONE = True

CONFIG = pathlib.Path("/etc/lazaret/lazaret.conf")
TLS = pathlib.Path("/etc/lazaret/tls")
PAM = pathlib.Path("/etc/pam.d/lazaret")
GROUPS = pathlib.Path("/sys/fs/cgroup")
UNIT = "lazaretd.service"
CELLS = "lazaret-cells.service"
USER, OTHER, PASSWORD = "quarantine", "pratique", "three weeks"
MIB = 1 << 20

# Not the defaults: the values must come from here.
OPTIONS = """
listen = {"127.0.0.1"}
idle-limit = 0
dns = {"192.0.2.53"}
cell-memory = 1500
cell-processes = 300
cell-cpu = 150
cell-home = 200
display-memory = 300
"""


def prop(name, unit=UNIT):
    return run("systemctl", "show", "--value", "--property", name, unit).strip()


def ctl(*arguments, check=True):
    """Records of lazaretctl; None when it fails and may."""
    done = subprocess.run(["lazaretctl", "--json", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=scaled(60), check=False)
    if done.returncode != 0:
        if check:
            raise AssertionError("lazaretctl %s: %s" % (" ".join(arguments), done.stdout))
        return None
    return json.loads(done.stdout) if done.stdout.strip() else None


def status():
    found = ctl("status", check=False)
    return found[0] if isinstance(found, list) else found


def all_sessions():
    found = ctl("sessions")
    return found if isinstance(found, list) else found["sessions"]


def sessions():
    return [s for s in all_sessions() if s["state"] != "parked"]


def session(user=USER):
    return next((s for s in sessions() if s["user"] == user), None)


def of_program(name):
    return [p for p in processes() if os.path.basename(p.exe.removesuffix(" (deleted)")) == name]


def group_of(process):
    """Its control group, as a path below the mount point."""
    return process.cgroup.strip().partition("::")[2]


def value(folder, name):
    return (folder / name).read_text("ascii").strip()


def counter(folder, name, key):
    return int(dict(line.split() for line in value(folder, name).splitlines())[key])


def journal(*fields, since=""):
    out = run("journalctl", "--output", "json", "--no-pager",
              *(["--after-cursor", since] if since else []), *fields, seconds=120)
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def cursor():
    return journal("--lines", "1")[-1]["__CURSOR"]


def wait_event(event, *parts, since):
    """The journal's entry of one of our events."""
    def find():
        for entry in journal("--unit", UNIT, since=since):
            words = entry["MESSAGE"].split(" ")
            if len(words) > 3 and words[3] == event and all(p in entry["MESSAGE"] for p in parts):
                return entry
        return None
    return wait_until(find, 30, "%s %s in the journal" % (event, parts))


def in_group(folder, action):
    """Runs action() in a process that is in the control group; its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            (folder / "cgroup.procs").write_text("0", "ascii")
            os._exit(action())
        finally:
            os._exit(99)
    return os.waitpid(pid, 0)[1]


def certificates():
    TLS.mkdir(parents=True, exist_ok=True)
    ca, key = TLS / "ca.pem", TLS / "ca.key"
    for name in (key, TLS / "server.key"):
        run("certtool", "--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1",
            "--outfile", name)
        name.chmod(0o600)
    template = TLS / "template"
    template.write_text('cn = "test"\nca\ncert_signing_key\n', encoding="utf-8")
    run("certtool", "--generate-self-signed", "--template", template, "--load-privkey", key,
        "--outfile", ca)
    template.write_text('cn = "server"\nip_address = "127.0.0.1"\ntls_www_server\n'
                        "signing_key\n", encoding="utf-8")
    run("certtool", "--generate-certificate", "--template", template,
        "--load-privkey", TLS / "server.key", "--load-ca-certificate", ca,
        "--load-ca-privkey", key, "--outfile", TLS / "server.pem")


def accounts():
    for name in (USER, OTHER):
        run("useradd", "--no-create-home", "--groups", "lazaret-users",
            "--shell", "/usr/sbin/nologin", name)
    run("chpasswd", input="%s:%s\n%s:%s\n" % (USER, PASSWORD, OTHER, PASSWORD))


def viewer(user=USER, picture=True):
    """A viewer that is logged in, with the page on its screen."""
    client = Client("127.0.0.1", 5900, str(TLS / "ca.pem"), timeout=120)
    client.login(user, PASSWORD)
    if picture:
        wait_picture(client)
    return client


def wait_picture(client):
    """A page has many colours. Waits for updates: to ask for all of it again and again would keep
    the browser from drawing."""
    deadline = time.monotonic() + scaled(60)
    incremental = False
    while True:
        client.refresh(incremental)
        if len({client.pixel(x, y) for x in range(0, client.width, 9)
                for y in range(0, client.height, 9)}) > 10:
            return
        if time.monotonic() > deadline:
            raise AssertionError("no page was shown")
        incremental = True


class UnitTest(unittest.TestCase):
    seconds = 60

    @classmethod
    def start(cls, options=""):
        cls.mark = cursor()
        if not (TLS / "server.pem").exists():
            certificates()
            accounts()
        CONFIG.write_text(OPTIONS + options, encoding="utf-8")
        # Returns when the daemon has said READY=1, and fails when it does not.
        run("systemctl", "start", UNIT)

    @classmethod
    def tearDownClass(cls):
        run("lazaretctl", "shutdown", check=False)
        run("systemctl", "stop", CELLS, check=False)
        for entry in journal("--unit", UNIT, "--unit", CELLS, since=cls.mark)[-150:]:
            print(entry["MESSAGE"])

    def wait_serving(self, but=0):
        """Another main process than `but` serves."""
        wait_until(lambda: int(prop("MainPID")) not in (0, but)
                   and (status() or {}).get("state") == "serving", 60, "lazaretd serves")


class Units(UnitTest):
    """One session, through all that may happen to the system below it."""

    @classmethod
    def setUpClass(cls):
        # Changes made by tests are undone by hand in each; the machine is thrown away anyway.
        cls.start()
        try:
            cls.client = viewer()
            cls.ours = session()["id"]
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def folder(cls, part=""):
        return GROUPS / prop("ControlGroup", CELLS).lstrip("/") / ("s-" + cls.ours) / part

    def works(self):
        """The viewer that has been connected from the beginning still gets pictures."""
        self.client.refresh(False)
        self.assertEqual(session()["id"], self.ours)

    # --- the platform

    def test_kernel_and_manager(self):
        self.assertIn("apparmor", value(pathlib.Path("/sys/kernel/security"), "lsm"))
        self.assertEqual(value(pathlib.Path("/sys/module/apparmor/parameters"), "enabled"), "Y")
        self.assertTrue((GROUPS / "cgroup.controllers").exists())
        for unit in (UNIT, CELLS):
            self.assertEqual(prop("ActiveState", unit), "active")
            self.assertNotIn(unit, run("systemd-analyze", "verify",
                                       "/usr/lib/systemd/system/" + unit, check=False))
        self.assertEqual(prop("NotifyAccess"), "main")
        self.assertTrue(status()["sandbox_proven"])

    def test_accounts_and_folders(self):
        for name in ("lazaret-gateway", "lazaret-keyd"):
            account = pwd.getpwnam(name)
            self.assertEqual(account.pw_shell, "/usr/sbin/nologin")
            self.assertLess(account.pw_uid, 1000)
        for group in ("lazaret-users", *("lazaret-" + role for role in ROLES)):
            run("getent", "group", group)
        for path, mode in ((TLS, 0o700), (CONFIG.parent, 0o755), ("/run/lazaret", 0o711),
                           ("/var/lib/lazaret", 0o711)):
            found = os.stat(path)
            self.assertEqual((found.st_mode & 0o7777, found.st_uid), (mode, 0), path)

    # --- control groups

    def test_groups(self):
        monitors = prop("ControlGroup")
        for name in ("lazaretd", "lazaret-keyd", "lazaret-netd", "lazaret-session",
                     "lazaret-gateway"):
            found = of_program(name)
            self.assertTrue(found, name)
            for process in found:
                self.assertEqual(group_of(process), monitors, name)
        for name, part in (("lazaret-display", "display"), ("chromium", "cell"),
                           ("bwrap", "cell"), ("dbus-daemon", "cell")):
            found = [p for p in of_program(name) if CELLS in p.cgroup]
            self.assertTrue(found, name)
            for process in found:
                self.assertEqual("/sys/fs/cgroup" + group_of(process),
                                 str(self.folder(part)), name)

    def test_limits_are_set(self):
        cell, display = self.folder("cell"), self.folder("display")
        for folder, name, wanted in (
                (cell, "memory.max", str(1500 * MIB)), (cell, "memory.swap.max", "0"),
                (cell, "pids.max", "300"), (cell, "cpu.max", "150000 100000"),
                (display, "memory.max", str(300 * MIB)), (display, "memory.swap.max", "0")):
            self.assertEqual(value(folder, name), wanted, name)
        self.assertLess(int(value(display, "pids.max")), 100)
        self.assertGreater(session()["cell_mib"], 20)

    def test_memory_bomb(self):
        cell = self.folder("cell")

        def grow():
            # The kernel takes the largest first; here that is to be us.
            pathlib.Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
            kept = []
            while sum(map(len, kept)) < 4096 * MIB:
                kept.append(b"x" * (16 * MIB))
            return 0

        before = counter(cell, "memory.events", "oom_kill")
        state = in_group(cell, grow)
        self.assertTrue(os.WIFSIGNALED(state) and os.WTERMSIG(state) == signal.SIGKILL, state)
        self.assertGreater(counter(cell, "memory.events", "oom_kill"), before)
        self.works()

    def test_fork_bomb(self):
        cell = self.folder("cell")

        def multiply():
            children = []
            try:
                while len(children) < 1000:
                    pid = os.fork()
                    if pid == 0:
                        signal.pause()
                        os._exit(0)
                    children.append(pid)
            except BlockingIOError:
                pass
            highest = int(value(cell, "pids.current"))
            for pid in children:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            return 0 if 20 < len(children) < 300 and highest <= 300 else 1

        before = counter(cell, "pids.events", "max")
        self.assertEqual(in_group(cell, multiply), 0)
        self.assertGreater(counter(cell, "pids.events", "max"), before)
        self.works()

    def test_busy_loop(self):
        """One and a half processors, however many threads burn."""
        cell = self.folder("cell")

        def burn():
            pids = []
            for _ in range(4):
                pid = os.fork()
                if pid == 0:
                    while True:
                        pass
                pids.append(pid)
            started = time.monotonic()
            before = counter(cell, "cpu.stat", "usage_usec")
            time.sleep(5)
            used = (counter(cell, "cpu.stat", "usage_usec") - before) / 1e6
            share = used / (time.monotonic() - started)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            return 0 if share < 1.65 else 1

        before = counter(cell, "cpu.stat", "nr_throttled")
        self.assertEqual(in_group(cell, burn), 0)
        self.assertGreater(counter(cell, "cpu.stat", "nr_throttled"), before)

    # --- mounts, the cell

    def test_home_volume(self):
        uid = pwd.getpwnam(USER).pw_uid
        place = "/var/lib/lazaret/users/%d/" % uid
        mounts = [line.split() for line in
                  pathlib.Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
                  if line.split()[4].startswith(place)]
        self.assertEqual(len(mounts), 1)
        self.assertEqual(mounts[0][mounts[0].index("-") + 1], "ext4")
        for option in ("nosuid", "nodev"):
            self.assertIn(option, mounts[0][5])
        room = os.statvfs(mounts[0][4])
        self.assertLess(room.f_blocks * room.f_frsize, 201 * MIB)
        self.assertIn(place, run("losetup", "--noheadings", "--output", "BACK-FILE"))

    def test_browser_is_closed_in(self):
        """The kernel of the distribution has AppArmor and its own idea of user namespaces: the
        browser's renderers are in theirs, with a filter on top of ours."""
        renderers = [p for p in of_program("chromium")
                     if any("--type=renderer" in word for word in p.command)]
        self.assertTrue(renderers)

        def facts(pid):
            text = pathlib.Path("/proc/%d/status" % pid).read_text("ascii")
            return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

        ours = facts(next(p.pid for p in of_program("dbus-daemon") if CELLS in p.cgroup))
        for process in renderers:
            found = facts(process.pid)
            self.assertEqual(found["NoNewPrivs"], "1")
            self.assertGreater(int(found["Seccomp_filters"]), int(ours["Seccomp_filters"]))
            for kind in ("user", "net", "pid"):
                self.assertNotEqual(os.readlink("/proc/%d/ns/%s" % (process.pid, kind)),
                                    os.readlink("/proc/1/ns/" + kind), kind)
            self.assertNotEqual(os.readlink("/proc/%d/ns/user" % process.pid),
                                os.readlink("/proc/%s/ns/user" % ours["Pid"]))

    # --- PAM beside logind

    def test_pam_leaves_the_groups_alone(self):
        self.assertEqual(prop("ActiveState", "systemd-logind.service"), "active")
        self.assertNotIn(USER, run("loginctl", "--no-legend", "list-sessions"))
        for process in of_program("lazaret-session"):
            self.assertEqual(group_of(process), prop("ControlGroup"))

    def test_pam_systemd(self):
        """A site that has logind know of the sessions: they are in its list, and the cell still is
        where its limits are."""
        kept = PAM.read_text("utf-8")
        PAM.write_text(kept + "session required pam_systemd.so class=user type=wayland\n", "utf-8")
        try:
            client = viewer(OTHER, picture=False)
            self.addCleanup(client.close)
            self.assertIn(OTHER, run("loginctl", "--no-legend", "list-sessions"))
            found = session(OTHER)
            folder = self.folder().parent / ("s-" + found["id"])
            wait_until(lambda: value(folder / "cell", "cgroup.procs"), 60, "the cell runs")
            self.assertEqual(value(folder / "cell", "pids.max"), "300")
            uid = pwd.getpwnam(OTHER).pw_uid
            for process in processes():
                if process.uid == uid and "lazaret" in process.exe + " ".join(process.command):
                    self.assertIn(found["id"], process.cgroup, process)
            ctl("end", found["id"])
            wait_until(lambda: session(OTHER) is None, 60, "the session has ended")
            wait_until(lambda: OTHER not in run("loginctl", "--no-legend", "list-sessions"),
                       30, "logind has forgotten it")
            wait_until(lambda: not folder.exists(), 30, "its control group is gone")
        finally:
            PAM.write_text(kept, "utf-8")

    # --- the journal

    def test_journal(self):
        for event, who, priority in (("monitor.ready", "lazaretd[", "6"),
                                     ("session.attached", "lazaretd[", "6"),
                                     ("gateway.admitted", "lazaret-gateway[", "6"),
                                     ("session.step", "lazaret-session[", "6"),
                                     ("display.started", "lazaret-display[", "6")):
            entry = wait_event(event, since=self.mark)
            self.assertTrue(entry["MESSAGE"].split(" ")[1].startswith(who), entry["MESSAGE"])
            self.assertEqual(entry["PRIORITY"], priority, entry["MESSAGE"])
        before = cursor()
        client = Client("127.0.0.1", 5900, str(TLS / "ca.pem"), timeout=60)
        self.addCleanup(client.close)
        client.to_credentials()
        client.credentials(USER, "not the password")
        with self.assertRaises(Refused):
            client.security_result()
        entry = wait_event("login.refused", 'user="%s"' % USER, 'address="127.0.0.1"', since=before)
        self.assertEqual(entry["PRIORITY"], "4")
        self.assertNotIn("not the password", json.dumps(journal(since=before)))

    # --- the monitor comes and goes

    def test_reload(self):
        pid, before = prop("MainPID"), cursor()
        run("systemctl", "reload", UNIT)
        wait_event("config.loaded", since=before)
        self.assertEqual(prop("MainPID"), pid)
        self.works()

    def test_restart_and_upgrade(self):
        """Every program is replaced by another file, as a package does it, and the unit restarted:
        the session and its viewer do not notice, and the new monitor rules them."""
        pid, before = int(prop("MainPID")), cursor()
        old = of_program("lazaret-session")
        programs = [pathlib.Path("/usr/sbin/lazaretd"), pathlib.Path("/usr/bin/lazaretctl"),
                    *pathlib.Path("/usr/libexec/lazaret").iterdir()]
        self.assertGreater(len(programs), 8)
        for path in programs:
            fresh = path.with_name(path.name + ".new")
            shutil.copy2(path, fresh)
            fresh.rename(path)
        run("systemctl", "restart", UNIT)
        self.assertNotIn(prop("MainPID"), ("0", str(pid)))
        self.assertEqual(os.readlink("/proc/%s/exe" % prop("MainPID")), "/usr/sbin/lazaretd")
        wait_event("session.adopted", self.ours, since=before)
        for process in old:
            self.assertTrue(process.alive())
            self.assertTrue(os.readlink("/proc/%d/exe" % process.pid).endswith(" (deleted)"))
        self.works()
        self.assertEqual(value(self.folder("cell"), "memory.max"), str(1500 * MIB))
        # It is ruled by the new one, not only seen.
        type(self).client, earlier = viewer(), self.client
        self.assertTrue(earlier.closed_within(30))
        self.works()

    def test_killed_monitor(self):
        """systemd starts another one, which finds the session, attaches to it and ends another."""
        other = viewer(OTHER, picture=False)
        self.addCleanup(other.close)
        theirs = session(OTHER)["id"]
        pid, before = int(prop("MainPID")), cursor()
        os.kill(pid, signal.SIGKILL)
        self.wait_serving(but=pid)
        wait_event("session.adopted", self.ours, since=before)
        wait_event("session.adopted", theirs, since=before)
        self.works()
        # The connections that were there are; another one takes the place of its own user's.
        other.refresh(False)
        type(self).client, earlier = viewer(), self.client
        self.assertTrue(earlier.closed_within(30))
        self.works()
        ctl("end", theirs)
        wait_until(lambda: session(OTHER) is None, 60, "the session has ended")
        wait_until(lambda: not (self.folder().parent / ("s-" + theirs)).exists(), 30,
                   "its control group is gone")

    # --- another version in place

    def install(self, old, new):
        """Every program by one of another version, as a package does it."""
        for path in (pathlib.Path("/usr/sbin/lazaretd"), pathlib.Path("/usr/bin/lazaretctl"),
                     *pathlib.Path("/usr/libexec/lazaret").iterdir()):
            if path.is_symlink():
                continue
            fresh = path.with_name(path.name + ".dpkg-new")
            fresh.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
            fresh.chmod(0o755)
            fresh.rename(path)

    def test_upgrade_in_place(self):
        """systemd sees nothing of it; the session, its viewer and what they are in go on, new logins get
        the new version, and the unit can be reloaded, killed and started again as before."""
        pid, before = prop("MainPID"), cursor()
        old = status()["version"]
        new = old[:-1] + str((int(old[-1]) + 1) % 10)
        displays = of_program("lazaret-display")
        self.install(old, new)
        self.assertIn(new, run("lazaretctl", "upgrade"))
        wait_event("monitor.upgraded", since=before)
        self.assertEqual(prop("MainPID"), pid)
        self.assertEqual(prop("ActiveState"), "active")
        self.assertEqual(status()["version"], new)
        self.assertEqual(os.readlink("/proc/%s/exe" % pid), "/usr/sbin/lazaretd")
        for process in displays:
            self.assertTrue(process.alive())
        self.works()
        self.assertEqual((session()["version"], session()["old"]), (old, True))
        # All that it starts is in the same group as before.
        for name in ("lazaret-keyd", "lazaret-netd"):
            self.assertTrue([p for p in of_program(name)
                             if group_of(p) == prop("ControlGroup")], name)
        other = viewer(OTHER, picture=False)
        self.addCleanup(other.close)
        self.assertEqual(session(OTHER)["version"], new)
        ctl("end", session(OTHER)["id"])
        wait_until(lambda: session(OTHER) is None, 60, "the session has ended")
        mark = cursor()
        run("systemctl", "reload", UNIT)
        wait_event("config.loaded", since=mark)
        # And back; then a start of its own finds what both have left.
        self.install(new, old)
        self.assertIn(old, run("lazaretctl", "upgrade"))
        self.assertEqual(prop("MainPID"), pid)
        os.kill(int(pid), signal.SIGKILL)
        self.wait_serving(but=int(pid))
        self.works()
        self.assertEqual((session()["version"], session()["old"]), (old, False))

    def test_stopped_monitor(self):
        """Stopped: no new viewers, but who works goes on working."""
        run("systemctl", "stop", UNIT)
        try:
            self.assertEqual(prop("ActiveState"), "inactive")
            self.assertEqual(prop("ActiveState", CELLS), "active")
            with self.assertRaises(OSError):
                Client("127.0.0.1", 5900, str(TLS / "ca.pem"), timeout=10)
            self.client.refresh(False)
        finally:
            run("systemctl", "start", UNIT)
        self.works()


class Leaving(UnitTest):
    """What is left, and how parked cells do on this kernel."""

    @classmethod
    def setUpClass(cls):
        cls.start("parked-cells = 1\nprofile = wipe\n")

    def parked(self):
        return wait_until(lambda: next(
            (s for s in all_sessions() if s["state"] == "parked"), None), 60, "a cell is parked")

    def test_1_parked_cell(self):
        """Somebody logs in and gets the browser that stands there; what he puts into the transfer
        folder is his on the host, though the cell runs under another uid."""
        parked = self.parked()
        client = viewer()
        self.addCleanup(client.close)
        self.assertEqual(session()["id"], parked["id"])
        user = pwd.getpwnam(USER)
        browser = next(p for p in of_program("chromium") if "s-" + parked["id"] in p.cgroup
                       and not any("--type=" in word for word in p.command))
        self.assertNotEqual(browser.uid, user.pw_uid)
        # The browser writes its title over its environment.
        launcher = next(p for p in of_program("lazaret-browser")
                        if "s-" + parked["id"] in p.cgroup)
        home = next(e.partition("=")[2] for e in pathlib.Path(
            "/proc/%d/environ" % launcher.pid).read_text("utf-8").split("\0")
            if e.startswith("HOME="))
        run("nsenter", "--mount", "--target", browser.pid, "setpriv", "--reuid", browser.uid,
            "--regid", browser.uid, "--clear-groups", "touch", home + "/transfer/declaration")
        found = list(pathlib.Path("/var/lib/lazaret/users/%d" % user.pw_uid)
                     .glob("**/declaration"))
        self.assertEqual(len(found), 1)
        self.assertEqual(found[0].stat().st_uid, user.pw_uid)
        # And what is on the host already is his in the cell.
        shown = run("nsenter", "--mount", "--target", browser.pid, "stat", "--format=%u",
                    home + "/transfer/declaration")
        self.assertEqual(int(shown), browser.uid)

    def test_2_end_of_the_cells(self):
        """Stopping the unit of the groups ends everything, and starting ours brings it back."""
        self.assertTrue(sessions())
        run("systemctl", "stop", CELLS)
        self.assertEqual(prop("ActiveState"), "inactive")
        for name in ("lazaretd", "lazaret-session", "lazaret-display", "lazaret-gateway",
                     "chromium"):
            wait_until(lambda n=name: not of_program(n), 60, name + " is gone")
        self.no_homes()
        run("systemctl", "start", UNIT)
        self.assertEqual(prop("ActiveState", CELLS), "active")
        self.assertEqual(sessions(), [])

    def test_3_shutdown_leaves_nothing(self):
        """Nor what the end before this one has left, which only the monitor could clear up."""
        self.parked()
        client = viewer(picture=False)
        self.addCleanup(client.close)
        run("lazaretctl", "shutdown")
        wait_until(lambda: prop("ActiveState") == "inactive", 60, "the unit has ended in order")
        self.assertEqual(prop("Result"), "success")
        self.assertEqual(prop("ActiveState", CELLS), "active")
        for name in ("lazaretd", "lazaret-session", "lazaret-display", "lazaret-gateway",
                     "lazaret-netd", "lazaret-keyd", "chromium", "bwrap"):
            self.assertEqual(of_program(name), [], name)
        self.no_homes()
        links = json.loads(run("ip", "-j", "link"))
        self.assertEqual([x["ifname"] for x in links if x["ifname"].startswith("lzc")], [])
        self.assertEqual(run("nft", "list", "tables").strip(), "")
        self.assertEqual(list((GROUPS / prop("ControlGroup", CELLS).lstrip("/")).glob("s-*")), [])
        self.assertEqual(list(pathlib.Path("/run/lazaret").glob("sessions/*")), [])

    def no_homes(self):
        for text in (pathlib.Path("/proc/self/mountinfo").read_text("utf-8"),
                     run("losetup", "--noheadings", "--output", "BACK-FILE")):
            self.assertNotIn("/var/lib/lazaret", text)
