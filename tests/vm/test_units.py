# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed system under systemd, in the machine of `make check-vm`: the unit, control groups
of version 2 that systemd delegates, an upgrade in place."""

import json
import os
import pathlib
import unittest

from lib_proc import processes, run, wait_until
from lib_rfb import Client

CONFIG = pathlib.Path("/etc/lazaret/lazaret.conf")
TLS = pathlib.Path("/etc/lazaret/tls")
UNIT = "lazaretd.service"
USER, PASSWORD = "quarantine", "three weeks"


def prop(name):
    return run("systemctl", "show", "--value", "--property", name, UNIT).strip()


def ctl(*arguments, check=True):
    out = run("lazaretctl", "--json", *arguments, check=check)
    return json.loads(out) if out.strip() else None


def sessions():
    found = ctl("sessions")
    return found if isinstance(found, list) else found["sessions"]


def of_program(name):
    return [p for p in processes() if os.path.basename(p.exe) == name]


class Units(unittest.TestCase):
    seconds = 120

    @classmethod
    def setUpClass(cls):
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
        cls.ca = str(ca)
        CONFIG.write_text('listen = {"127.0.0.1"}\nidle-limit = 0\ndns = {"192.0.2.53"}\n',
                          encoding="utf-8")
        run("useradd", "--no-create-home", "--groups", "lazaret-users",
            "--shell", "/usr/sbin/nologin", USER)
        run("chpasswd", input="%s:%s\n" % (USER, PASSWORD))
        # Returns when the daemon has said READY=1, and fails when it does not.
        run("systemctl", "start", UNIT, seconds=60)

    @classmethod
    def tearDownClass(cls):
        run("lazaretctl", "shutdown", check=False)
        print(run("journalctl", "--no-pager", "--unit", UNIT, "--lines", "100", check=False))

    def login(self):
        client = Client("127.0.0.1", 5900, self.ca)
        self.addCleanup(client.close)
        client.login(USER, PASSWORD)

        def drawn():
            client.refresh(False)
            return len({client.pixel(x, y) for x in range(0, client.width, 9)
                        for y in range(0, client.height, 9)}) > 10

        wait_until(drawn, 60, "a page is shown")
        return client

    def test_kernel_and_manager(self):
        self.assertIn("apparmor", pathlib.Path("/sys/kernel/security/lsm").read_text("ascii"))
        self.assertEqual(pathlib.Path("/sys/module/apparmor/parameters/enabled")
                         .read_text("ascii").strip(), "Y")
        self.assertTrue(pathlib.Path("/sys/fs/cgroup/cgroup.controllers").exists())
        self.assertEqual(prop("ActiveState"), "active")
        self.assertEqual(prop("NotifyAccess"), "main")
        out = run("systemd-analyze", "verify", "/usr/lib/systemd/system/" + UNIT, check=False)
        self.assertNotIn(UNIT, out)

    def test_accounts_and_folders(self):
        for name in ("lazaret-gateway", "lazaret-keyd"):
            self.assertIn("/usr/sbin/nologin", run("getent", "passwd", name))
        self.assertEqual(TLS.stat().st_mode & 0o777, 0o700)
        self.assertEqual(ctl("status")[0]["state"] if isinstance(ctl("status"), list)
                         else ctl("status")["state"], "serving")

    def test_groups_are_below_the_unit(self):
        self.login()
        ours = prop("ControlGroup")
        displays = of_program("lazaret-display")
        self.assertTrue(displays)
        for process in displays:
            self.assertIn("0::%s/s-" % ours, process.cgroup)
        browsers = [p for p in processes() if os.path.basename(p.exe) == "chromium"]
        self.assertTrue(browsers)
        for process in browsers:
            self.assertIn("0::%s/s-" % ours, process.cgroup)
        cell = pathlib.Path("/sys/fs/cgroup" + browsers[0].cgroup.strip().partition("::")[2])
        while cell.name != "cell":
            self.assertNotEqual(cell, cell.parent)
            cell = cell.parent
        self.assertLess(int((cell / "memory.max").read_text("ascii")), 1 << 40)
        self.assertLess(int((cell / "pids.max").read_text("ascii")), 100000)
        self.assertEqual((cell / "memory.swap.max").read_text("ascii").strip(), "0")

    def test_restart_keeps_sessions_and_viewers(self):
        client = self.login()
        before = sessions()
        self.assertEqual([s["user"] for s in before], [USER])
        pid = prop("MainPID")
        run("systemctl", "restart", UNIT, seconds=90)
        self.assertNotEqual(prop("MainPID"), pid)
        self.assertEqual([s["id"] for s in sessions()], [s["id"] for s in before])
        client.refresh(False)

    def test_killed_monitor_is_started_again(self):
        self.login()
        before = [s["id"] for s in sessions()]
        pid = int(prop("MainPID"))
        os.kill(pid, 9)
        wait_until(lambda: prop("ActiveState") == "active" and int(prop("MainPID")) not in (0, pid),
                   60, "systemd has started it again")
        self.assertEqual([s["id"] for s in sessions()], before)

    def test_reload(self):
        pid = prop("MainPID")
        run("systemctl", "reload", UNIT)
        self.login()
        self.assertEqual(prop("MainPID"), pid)

    def test_shutdown_leaves_nothing(self):
        self.login()
        run("lazaretctl", "shutdown", seconds=60)
        wait_until(lambda: prop("ActiveState") == "inactive", 60, "the unit has ended in order")
        for name in ("lazaret-session", "lazaret-display", "lazaret-gateway", "lazaret-netd",
                     "chromium"):
            self.assertEqual(of_program(name), [], name)
        links = json.loads(run("ip", "-j", "link"))
        self.assertEqual([x["ifname"] for x in links if x["ifname"].startswith("lzc")], [])
        self.assertEqual(run("nft", "list", "tables").strip(), "")
        self.assertNotIn("/var/lib/lazaret", pathlib.Path("/proc/self/mountinfo")
                         .read_text("utf-8"))
        run("systemctl", "start", UNIT, seconds=60)

