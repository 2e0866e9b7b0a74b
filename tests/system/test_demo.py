# SPDX-License-Identifier: GPL-3.0-or-later
"""make demo: what it prints, what it makes, and that nothing of it stays."""

import os
import pathlib
import re
import secrets
import signal
import unittest

import lib_net
from lib_net import Network
from lib_proc import BUILD, TOP, Process, processes, run, wait_until
from lib_rfb import Client
from lib_system import System, account_exists
from lib_viewer import ready_line
from lib_web import Web

ALONE = True

BLUE = (0x30, 0x60, 0xC0)


class Demo(unittest.TestCase):
    seconds = 180

    def setUp(self):
        self.network = Network(1)
        self.addCleanup(self.network.close)
        self.web = Web(self.network.internet, lib_net.WEB)
        self.addCleanup(self.web.close)

    def start(self, **arguments):
        system = System(self.network, users=("alice",), **arguments)
        self.addCleanup(system.demo.stop, signal.SIGTERM, 60)
        return system

    def host(self):
        """What a demo changes: accounts, groups, links, mounts, control groups, folders."""
        return {
            "accounts": run("getent", "passwd"), "groups": run("getent", "group"),
            "pam": sorted(os.listdir("/etc/pam.d")),
            "links": sorted(re.findall(r"^\d+: ([^:@]+)", run(
                "ip", "-o", "link", netns=self.network.system), re.M)),
            "rules": run("nft", "list", "tables", netns=self.network.system),
            "run": sorted(n for n in os.listdir("/run") if n.startswith("lazaret-demo")),
        }

    def nothing_of(self, system, identifier):
        self.assertFalse(account_exists(system.name("alice")))
        self.assertFalse(pathlib.Path("/run/lazaret-demo-" + identifier).exists())
        self.assertFalse(pathlib.Path("/var/lib/lazaret-demo/" + identifier).exists())
        self.assertEqual([p for p in processes() if identifier in p.exe or
                          system.instance in p.cgroup], [])
        mounts = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8")
        self.assertNotIn(identifier, mounts)
        self.assertEqual(system.cgroups(), [])
        self.assertEqual(system.links(), [])
        self.assertFalse((system.state / "ready").exists())

    @staticmethod
    def identifier(system):
        return pathlib.Path(system.programs).parent.name

    def test_block_and_clean_end(self):
        before = self.host()
        system = self.start()
        # The block is one piece; this is its last part.
        system.demo.wait_line("vncviewer -SecurityTypes", 20)
        text = "\n".join(system.demo.lines)
        name, password = system.users["alice"]
        for part in (name, password, system.ca, "port 5900",
                     "vncviewer -SecurityTypes X509Plain -X509CA %s 127.0.0.1::5900" % system.ca):
            self.assertIn(part, text)
        self.assertEqual(ready_line((system.state / "ready").read_text(encoding="utf-8")),
                         ("127.0.0.1", 5900))
        self.assertEqual(system.ctl("status")["state"] if isinstance(system.ctl("status"), dict)
                         else system.ctl("status")[0]["state"], "serving")
        with system.client("alice") as client:
            client.wait_colour(BLUE)
            identifier = self.identifier(system)
            self.assertEqual(system.stop(), 0)
        self.nothing_of(system, identifier)
        after = self.host()
        for kind in before:
            if kind in ("accounts", "groups", "pam", "run"):
                continue  # other demos may run beside this test
            self.assertEqual(before[kind], after[kind], kind)

    def test_term_is_as_good(self):
        system = self.start()
        identifier = self.identifier(system)
        system.demo.popen.send_signal(signal.SIGTERM)
        self.assertEqual(system.demo.wait(60), 0)
        self.nothing_of(system, identifier)

    def test_start_after_kill_of_everything(self):
        system = self.start()
        identifier = self.identifier(system)
        with system.client("alice") as client:
            client.wait_colour(BLUE)
        system.demo.popen.send_signal(signal.SIGKILL)
        system.demo.wait()
        for process in system.processes() + system.cell_processes():
            process.kill()
        self.assertTrue(account_exists(system.name("alice")))
        system.start()
        self.addCleanup(system.demo.stop, signal.SIGTERM, 60)
        with system.client("alice") as client:
            client.wait_colour(BLUE)
        self.assertEqual(system.stop(), 0)
        self.nothing_of(system, identifier)

    def test_start_after_kill_of_the_script(self):
        """Everything else still runs: the next demo puts an end to it."""
        system = self.start()
        old = {p.pid for p in system.processes()}
        system.demo.popen.send_signal(signal.SIGKILL)
        system.demo.wait()
        system.start()
        self.addCleanup(system.demo.stop, signal.SIGTERM, 60)
        self.assertFalse(old & {p.pid for p in system.processes()})
        with system.client("alice") as client:
            client.wait_colour(BLUE)
        self.assertEqual(system.stop(), 0)

    def test_second_demo_of_the_same_state_is_refused(self):
        system = self.start()
        second = Process(TOP / "scripts/demo", netns=self.network.system, env=system.env)
        self.addCleanup(second.stop)
        self.assertEqual(second.wait(60), 1)
        self.assertIn("is running already", "\n".join(second.lines))
        with system.client("alice") as client:
            client.wait_colour(BLUE)

    def test_foreign_account_is_not_touched(self):
        name = "lzt%d-own" % os.getpid()
        run("useradd", "--no-create-home", "--comment", "somebody", name)
        self.addCleanup(run, "userdel", name)
        run("chpasswd", input="%s:untouched\n" % name)
        before = run("getent", "shadow", name)
        state = BUILD / "system" / ("foreign-%d" % os.getpid())
        env = dict(os.environ, DEMO_USERS=name + ":other", DEMO_STATE=str(state),
                   BUILD=str(BUILD), DEMO_PORT="5901")
        demo = Process(TOP / "scripts/demo", netns=self.network.system, env=env)
        self.addCleanup(demo.stop)
        self.assertEqual(demo.wait(60), 1)
        self.assertIn('the account "%s"' % name, "\n".join(demo.lines))
        self.assertEqual(run("getent", "shadow", name), before)
        self.assertIn("somebody", run("getent", "passwd", name))

    def test_port_in_use(self):
        taken = Process("/usr/bin/python3", "-c", "import socket,sys\n"
                        "s=socket.create_server(('0.0.0.0',5900));print('held',flush=True)\n"
                        "sys.stdin.read()", netns=self.network.system)
        self.addCleanup(taken.stop)
        taken.wait_line("held")
        with self.assertRaises(AssertionError) as raised:
            self.start()
        self.assertRegex(str(raised.exception), "(?i)address already in use")

    def test_wrong_settings(self):
        state = str(BUILD / "system" / ("wrong-%d" % os.getpid()))
        for setting, value in (("DEMO_PORT", "70000"), ("DEMO_LISTEN", "localhost"),
                               ("DEMO_USERS", "nopassword"), ("DEMO_USERS", "root;x:y"),
                               ("DEMO_ALLOW", "everything"), ("DEMO_CONFIG", "/nonexistent")):
            with self.subTest(setting=setting, value=value):
                env = dict(os.environ, DEMO_STATE=state, BUILD=str(BUILD), **{setting: value})
                demo = Process(TOP / "scripts/demo", netns=self.network.system, env=env)
                self.addCleanup(demo.stop)
                self.assertEqual(demo.wait(30), 1)
                self.assertIn(setting, "\n".join(demo.lines))

    def test_default_user_has_a_random_password(self):
        passwords = set()
        if account_exists("demo"):
            raise AssertionError('the account "demo" is there; this test needs it not to be')
        for _ in range(2):
            state = BUILD / "system" / ("default-%d-%s" % (os.getpid(), secrets.token_hex(3)))
            env = dict(os.environ, DEMO_STATE=str(state), BUILD=str(BUILD), DEMO_PORT="5950")
            env.pop("DEMO_USERS", None)
            demo = Process(TOP / "scripts/demo", netns=self.network.system, env=env,
                           death=signal.SIGTERM)
            self.addCleanup(demo.stop, signal.SIGTERM, 60)
            line = demo.wait_line("password", 90)
            password = line.split()[-1]
            self.assertGreaterEqual(len(password), 12)
            passwords.add(password)
            wait_until((state / "ready").exists, 10, "ready")
            with Client("127.0.0.1", 5950, str(state / "ca.pem"), self.network.system) as client:
                client.login("demo", password)
                # The page of our own that explains the isolation: text on a ground.
                wait_until(lambda: client.refresh() or len(
                    {client.pixel(x, y) for x in range(0, client.width, 5)
                     for y in range(0, client.height, 5)}) > 10, 60, "a page is shown")
            demo.stop(signal.SIGTERM, 60)
        self.assertEqual(len(passwords), 2)
        self.assertFalse(account_exists("demo"))
