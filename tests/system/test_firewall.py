# SPDX-License-Identifier: GPL-3.0-or-later
"""lazaretctl firewall with real packets: what passes and what does not, what survives a change of
rules, who is protected from locking himself out, and what a check sees.

    ws   10.2.0.10  fd00:2::10  ─┐
    adm  10.3.0.10              ─┤ system .1 ── hosts: ntp, mail, a name server … 9.9.9.1-9 (.254: system)
    mon  10.5.0.10              ─┘
"""

import contextlib
import json
import os
import pathlib
import pty
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from lib_net import Network
from lib_proc import BUILD, Process, in_netns, run, scaled, wait_until
from lib_talk import Talker

CTL = BUILD / "src/ctl/lazaretctl"
TABLE = "table inet lazaret_host"
NTP, MAIL, NAMES, LDAP = "9.9.9.1", "9.9.9.2", "9.9.9.3", "9.9.9.4"
HOST = "9.9.9.254"
NOBODY = 65534
GAMES = 5

# Accounts are named: those of the system itself come and go with other tests.
BASE = """
state-directory = "%(state)s"
libexec-directory = "%(libexec)s"
dns = {"9.9.9.3"}
zone-workstations = {"10.2.0.0/24", "fd00:2::/64"}
zone-administration = {"10.3.0.0/24"}
zone-monitoring = {"10.5.0.0/24"}
path "dns" { accounts = {"root"} }
path "update" { hosts = {"9.9.9.9"} accounts = {"root"} }
path "ntp" { enabled = yes hosts = {"9.9.9.1"} accounts = {"nobody"} }
path "ldap" { enabled = yes hosts = {"9.9.9.4"} accounts = {"nobody"} }
"""
ADMIN = 'path "admin" { enabled = yes }\n'


class Site(Network):
    def _build(self, workstations):
        self.system = self.add("sys")
        self.people = {}
        self.outside = self.add("out")
        for name, network, more in (("ws", 2, "fd00:2::"), ("adm", 3, None), ("mon", 5, None)):
            self.people[name] = self.add(name)
            self.link(self.people[name], "lan", self.system, name)
            self.address(self.people[name], "lan", "10.%d.0.10/24" % network,
                         *([more + "10/64"] if more else []))
            self.address(self.system, name, "10.%d.0.1/24" % network,
                         *([more + "1/64"] if more else []))
            run("ip", "-n", self.people[name], "route", "add", "default", "via",
                "10.%d.0.1" % network)
        self.link(self.outside, "dmz", self.system, "dmz")
        self.address(self.system, "dmz", HOST + "/24")
        for last in range(1, 10):
            self.address(self.outside, "dmz", "9.9.9.%d/24" % last)
        run("ip", "-n", self.outside, "route", "add", "default", "via", HOST)


def setUpModule():
    if os.geteuid() != 0:
        raise AssertionError("needs root, for namespaces")


