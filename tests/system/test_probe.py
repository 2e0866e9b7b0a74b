# SPDX-License-Identifier: GPL-3.0-or-later
"""lazaret-probe from each zone of a site: behind the host's real rules and the rules that the operator's
packet filter gets, it finds what the contract says; and it finds holes that are cut on purpose."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import unittest

from lib_net import Network
from lib_proc import BUILD, TOP, Process, in_netns, run, scaled
from lib_services import IMPOSTOR, Services

CTL = BUILD / "src/ctl/lazaretctl"
PROBE = BUILD / "src/probe/lazaret-probe"
# It needs no privilege.
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
SYSTEM, SYSTEM6 = "192.0.2.2", "2001:db8:2::2"
OUTSIDE, OUTSIDE6 = "203.0.113.10", "2001:db8:1::10"
TARGETS = (OUTSIDE + ":443", OUTSIDE + ":80", OUTSIDE + ":53/udp", "[%s]:443" % OUTSIDE6)
ZONES = ("workstations", "administration", "monitoring", "dns")

# By hand, from the reference document: what is open from where when every optional path is on and
# the admin port is 2222.
OPEN = {
    "workstations": {("viewer", "tcp", 5900), ("sftp", "tcp", 22)},
    "administration": {("admin", "tcp", 2222)},
    "monitoring": {("snmp", "udp", 161), ("nrpe", "tcp", 5666)},
    "dns": {("cluster-dns", "udp", 53), ("cluster-dns", "tcp", 53)},
    "internet": set(),
}
ON = "sftp,admin,snmp,nrpe,cluster-dns"

CONF = """
dns = {"203.0.113.53"}
system-address = {"192.0.2.2", "2001:db8:2::2"}
admin-port = 2222
zone-workstations = {"10.70.0.0/24", "2001:db8:70::/64"}
zone-administration = {"10.71.0.0/24", "2001:db8:71::/64"}
zone-monitoring = {"10.72.0.0/24", "2001:db8:72::/64"}
zone-dns = {"10.73.0.0/24", "2001:db8:73::/64"}
path "update" { hosts = {"203.0.113.10"} }
path "ntp" { enabled = yes hosts = {"203.0.113.10"} }
path "sftp" { enabled = yes }
path "admin" { enabled = yes }
path "snmp" { enabled = yes }
path "nrpe" { enabled = yes }
path "cluster-dns" { enabled = yes }
"""

# The first words of a viewer's conversation, over both families: one security type, VeNCrypt.
VIEWER = """
import socket
s = socket.create_server(("::", 5900), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
print("READY", flush=True)
while True:
    peer, _ = s.accept()
    with peer:
        try:
            peer.settimeout(5)
            peer.send(b"RFB 003.008\\n")
            if peer.recv(12):
                peer.send(b"\\x01\\x13")
        except OSError:
            pass  # who left is of no interest here
"""


class Site(Network):
    """One host in each zone, and a router between them and the system."""

    def _build(self, _workstations):
        self.router = self.add("rt")
        self.system = self.add("sys")
        self.join(self.system, "dmz", SYSTEM, "192.0.2.1", SYSTEM6, "2001:db8:2::1")
        self.zones = {}
        for number, zone in enumerate(ZONES, 70):
            self.zones[zone] = self.add(zone)
            self.join(self.zones[zone], "z%d" % number, "10.%d.0.10" % number,
                      "10.%d.0.1" % number, "2001:db8:%d::10" % number,
                      "2001:db8:%d::1" % number)
        self.zones["internet"] = self.add("inet")
        self.join(self.zones["internet"], "inet", OUTSIDE, "203.0.113.1", OUTSIDE6,
                  "2001:db8:1::1")
        for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            run("sysctl", "-qw", key + "=1", netns=self.router)

    def join(self, netns, link, address, gateway, address6, gateway6):
        self.link(netns, "eth0", self.router, link)
        self.address(netns, "eth0", address + "/24", address6 + "/64")
        self.address(self.router, link, gateway + "/24", gateway6 + "/64")
        run("ip", "-n", netns, "route", "add", "default", "via", gateway)
        run("ip", "-n", netns, "-6", "route", "add", "default", "via", gateway6)


class Zones(unittest.TestCase):
    seconds = 90

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        try:
            cls.site = Site(0)
            cls.stack.callback(cls.site.close)
            folder = cls.stack.enter_context(tempfile.TemporaryDirectory())
            cls.conf = folder + "/site.conf"
            os.symlink(BUILD / "src/net/lazaret-pathprobe", folder + "/lazaret-pathprobe")
            with open(cls.conf, "w", encoding="utf-8") as file:
                file.write(CONF + 'libexec-directory = "%s"\n' % folder)
            cls.services = Services(cls.site.system, SYSTEM, folder + "/services")
            cls.stack.callback(cls.services.stop)
            cls.services.sshd(22)
            cls.services.sshd(2222)
            cls.services.snmpd()
            cls.services.nrpe()
            cls.services.unbound()
            cls.viewer = cls.start(VIEWER, netns=cls.site.system)
            cls.outside = cls.start(IMPOSTOR, OUTSIDE, "tcp/443", "tcp/80", "udp/53",
                                    netns=cls.site.zones["internet"])
            cls.outside6 = cls.start(IMPOSTOR, OUTSIDE6, "tcp/443",
                                     netns=cls.site.zones["internet"])
            cls.services.ready()
            for place, whose in ((cls.site.system, "host"), (cls.site.router, "operator")):
                rules = run(CTL, "firewall", "export", "--for", whose, "--format", "nftables",
                            cls.conf, netns=cls.site.system)
                run("nft", "-f", "-", netns=place, input=rules)
        except BaseException:
            cls.stack.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()

    @classmethod
    def start(cls, program, *arguments, netns):
        process = Process(sys.executable, "-c", program, *arguments, netns=netns)
        cls.stack.callback(process.stop)
        process.wait_line("READY")
        return process

    def probe(self, zone, *more, claimed=None, on=ON, systems=(SYSTEM,)):
        """Exit status and what it says, run where the zone is."""
        arguments = ["--json", "--zone", claimed or zone, "--on", on, "--admin-port", "2222",
                     "--timeout", "1200"]
        for system in systems:
            arguments += ["--system", system]
        for target in TARGETS:
            arguments += ["--internet", target]
        done = subprocess.run(
            in_netns(self.site.zones[zone]) + NOBODY + [str(PROBE)] + arguments + list(more), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=scaled(40), check=False)
        self.assertEqual(done.stderr, "")
        return done.returncode, json.loads(done.stdout)

    @staticmethod
    def wrong(found):
        return {(t["address"], t["protocol"], t["port"]): t for t in found["tried"]
                if not t["agrees"]}

    def cut(self, netns, rule, chains):
        """Cuts a hole: the rule stands first in each of the chains, until the test ends."""
        for table, chain in chains:
            run("nft", "insert", "rule", *table, chain, *rule.split(), netns=netns)
            out = run("nft", "-a", "list", "chain", *table, chain, netns=netns)
            handle = next(line for line in out.splitlines() if "# handle" in line
                          and "chain" not in line).rpartition(" ")[2]
            self.addCleanup(run, "nft", "delete", "rule", *table, chain, "handle", handle,
                            netns=netns)

    @staticmethod
    def base_chains(netns, hook):
        """[((family, table), chain)] at that hook."""
        listed = json.loads(run("nft", "-j", "list", "chains", netns=netns))["nftables"]
        return [((c["chain"]["family"], c["chain"]["table"]), c["chain"]["name"])
                for c in listed if c.get("chain", {}).get("hook") == hook
                and c["chain"]["type"] == "filter"]

    def test_each_zone_agrees(self):
        for zone, wanted in OPEN.items():
            with self.subTest(zone):
                status, found = self.probe(zone)
                self.assertEqual(self.wrong(found), {})
                self.assertEqual({(t["path"], t["protocol"], t["port"]) for t in found["tried"]
                                  if t["found"] == "open"}, wanted)
                self.assertTrue(found["agrees"])
                self.assertEqual(status, 0)
                shut = [t for t in found["tried"] if t["wanted"] == "shut"]
                self.assertGreater(len(shut), 120)
                internet = [t for t in shut if t["internet"]]
                self.assertEqual(len(internet), len(TARGETS) if zone == "workstations" else 0)

    def test_ipv6(self):
        for zone in ("workstations", "internet"):
            with self.subTest(zone):
                status, found = self.probe(zone, on="viewer", systems=(SYSTEM, SYSTEM6))
                self.assertEqual({(t["address"], t["port"]) for t in found["tried"]
                                  if t["found"] == "open" and t["port"] != 22},
                                 {(SYSTEM, 5900), (SYSTEM6, 5900)} if zone == "workstations"
                                 else set())
                # The file transfer is on here, though nobody told the prober.
                self.assertEqual({p for _, _, p in self.wrong(found)},
                                 {22} if zone == "workstations" else set())
                self.assertEqual(status, 1 if zone == "workstations" else 0)

    def test_the_wrong_zone_is_noticed(self):
        status, found = self.probe("workstations", claimed="administration")
        self.assertEqual(status, 1)
        wrong = self.wrong(found)
        self.assertEqual(wrong[SYSTEM, "tcp", 2222]["found"], "filtered")
        self.assertEqual(wrong[SYSTEM, "tcp", 5900]["found"], "open")
        self.assertEqual(wrong[SYSTEM, "tcp", 22]["found"], "open")
        self.assertEqual(len(wrong), 3)

    def test_all_ports(self):
        status, found = self.probe("monitoring", "--all-ports", "--parallel", "4000", "--timeout",
                                   "400")
        self.assertEqual((status, found["open"], found["wrong"]), (0, 2, 0))
        self.assertGreater(found["shut"], 65000)

    def test_a_way_to_the_internet_is_found(self):
        forward = self.base_chains(self.site.router, "forward")
        self.cut(self.site.router, "ip saddr 10.70.0.0/24 ip daddr %s tcp dport { 443, 22 } accept"
                 % OUTSIDE, forward)
        status, found = self.probe("workstations", "--internet", OUTSIDE + ":22")
        self.assertEqual(status, 1)
        wrong = self.wrong(found)
        self.assertEqual({k: t["found"] for k, t in wrong.items()}, {
            (OUTSIDE, "tcp", 443): "open",
            # Nobody listens there: it was reached all the same.
            (OUTSIDE, "tcp", 22): "closed"})
        self.assertIn("past the system", wrong[OUTSIDE, "tcp", 443]["remedy"])

    def test_datagrams_to_the_internet_are_found(self):
        self.cut(self.site.router, "ip saddr 10.70.0.0/24 udp dport 53 accept",
                 self.base_chains(self.site.router, "forward"))
        status, found = self.probe("workstations")
        self.assertEqual(status, 1)
        self.assertEqual(set(self.wrong(found)), {(OUTSIDE, "udp", 53)})

    def test_a_viewer_port_open_to_the_internet_is_found(self):
        for netns, hook in ((self.site.router, "forward"), (self.site.system, "input")):
            self.cut(netns, "tcp dport 5900 accept", self.base_chains(netns, hook))
        status, found = self.probe("internet")
        self.assertEqual(status, 1)
        wrong = self.wrong(found)
        self.assertEqual(set(wrong), {(SYSTEM, "tcp", 5900)})
        self.assertEqual(wrong[SYSTEM, "tcp", 5900]["found"], "open")

    def test_a_closed_port_behind_a_hole_is_found(self):
        for netns, hook in ((self.site.router, "forward"), (self.site.system, "input")):
            self.cut(netns, "tcp dport 3389 accept", self.base_chains(netns, hook))
        status, found = self.probe("workstations")
        self.assertEqual(status, 1)
        self.assertEqual({k: t["found"] for k, t in self.wrong(found).items()},
                         {(SYSTEM, "tcp", 3389): "closed"})

    def test_a_filter_that_rejects_is_no_hole(self):
        self.cut(self.site.router, "ip saddr 10.70.0.0/24 tcp dport 3306 reject with icmp "
                 "port-unreachable", self.base_chains(self.site.router, "forward"))
        status, found = self.probe("workstations")
        self.assertEqual(self.wrong(found), {})
        tried = {(t["protocol"], t["port"]): t for t in found["tried"]}
        self.assertEqual(tried["tcp", 3306]["found"], "rejected")
        self.assertIn("10.70.0.1", tried["tcp", 3306]["note"])
        self.assertEqual(status, 0)

    def test_what_is_missing_is_found(self):
        self.cut(self.site.router, "ip saddr 10.70.0.0/24 tcp dport 5900 drop",
                 self.base_chains(self.site.router, "forward"))
        status, found = self.probe("workstations")
        self.assertEqual(status, 1)
        self.assertEqual({k: t["found"] for k, t in self.wrong(found).items()},
                         {(SYSTEM, "tcp", 5900): "filtered"})

    def test_something_else_on_the_viewer_port(self):
        # The prober is told that the viewer's port is where SSH listens.
        status, found = self.probe("workstations", "--viewer-port", "22", on="viewer")
        wrong = self.wrong(found)
        self.assertEqual(status, 1)
        self.assertEqual(wrong[SYSTEM, "tcp", 22]["found"], "wrong")
        self.assertIn("SSH-2.0", wrong[SYSTEM, "tcp", 22]["note"])

    def test_the_system_itself_behind_its_own_rules(self):
        """lazaretctl paths probe where the host's own filter is in force: what the rules let each
        account do, the probes can do as that account."""
        for path, wanted in (("viewer", {5900}), ("sftp", {22}), ("admin", {2222}),
                             ("snmp", {161}), ("nrpe", {5666}), ("cluster-dns", {53}),
                             ("update", {443}), ("ntp", {123})):
            with self.subTest(path):
                done = subprocess.run(
                    in_netns(self.site.system) + [str(CTL), "paths", "probe", path, "--timeout",
                                                  "1500", "--json", self.conf], text=True,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    timeout=scaled(30), check=False)
                found = {a["port"]: a["verdict"] for a in json.loads(done.stdout)
                         if a["address"] == (OUTSIDE if path in ("update", "ntp") else SYSTEM)}
                reached = {"works"} if path not in ("update", "ntp") else {"wrong", "refused"}
                for port in wanted:
                    self.assertIn(found[port], reached, done.stdout)

    def test_words(self):
        def said(*arguments):
            done = subprocess.run([str(PROBE), *arguments], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
            return done.returncode, done.stdout

        self.assertEqual(said("--help")[0], 0)
        for arguments, word in (((), "--zone"), (("--zone", "moon"), '"moon"'),
                                (("--zone", "dns"), "--system"),
                                (("-z", "dns", "-s", SYSTEM, "--on", "web"), '"web"'),
                                (("-z", "dns", "-s", SYSTEM, "-t", "1"), '"1"'),
                                (("-z", "dns", "-s", "no such host"), "no such host")):
            status, text = said(*arguments)
            self.assertEqual(status, 2, arguments)
            self.assertIn(word, text)

    def test_it_is_built_alone(self):
        """From its own folder and the table of paths, by any C compiler."""
        source = TOP / "src"
        with tempfile.TemporaryDirectory() as folder:
            run("cc", "-D_GNU_SOURCE", "-I", source, "-o", folder + "/probe",
                *sorted((source / "probe").glob("*.c")))
            self.assertIn("usage: lazaret-probe", run(folder + "/probe", "--help"))


if __name__ == "__main__":
    sys.exit(unittest.main())