class Firewall(unittest.TestCase):
    seconds = 90

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lzt-firewall-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.state = self.folder / "state"
        self.state.mkdir()
        # As installed: one folder for all programs.
        self.libexec = self.folder / "libexec"
        self.libexec.mkdir(mode=0o755)
        self.folder.chmod(0o755)
        shutil.copy(BUILD / "src/net/lazaret-resolve", self.libexec)
        self.net = Site(0)
        self.addCleanup(self.net.close)

    # --- the command

    def config(self, *more, name="site"):
        path = self.folder / (name + ".conf")
        text = BASE % {"state": self.state, "libexec": self.libexec} + "".join(more)
        path.write_text(text, encoding="utf-8")
        return path

    def ctl(self, *arguments, status=0, env=None, seconds=60):
        done = subprocess.run(
            in_netns(self.net.system) + [str(CTL), "firewall", *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=dict({k: v for k, v in os.environ.items() if k != "SSH_CONNECTION"}, **(env or {})),
            timeout=scaled(seconds), check=False)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def apply(self, *files):
        """Loaded and confirmed."""
        said = self.ctl("apply", *files)
        self.ctl("apply", "--confirm", *files)
        return said

    def nft(self, *arguments):
        return run("nft", *arguments, netns=self.net.system)

    def loaded(self):
        return self.nft("-s", "list", "tables")

    def rules(self):
        """Our table as it is, without what counts by itself."""
        return self.nft("-s", "list", *TABLE.split())

    def dropped(self, counter):
        said = self.nft("list", "counter", "inet", "lazaret_host", counter)
        return int(re.search(r"packets (\d+)", said).group(1))

    def talker(self, name, uid=None):
        netns = {"sys": self.net.system, "out": self.net.outside}.get(name) or self.net.people[name]
        talker = Talker(netns, uid)
        self.addCleanup(talker.close)
        return talker

    def waits(self):
        return (self.state / "firewall/pending").exists()

    # --- packets

    def test_replies_of_udp_pass_and_nothing_unasked(self):
        self.apply(self.config())
        outside, own = self.talker("out"), self.talker("sys", NOBODY)
        outside.udp_echo(123)
        source = own.udp_open(0)
        self.assertEqual(own.udp_send(source, NTP, 123, "what time"), "ok")
        self.assertEqual(own.udp_got(source, scaled(5)), "what time")
        # The same host, not asked: from the same port to another of ours, and the other way round.
        other = own.udp_open(0)
        before = self.dropped("drop-in-other")
        outside.udp_send(123, HOST, other, "unasked")
        wait_until(lambda: self.dropped("drop-in-other") > before, 5, "a drop is counted")
        outside.udp_open(4000)
        outside.udp_send(4000, HOST, source, "unasked")
        wait_until(lambda: self.dropped("drop-in-other") > before + 1, 5, "a drop is counted")
        self.assertIsNone(own.udp_got(other, 0.2))
        self.assertIsNone(own.udp_got(source, 0.2))

    def test_accounts(self):
        self.apply(self.config())
        outside, may, may_not = (self.talker("out"), self.talker("sys", NOBODY),
                                 self.talker("sys", GAMES))
        outside.tcp_listen(389)
        self.assertIsInstance(may.connect(LDAP, 389, scaled(5)), int)
        self.assertEqual(may_not.connect(LDAP, 389, 0.3), "no answer")
        self.assertGreater(self.dropped("drop-out-ldap"), 0)
        # Another host on the same port, and another port of the same host.
        self.assertEqual(may.connect(MAIL, 389, 0.3), "no answer")
        before = self.dropped("drop-out-other")
        self.assertEqual(may.connect(LDAP, 3000, 0.3), "no answer")
        self.assertGreater(self.dropped("drop-out-other"), before)

    def test_zones_and_rates(self):
        self.apply(self.config("viewer-rate = 20\n", ADMIN))
        own, ws, adm = self.talker("sys"), self.talker("ws"), self.talker("adm")
        own.tcp_listen(5900)
        own.tcp_listen(22)
        self.assertIsInstance(ws.connect("10.2.0.1", 5900, scaled(5)), int)
        self.assertIsInstance(ws.connect("fd00:2::1", 5900, scaled(5)), int)
        self.assertEqual(adm.connect("10.3.0.1", 5900, 0.3), "no answer")
        self.assertGreater(self.dropped("drop-in-viewer"), 0)
        self.assertIsInstance(adm.connect("10.3.0.1", 22, scaled(5)), int)
        self.assertEqual(ws.connect("10.2.0.1", 22, 0.3), "no answer")
        # Twenty at once pass, the fortieth does not.
        good = ws.burst("10.2.0.1", 5900, 60, 0.5)
        self.assertTrue(15 <= good <= 25, good)
        self.assertGreater(self.dropped("drop-in-rate-viewer"), 20)

    def test_forged_senders(self):
        self.apply(self.config())
        # A workstation that says it stands in the administration network.
        run("ip", "-n", self.net.people["ws"], "address", "add", "10.3.0.77/32", "dev", "lan")
        run("ip", "-n", self.net.people["ws"], "route", "replace", "default", "via", "10.2.0.1",
            "src", "10.3.0.77")
        run("ip", "-n", self.net.people["ws"], "route", "replace", "10.2.0.0/24", "dev", "lan",
            "src", "10.3.0.77")
        ws = self.talker("ws")
        self.assertEqual(ws.connect("10.2.0.1", 5900, 0.3), "no answer")
        self.assertGreater(self.dropped("drop-spoofed"), 0)

    def test_nothing_is_forwarded(self):
        run("sysctl", "-qw", "net.ipv4.ip_forward=1", netns=self.net.system)
        ws, outside = self.talker("ws"), self.talker("out")
        outside.tcp_listen(80)
        self.assertIsInstance(ws.connect(MAIL, 80, scaled(5)), int)
        self.apply(self.config())
        self.assertEqual(ws.connect(MAIL, 80, 0.3), "no answer")
        self.assertGreater(self.dropped("drop-fwd-other"), 0)

    # --- change of rules

    def test_established_connection_survives(self):
        own, adm = self.talker("sys"), self.talker("adm")
        own.tcp_listen(22)
        before = adm.connect("10.3.0.1", 22, scaled(5))
        self.apply(self.config(ADMIN))
        self.assertEqual(adm.say(before, "from before any rules", scaled(5)),
                         "from before any rules")
        after = adm.connect("10.3.0.1", 22, scaled(5))
        self.assertEqual(adm.say(after, "hello", scaled(5)), "hello")
        self.apply(self.config())
        self.assertEqual(adm.say(after, "still there", scaled(5)), "still there")
        self.assertEqual(adm.connect("10.3.0.1", 22, 0.3), "no answer")

    def test_broken_configuration_keeps_the_old_rules(self):
        self.apply(self.config())
        before = self.rules()
        said = self.ctl("apply", self.config('path "mail" { enabled = yes }\n', name="broken"),
                        status=1)
        self.assertRegex(said, r'broken\.conf:\d+: path "mail" is on but has no hosts')
        self.assertEqual(self.rules(), before)
        self.assertFalse(self.waits())

    def test_what_the_kernel_refuses_changes_nothing(self):
        self.apply(self.config())
        before = self.rules()
        said = run("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", CTL,
                   "firewall", "apply", self.config(ADMIN, name="other"), netns=self.net.system,
                   check=False)
        self.assertIn("the old ones stay", said)
        self.assertEqual(self.rules(), before)
        self.assertFalse(self.waits())

    def test_killed_in_the_middle(self):
        hosts = ", ".join('"8.%d.%d.1"' % (a, b) for a in range(40) for b in range(250))
        many = self.config('path "direct" { enabled = yes hosts = {%s} }\n' % hosts, name="many")
        few = self.config(name="few")
        self.apply(few)
        whole = {self.rules(): "few"}
        self.apply(many)
        whole[self.rules()] = "many"
        self.apply(few)
        seen = set()
        for step in range(12):
            apply = subprocess.Popen(
                in_netns(self.net.system) + [str(CTL), "firewall", "apply", "--within", "1",
                                             str(many)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.02 + 0.04 * step)
            apply.send_signal(signal.SIGKILL)
            apply.wait()
            found = whole.get(self.rules())
            self.assertIsNotNone(found, "neither the old nor the new rules")
            seen.add(found)
            wait_until(lambda: not self.waits(), 5, "the rules of before are back")
            wait_until(lambda: whole.get(self.rules()) == "few", 5, "the old rules")
        self.assertIn("few", seen)

    def test_unconfirmed_goes_back(self):
        self.apply(self.config())
        before = self.rules()
        said = self.ctl("apply", "--within", 2, self.config(ADMIN, name="new"))
        self.assertIn("They go in 2 seconds", said)
        self.assertNotEqual(self.rules(), before)
        self.ctl("apply", self.config(ADMIN, name="third"), status=1)  # one at a time
        wait_until(lambda: self.rules() == before, 10, "the rules of before are back")
        wait_until(lambda: not self.waits(), 5, "nothing waits")
        said = self.ctl("apply", "--confirm", self.config(), status=1)
        self.assertIn("nothing waits", said)
        self.assertEqual(self.rules(), before)

    def test_what_was_interrupted_is_not_confirmed(self):
        self.apply(self.config())
        before = self.rules()
        self.ctl("apply", "--within", 3, self.config(ADMIN, name="new"))
        # As a kill between the start of the watcher and the loading leaves it.
        (self.state / "firewall/loaded").unlink()
        said = self.ctl("apply", "--confirm", self.config(), status=1)
        self.assertIn("interrupted", said)
        wait_until(lambda: self.rules() == before, 10, "the rules of before are back")
        wait_until(lambda: not self.waits(), 5, "nothing waits")
        self.apply(self.config(ADMIN, name="new"))

    def test_first_ever_goes_back_to_nothing(self):
        self.ctl("apply", "--within", 1, self.config())
        self.assertIn(TABLE, self.loaded())
        wait_until(lambda: TABLE not in self.loaded(), 10, "our table is gone")
        self.assertFalse((self.state / "firewall/host.nft").exists())

    def test_confirmed_stays_and_comes_back(self):
        config = self.config()
        self.ctl("apply", "--within", 1, config)
        self.ctl("apply", "--confirm", config)
        rules = self.rules()
        time.sleep(1.5)  # past the time at which it would have gone
        self.assertEqual(self.rules(), rules)
        # The machine starts again; the configuration is broken by then.
        self.nft("delete", *TABLE.split())
        config.write_text("nonsense = yes\n" + config.read_text(encoding="utf-8"),
                          encoding="utf-8")
        broken = config.read_text(encoding="utf-8")
        good = self.config(name="good")
        self.ctl("apply", "--saved", good)
        self.assertEqual(self.rules(), rules)
        self.assertIn("nonsense", broken)
        self.ctl("apply", "--off", good)
        self.assertNotIn(TABLE, self.loaded())
        self.assertIn("none are loaded", self.ctl("apply", "--saved", good))

    def test_at_the_terminal(self):
        config = self.config()
        for answer, stays in (("no", False), ("yes", True)):
            leader, follower = pty.openpty()
            apply = subprocess.Popen(
                in_netns(self.net.system) + [str(CTL), "firewall", "apply", "--within", "2",
                                             str(config)],
                stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            os.close(follower)
            wait_until(lambda: TABLE in self.loaded(), 20, "the rules are loaded")
            os.write(leader, answer.encode() + b"\n")
            said, _ = apply.communicate(timeout=scaled(20))
            os.close(leader)
            self.assertEqual(apply.returncode, 0 if stays else 1, said)
            if stays:
                self.assertIn(TABLE, self.loaded())
            else:
                wait_until(lambda: TABLE not in self.loaded(), 10, "our table is gone")

    def test_own_connection_is_not_cut(self):
        config = self.config(ADMIN)
        for client, server_port, status in (("10.3.0.10", 22, 0), ("10.2.0.10", 22, 1),
                                            ("10.3.0.10", 2222, 1), ("::ffff:10.3.0.10", 22, 0),
                                            ("127.0.0.1", 22, 0)):
            with self.subTest(client=client, port=server_port):
                said = self.ctl("apply", "--within", 1, config, status=status,
                                env={"SSH_CONNECTION": "%s 50000 10.3.0.1 %d" %
                                     (client, server_port)})
                if status:
                    self.assertIn("would cut the SSH connection", said)
                    self.assertNotIn(TABLE, self.loaded())
                wait_until(lambda: not self.waits(), 10, "nothing waits")
                wait_until(lambda: TABLE not in self.loaded(), 10, "our table is gone")
        # sudo takes the variable away; the shell above still has it.
        said = run("sh", "-c", "env -i %s firewall apply --within 1 %s; echo status $?"
                   % (CTL, config), netns=self.net.system,
                   env=dict(os.environ, SSH_CONNECTION="10.2.0.10 50000 10.2.0.1 22"))
        self.assertIn("would cut the SSH connection", said)
        self.assertIn("status 1", said)

    def test_drops_are_in_the_kernels_log(self):
        """With the path whose port it is, or else the zone, in the prefix."""
        # The kernel logs for other namespaces than its first only when it is told to.
        switch = pathlib.Path("/proc/sys/net/netfilter/nf_log_all_netns")
        before = switch.read_text(encoding="ascii")
        self.addCleanup(switch.write_text, before, encoding="ascii")
        switch.write_text("1", encoding="ascii")
        self.apply(self.config(ADMIN))
        workstation, own = self.talker("ws"), self.talker("sys")
        for talker, host, port, prefix in (
                (workstation, "10.2.0.1", 22, "lazaret in sftp: "),
                (workstation, "10.2.0.1", 4444, "lazaret in workstations: "),
                (own, "9.9.9.8", 4445, "lazaret out other: ")):
            with self.subTest(port=port):
                talker.connect(host, port, 1)
                pattern = re.compile("%sIN=.*SRC=[0-9.]+ DST=%s .*DPT=%d " % (
                    re.escape(prefix), re.escape(host), port))
                wait_until(lambda: pattern.search(run("dmesg")), 10,
                           "%r with port %d is in the kernel's log" % (prefix, port))

    def test_through_ssh(self):
        """A person logs in with OpenSSH, loads rules, confirms them and is still there."""
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        for name in ("host", "person"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name)
        sshd = Process("/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", self.folder / "host",
                       "-o", "PidFile=none", "-o", "StrictModes=no", "-o", "UsePAM=no",
                       "-o", "AuthorizedKeysFile=%s" % (self.folder / "person.pub"),
                       "-o", "PermitRootLogin=prohibit-password", netns=self.net.system)
        self.addCleanup(sshd.stop)
        sshd.wait_line("Server listening", 20)
        command = ("sh -c 'echo in; %s firewall apply --within 20 %s; echo status $?; read x; "
                   "echo $x'" % (CTL, self.config(ADMIN)))
        for place, network, stays in (("ws", 2, False), ("adm", 3, True)):
            with self.subTest(place=place):
                person = Process("ssh", "-tt", "-F", "/dev/null", "-i", self.folder / "person",
                                 "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
                                 "-o", "UserKnownHostsFile=/dev/null",
                                 "root@10.%d.0.1" % network, command,
                                 netns=self.net.people[place])
                self.addCleanup(person.stop)
                person.wait_line("in", 30)
                if stays:
                    wait_until(lambda: TABLE in self.loaded(), 20, "the rules are loaded")
                    person.send("yes")
                else:
                    person.wait_line("would cut the SSH connection", 20)
                person.wait_line("status %d" % (0 if stays else 1), 20)
                self.assertEqual(TABLE in self.loaded(), stays)
                # It still carries what is typed, and ends in order.
                person.send("still-here")
                person.wait_line(lambda line: line.strip() == "still-here", 20)
                self.assertEqual(person.wait(20), 0)

    def test_says_what_is_in_the_way(self):
        own = self.talker("sys")
        own.tcp_listen(8080)
        own.udp_open(514)
        self.nft("add table ip filter; add chain ip filter DOCKER; "
                 "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }")
        said = self.ctl("apply", "--within", 1, self.config())
        self.assertRegex(said, r"tcp port 8080 on ::  python3")
        self.assertRegex(said, r"udp port 514 ")
        self.assertNotIn("5900", said)
        self.assertRegex(said, r"table ip filter \(Docker\), looks at forward; drops what")

    # --- check

    def test_drift(self):
        config = self.config()
        self.assertIn("never applied", self.ctl("check", config))
        self.apply(config)
        self.assertIn("as the contract has it", self.ctl("check", config))
        handle = re.search(r'iifname "lo" accept # handle (\d+)',
                           self.nft("-a", "list", "chain", "inet", "lazaret_host", "input"))
        drifts = (
            ("a rule is removed", "delete rule inet lazaret_host input handle " + handle.group(1),
             '- chain input: iifname "lo" accept'),
            ("a rule is added", "add rule inet lazaret_host output tcp dport 25 accept",
             "+ chain output: tcp dport 25 accept"),
            ("a policy is changed", "chain inet lazaret_host forward { policy accept; }",
             "+ chain forward: type filter hook forward priority 0; policy accept;"),
            ("an element is added", "add element inet lazaret_host ntp4 { 1.2.3.4 }",
             "+ set ntp4: 1.2.3.4"),
            ("an element is removed", "delete element inet lazaret_host ldap4 { 9.9.9.4 }",
             "- set ldap4: 9.9.9.4"),
            ("a set is added", "add set inet lazaret_host mine { type ipv4_addr; }",
             "+ set mine"),
        )
        for what, command, expected in drifts:
            with self.subTest(what):
                self.nft(command)
                said = self.ctl("check", config, status=1)
                self.assertIn(expected, said)
                self.assertEqual(len(re.findall(r"^  [-+] ", said, re.M)),
                                 2 if "policy" in what or "set is" in what else 1, said)
                self.apply(config)
        self.nft("delete", *TABLE.split())
        self.assertIn("is gone", self.ctl("check", config, status=1))

    def test_a_foreign_table_is_no_drift(self):
        config = self.config()
        self.apply(config)
        self.nft("add table inet filter; "
                 "add chain inet filter input { type filter hook input priority 0; }")
        said = self.ctl("check", config)
        self.assertIn("table inet filter (unknown), looks at input", said)
        self.assertIn("as the contract has it", said)

    def test_traffic_is_no_drift(self):
        config = self.config()
        self.apply(config)
        own, ws = self.talker("sys"), self.talker("ws")
        own.tcp_listen(5900)
        ws.connect("10.2.0.1", 5900, scaled(5))
        ws.connect("10.2.0.1", 22, 0.2)
        self.assertIn("as the contract has it", self.ctl("check", config))

    def test_show(self):
        self.assertIn("not loaded", self.ctl("show"))
        self.apply(self.config())
        self.assertIn("counter drop-in-other", self.ctl("show"))

    def test_ten_thousand_hosts(self):
        hosts = ", ".join('"8.%d.%d.1"' % (a, b) for a in range(50) for b in range(200))
        config = self.config('path "direct" { enabled = yes hosts = {%s} }\n' % hosts)
        started = time.monotonic()
        self.ctl("apply", "--within", 30, config)
        took = time.monotonic() - started
        print("apply of 10,000 hosts: %.2f s" % took)
        self.assertLess(took, scaled(2))
        self.ctl("apply", "--confirm", config)
        self.assertIn("as the contract has it", self.ctl("check", config))


class Names(Firewall):
    """Hosts that the site names by name."""

    def setUp(self):
        super().setUp()
        self.zone = self.folder / "zone.json"
        self.answers()
        server = Process(sys.executable, "-B", pathlib.Path(__file__).parent / "lib_names.py",
                         NAMES, self.zone, netns=self.net.outside)
        self.addCleanup(server.stop)
        server.wait_line("ready", 20)
        resolv = self.folder / "resolv.conf"
        resolv.write_text("nameserver %s\n" % NAMES, encoding="ascii")
        resolv.chmod(0o644)
        self.resolv = resolv

    def config(self, *more, name="site"):
        # Where the system is not installed, the resolver has no account of its own.
        accounts = ["root", "nobody"]
        with contextlib.suppress(KeyError):
            accounts.append(pwd.getpwnam("lazaret-resolve").pw_name)
        return super().config('path "dns" { accounts = {%s} }\n'
                              % ", ".join('"%s"' % a for a in accounts), *more, name=name)

    def answers(self, **names):
        new = self.zone.with_suffix(".new")
        new.write_text(json.dumps({k.replace("_", ".") + ".example": v for k, v in names.items()}),
                       encoding="ascii")
        new.rename(self.zone)

    def ctl(self, *arguments, status=0, env=None, seconds=60):
        done = subprocess.run(
            in_netns(self.net.system) + [
                "unshare", "--mount", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(self.resolv), str(CTL),
                "firewall", *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=scaled(seconds), check=False)
        self.assertEqual(done.returncode, status, done.stdout)
        return done.stdout

    def elements(self, name):
        said = self.nft("-j", "list", "set", "inet", "lazaret_host", name)
        for item in json.loads(said)["nftables"]:
            if "set" in item:
                return item["set"].get("elem", [])
        return None

    def test_an_address_that_changes(self):
        config = self.config('path "mail" { enabled = yes hosts = {"mx.example"} }\n')
        self.answers(mx=["9.9.9.2", "2620:fe::2"])
        self.apply(config)
        self.assertEqual(self.elements("mail4"), ["9.9.9.2"])
        self.assertEqual(self.elements("mail6"), ["2620:fe::2"])
        self.answers(mx=["9.9.9.5"])
        # A check looks at what was loaded, it does not ask again.
        self.assertIn("as the contract has it", self.ctl("check", config))
        self.apply(config)
        self.assertEqual(self.elements("mail4"), ["9.9.9.5"])
        # IPv6 was there, and is not any more; its set stays, for the next change.
        self.assertEqual(self.elements("mail6"), [])

    def test_a_name_that_fails_keeps_its_addresses(self):
        config = self.config('path "mail" { enabled = yes hosts = {"mx.example"} }\n')
        self.answers(mx=["9.9.9.2"])
        self.apply(config)
        for answers in ({"mx": None}, {}):
            with self.subTest(answers=answers):
                self.answers(**answers)
                said = self.apply(config)
                self.assertIn("mx.example cannot be resolved now; its last addresses stay", said)
                self.assertEqual(self.elements("mail4"), ["9.9.9.2"])

    def test_a_name_that_was_never_there(self):
        config = self.config('path "mail" { enabled = yes hosts = {"mx.example", "9.9.9.7"} }\n')
        said = self.apply(config)
        self.assertIn("mx.example: there is no such name: no rule for it", said)
        self.assertEqual(self.elements("mail4"), ["9.9.9.7"])

    def test_a_thousand_addresses(self):
        config = self.config('path "mail" { enabled = yes hosts = {"mx.example"} }\n')
        self.answers(mx=["8.8.%d.%d" % (n // 250, n % 250) for n in range(0, 2000, 2)])
        self.apply(config)
        self.assertEqual(len(self.elements("mail4")), 1000)

    def test_addresses_that_no_peer_may_have(self):
        config = self.config('path "mail" { enabled = yes hosts = {"mx.example"} }\n')
        # A cell's, the host's (with its neighbour, which together would be one network), loopback.
        self.answers(mx=["100.127.3.4", HOST, "9.9.9.255", "127.0.0.1", "::1", "9.9.9.2"])
        said = self.apply(config)
        self.assertIn("100.127.3.4, which is inside the cells' own block: left out", said)
        self.assertIn("9.9.9.254, which is an address of this host: left out", said)
        self.assertIn("127.0.0.1, which is loopback: left out", said)
        self.assertEqual(self.elements("mail4"), ["9.9.9.2", "9.9.9.255"])

    def test_a_name_of_the_host_opens_nothing_for_cells(self):
        self.answers(time=["9.9.9.6"])
        config = self.config('path "syslog" { enabled = yes hosts = {"time.example"} }\n')
        self.apply(config)
        self.assertEqual(self.elements("syslog4"), ["9.9.9.6"])
        rules = run("nft", "list", "chain", "inet", "lazaret_host", "from-cell",
                    netns=self.net.system)
        self.assertNotIn("@syslog", rules)
        self.assertNotIn("9.9.9.6", self.ctl("export", "--for", "cells", config))

    def test_the_resolver_has_no_privilege(self):
        self.answers(mx=["9.9.9.2"])
        shim = self.libexec / "lazaret-resolve"
        real = self.libexec / "real-resolve"
        shim.rename(real)
        # What it is after it gave up: seen by a name server that answers late.
        shim.write_text("#!/bin/sh\nexec strace -f -o %s/trace -e trace=setresuid,seccomp,capset,"
                        "execve,openat %s\n" % (self.folder, real), encoding="ascii")
        shim.chmod(0o755)
        if not shutil.which("strace"):
            raise AssertionError("strace is missing")
        self.apply(self.config('path "mail" { enabled = yes hosts = {"mx.example"} }\n'))
        trace = (self.folder / "trace").read_text(encoding="ascii", errors="replace")
        uid = re.search(r"setresuid\((\d+), \1, \1\) *= 0", trace)
        self.assertIsNotNone(uid, trace)
        self.assertNotEqual(uid.group(1), "0")
        filtered = trace.index("seccomp(SECCOMP_SET_MODE_FILTER")
        self.assertLess(trace.index("setresuid"), filtered)
        self.assertNotIn("O_WRONLY", trace[filtered:])
        self.assertNotIn("execve", trace[filtered:])


class Cells(Names):
    """A cell whose rules are replaced while it runs, by a real lazaret-netd."""

    def setUp(self):
        super().setUp()
        self.cell = self.net.add("cell")
        # Its name in /run/netns is given to the namespace that netd makes.
        run("umount", "/run/netns/" + self.cell)
        self.netd = None

    def start(self, *more):
        config = self.config('name-refresh = 1\n', *more, name="cells")
        self.netd = Process(
            "unshare", "--mount", "--propagation", "unchanged", "sh", "-c",
            'mount --make-private --bind "$0" /etc/resolv.conf && exec "$@"', self.resolv,
            BUILD / "tests/tools/netd_drive", BUILD / "src/net/lazaret-netd", config,
            netns=self.net.system)
        self.addCleanup(self.netd.stop)
        self.netd.wait_line("started", 20)
        self.say("cell 1 /run/netns/" + self.cell, "cell")
        self.addCleanup(run, "umount", "/run/netns/" + self.cell, check=False)

    def say(self, line, answer):
        mark = self.netd.mark()
        self.netd.send(line)
        return self.netd.wait_line(answer, 30, since=mark)

    def resolve(self):
        self.say("resolve %s" % (self.libexec / "lazaret-resolve"), "resolved")

    def test_rules_of_a_running_cell_are_replaced(self):
        outside = self.talker("out")
        outside.tcp_listen(25)
        mail = 'path "mail" { enabled = yes hosts = {"9.9.9.2"} }\n'
        self.start(mail)
        cell = Talker(self.cell)
        self.addCleanup(cell.close)
        old = cell.connect(MAIL, 25, scaled(5))
        self.assertIsInstance(old, int, old)
        # A configuration that cannot be leaves everything as it is.
        mark = self.netd.mark()
        self.netd.send("config %s" % self.config('path "mail" { enabled = yes }\n', name="wrong"))
        self.assertIn('path "mail" is on but has no hosts',
                      self.netd.wait_line("failed", 20, since=mark))
        self.assertIsInstance(cell.connect(MAIL, 25, scaled(5)), int)
        # Another host: new connections go there only, the one that is there stays.
        self.say("config %s" % self.config(
            'path "mail" { enabled = yes hosts = {"9.9.9.5"} }\n', name="other"), "configured")
        self.assertEqual(cell.say(old, "still there", scaled(5)), "still there")
        self.assertNotIsInstance(cell.connect(MAIL, 25, scaled(2)), int)
        self.assertIsInstance(cell.connect("9.9.9.5", 25, scaled(5)), int)
        # For some groups, of which this one is not, and then is.
        groups = self.config('path "mail" { enabled = yes hosts = {"9.9.9.5"} '
                             'groups = {"games"} }\n', name="groups")
        self.say("config %s" % groups, "configured")
        self.assertNotIsInstance(cell.connect("9.9.9.5", 25, scaled(2)), int)
        self.say("paths 1 mail", "paths")
        wait_until(lambda: isinstance(cell.connect("9.9.9.5", 25, scaled(2)), int), 10,
                   "the cell is of the group now")

    def test_names_in_the_filter_of_the_host(self):
        self.answers(log=["9.9.9.6"])
        syslog = 'path "syslog" { enabled = yes hosts = {"log.example"} }\n'
        self.apply(self.config('name-refresh = 1\n', syslog, name="cells"))
        self.assertEqual(self.elements("syslog4"), ["9.9.9.6"])
        before = self.rules()
        self.start(syslog)
        self.answers(log=["9.9.9.7", "2620:fe::7"])
        self.resolve()
        self.resolve()
        wait_until(lambda: self.elements("syslog4") == ["9.9.9.7"], 10, "the name was followed")
        self.assertEqual(self.elements("syslog6"), ["2620:fe::7"])
        # Nothing else of it was touched, and a check agrees.
        self.answers(log=["9.9.9.6"])
        self.resolve()
        self.resolve()
        wait_until(lambda: self.elements("syslog4") == ["9.9.9.6"], 10, "the name was followed")
        self.assertEqual(self.rules(), before)
        self.assertIn("as the contract has it", self.ctl("check", self.folder / "cells.conf"))

    def test_a_name_whose_address_changes(self):
        outside = self.talker("out")
        outside.tcp_listen(25)
        self.answers()
        self.start('path "mail" { enabled = yes hosts = {"mx.example"} }\n')
        cell = Talker(self.cell)
        self.addCleanup(cell.close)
        self.assertNotIsInstance(cell.connect(MAIL, 25, scaled(2)), int)
        self.answers(mx=["9.9.9.2"])
        self.resolve()
        self.resolve()  # a second later, whatever the first one found
        wait_until(lambda: isinstance(cell.connect(MAIL, 25, scaled(2)), int), 10,
                   "the name opened its address")
        old = cell.connect(MAIL, 25, scaled(5))
        self.answers(mx=["9.9.9.5"])
        self.resolve()
        self.resolve()
        wait_until(lambda: isinstance(cell.connect("9.9.9.5", 25, scaled(2)), int), 10,
                   "the name opened its new address")
        self.assertNotIsInstance(cell.connect(MAIL, 25, scaled(2)), int)
        self.assertEqual(cell.say(old, "still there", scaled(5)), "still there")
        # It points at a cell, at the host, and fails: nothing new, and nothing lost.
        self.answers(mx=["100.127.0.1", HOST])
        self.resolve()
        self.resolve()
        self.assertNotIsInstance(cell.connect(HOST, 25, scaled(1)), int)
        self.answers(mx=["9.9.9.5"])
        self.resolve()
        self.resolve()
        self.answers(mx=None)
        self.resolve()
        self.resolve()
        self.assertIsInstance(cell.connect("9.9.9.5", 25, scaled(5)), int)


# What a class tests is tested once.
for _class in (Names, Cells):
    for _name in [n for n in dir(_class.__base__) if n.startswith("test_")]:
        setattr(_class, _name, None)
del _class, _name
