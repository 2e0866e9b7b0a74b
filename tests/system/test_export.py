# SPDX-License-Identifier: GPL-3.0-or-later
"""The exports of the network contract for the operator's own packet filter.

nftables and iptables are loaded into a router and walked with real packets; the other formats go through
evaluators that were written from the vendors' manuals. Both walk the same matrix, whose expectation is a
transcription of the reference document by hand (lib_border)."""

import csv
import io
import json
import os
import pathlib
import re
import shutil
import tempfile
import time
import unittest

import eval_tables
from eval_asa import Asa
from eval_common import Unknown
from eval_ios import Ios
from eval_opnsense import Opnsense
from eval_pf import Pf
from eval_srx import Srx
from lib_border import (BY_NAME, MORE_SITES, ROUTER, SITES, SPORTS, SYSTEM, Packet, Site, describe,
                        matrix, reply)
from lib_proc import BUILD, run
from lib_router import RouterWorld, iptables_drops, nft_drops

OWN = [address for pair in ROUTER.values() for address in pair]
EVALUATORS = {
    "cisco-asa": Asa,
    "cisco-ios": Ios,
    "junos-srx": Srx,
    "pf": lambda text: Pf(text, OWN),
    "opnsense-csv": lambda text: Opnsense(text, OWN),
    "markdown": eval_tables.markdown,
    "html": eval_tables.page,
    "json": eval_tables.document,
}
FORMATS = ["nftables", "iptables-save"] + list(EVALUATORS)
CHANGED = 1750000000  # 2025-06-15 15:06:40 UTC
SEED = int(os.environ.get("LAZARET_SEED", "20251204"))


class ExportTest(unittest.TestCase):
    seconds = 120

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-export-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def export(self, format, file, check=True):
        return run(BUILD / "src/ctl/lazaretctl", "firewall", "export", "--for", "operator",
                   "--format", format, file, check=check)

    def export_site(self, format, site):
        file = self.folder / (site.name + ".conf")
        if not file.exists():
            site.write(file)
        return self.export(format, file)


class Evaluated(ExportTest):
    """Formats whose devices are not here."""

    seconds = 240

    def test_matrix(self):
        tried = 0
        for site in SITES + MORE_SITES:
            cells = list(matrix(site, SEED))
            for format, evaluator in EVALUATORS.items():
                with self.subTest(site=site.name, format=format):
                    device = evaluator(self.export_site(format, site))
                    wrong = [describe(packet) + (": shut" if is_open else ": open")
                             for packet, is_open in cells if device.permits(packet) != is_open]
                    self.assertEqual(wrong[:20], [])
                    tried += len(cells)
        print("result: %d cells of the matrix evaluated, seed %d" % (tried, SEED))

    def test_replies(self):
        """The answer to what was let through passes, also of UDP; the same packet unasked does not."""
        tried = 0
        for site in SITES:
            cells = [packet for packet, is_open in matrix(site, SEED) if is_open]
            for format, evaluator in EVALUATORS.items():
                with self.subTest(site=site.name, format=format):
                    device = evaluator(self.export_site(format, site))
                    for packet in cells:
                        states = set()
                        self.assertFalse(device.permits(reply(packet), states),
                                         "unasked: " + describe(reply(packet)))
                        self.assertTrue(device.permits(packet, states), describe(packet))
                        self.assertTrue(device.permits(reply(packet), states),
                                        "answer: " + describe(reply(packet)))
                        other = reply(packet)._replace(dport=SPORTS[1])
                        self.assertFalse(device.permits(other, states), "to another port")
                        tried += 1
        print("result: %d answers evaluated" % tried)

    def test_ios_neighbours(self):
        """An explicit deny at the end must not cut neighbour discovery, nor errors."""
        device = Ios(self.export_site("cisco-ios", SITES[0]))
        for source, target, message in (
                ("fd00:1::2", "fe80::1", "nd-na"), ("fd00:1::2", "ff02::1:ff00:ffff", "nd-ns"),
                ("9.9.1.1", "10.1.1.2", "packet-too-big"), ("10.1.1.2", "9.9.1.1", "unreachable")):
            family = 6 if ":" in source else 4
            arrival = "dmz" if source in ("fd00:1::2", "10.1.1.2") else "inet"
            packet = Packet(family, "icmp", source, 0, target, message, arrival, "srv")
            entries = device.list_of(arrival, family, "in")
            self.assertTrue(device.passes(entries, packet, set()), packet)

    def test_pf_spoofed(self):
        device = Pf(self.export_site("pf", SITES[0]), OWN)
        packet = Packet(4, "tcp", "10.2.0.77", 40000, "10.1.1.2", 5900, "inet", "dmz")
        self.assertTrue(device.permits(packet))
        self.assertFalse(device.permits(packet, spoofed=True))

    def test_pf_leaves_the_router_alone(self):
        """What the router itself sends and gets is other rules' business."""
        device = Pf(self.export_site("pf", SITES[0]), OWN)
        for source, target in (("10.2.0.10", ROUTER["lan"][0]), (ROUTER["inet"][0], "9.9.1.10"),
                               ("fd00:1::2", "ff02::1:ff00:ffff"), ("fe80::2", "fd00:1::ffff")):
            packet = Packet(6 if ":" in source else 4, "tcp", source, 40000, target, 22, "lan", "lan")
            self.assertTrue(device.side(packet, "in", set(), False), packet)


class Breakable(ExportTest):
    """The matrix sees it when a format says something else, and evaluators take nothing unknown."""

    seconds = 240
    # What is changed, of the export of SITES[0], once each.
    CHANGES = {
        "cisco-asa": [
            (r"destination eq 5900\n", "destination eq 5901\n"),
            (r"access-list \S+ extended deny ip \S+ \S+-system-\S+ \S+ \S+not-public\S+ log\n", ""),
            (r"extended deny ip any any log", "extended permit ip any any log"),
            (r"network-object 10\.2\.0\.0 255\.255\.0\.0", "network-object 10.2.0.0 255.255.255.128"),
            (r"network-object host 10\.5\.0\.123", "network-object host 10.5.0.124"),
            (r"service-object udp destination range 1024 65535",
             "service-object udp destination range 1025 65535"),
        ],
        "cisco-ios": [
            (r"eq 5900 ", "eq 5901 "),
            (r" permit udp host \S+ host 10\.5\.\S+ .*\n", ""),
            (r" deny ip host 10\.1\.1\.2 10\.0\.0\.0 0\.255\.255\.255 log\n", ""),
            (r"10\.2\.0\.0 0\.0\.255\.255 host", "10.2.0.0 0.0.0.127 host"),
            (r" deny ip any any log", " permit ip any any log"),
            (r" range 1024 65535 ", " range 1024 65534 "),
        ],
        "junos-srx": [
            (r"destination-port 5900", "destination-port 5901"),
            (r"policy lazaret-no-internet then deny", "policy lazaret-no-internet then permit"),
            (r"policy lazaret-not-public then deny", "policy lazaret-not-public then permit"),
            (r"10\.2\.0\.0/16", "10.2.0.0/25"),
            (r"destination-port 1024-65535", "destination-port 1024-65534"),
            (r"(policy lazaret-snmp match source-address) \S+", r"\1 any"),
        ],
        "pf": [
            (r"port \{ 5900 \}", "port { 5901 }"),
            (r"to ! <lazaret_not_public> port", "to any port"),
            (r"block drop log quick from ! <lazaret_local> to .*\n", ""),
            (r"block drop log quick from <lazaret_workstations> ", "pass quick from "
             "<lazaret_workstations> "),
            (r"1024:65535", "1024:65534"),
            (r"<lazaret_monitoring> to <lazaret_system> port \{ 161", "any to <lazaret_system> port { "
             "161"),
        ],
        "opnsense-csv": [
            (r",0,5900,0", ",0,5901,0"),
            (r",block,1,0,,in,inet,any,10\.2\.0\.0/16", ",pass,1,0,,in,inet,any,10.2.0.0/16"),
            (r",1,keep,(\d+),block,1,0,,in,inet,any,10\.1\.1\.2,0,,10\.0\.0\.0/8",
             r",0,keep,\1,block,1,0,,in,inet,any,10.1.1.2,0,,10.0.0.0/8"),
            (r"1024-65535", "1024-65534"),
            (r"10\.6\.0\.9,0,", "any,0,"),
        ],
        "markdown": [
            (r"\| tcp 5900 \|", "| tcp 5901 |"),
            (r"\| drop \| not-public", "| pass | not-public"),
            (r"\| monitoring \| system \| udp 161", "| anywhere | system | udp 161"),
        ],
        "html": [
            (r"<td>tcp 5900</td>", "<td>tcp 5901</td>"),
            (r"<td>drop</td><td>no-internet", "<td>pass</td><td>no-internet"),
        ],
        "json": [
            (r'"first":5900', '"first":5899'),
            (r'"drop"', '"pass"'),
        ],
    }
    UNKNOWN = {
        "cisco-asa": ["access-list x permit ip any any", "no access-list lazaret", "permit ip any any",
                      " network-object host 1.2.3.4", "! ?"],
        "cisco-ios": ["access-list 100 permit ip any any", " permit ip any any established",
                      " permit tcp any any eq www", "no ip routing", " remark " + 101 * "x"],
        "junos-srx": ["set system services telnet", "activate security", "deactivate groups lazaret",
                      "set groups other security policies global policy x then permit",
                      'set groups lazaret security policies global policy x description "a" "b"'],
        "pf": ["match in all", "pass", "anchor x", "x = y", "pass quick from any to any \\ x",
               'pass quick from any to any label "a" "b"'],
        "opnsense-csv": ["a,b", ",".join(19 * ["1"])],
        "markdown": ["| a | b |\n|---|---|\n| c | d |", "<script>", "| a"],
        "html": ["<script>alert(1)</script>", "<p onclick=x>", "</table>", "<!-- x -->"],
        "json": ["{}", "x"],
    }

    def test_changes_are_seen(self):
        cells = list(matrix(SITES[0], SEED))
        for format, changes in self.CHANGES.items():
            text = self.export_site(format, SITES[0])
            for pattern, instead in changes:
                with self.subTest(format=format, pattern=pattern):
                    changed = re.sub(pattern, instead, text, count=1)
                    self.assertNotEqual(changed, text)
                    device = EVALUATORS[format](changed)
                    self.assertTrue(self.is_otherwise(device, cells), "the matrix does not see it")

    @staticmethod
    def is_otherwise(device, cells):
        try:
            return any(device.permits(packet) != is_open for packet, is_open in cells)
        except Unknown:
            return True

    def test_unknown_is_refused(self):
        for format, lines in self.UNKNOWN.items():
            text = self.export_site(format, SITES[1])
            EVALUATORS[format](text)
            for line in lines:
                with self.subTest(format=format, line=line):
                    with self.assertRaises((Unknown, json.JSONDecodeError)):
                        EVALUATORS[format](text + line + "\n")


class Texts(ExportTest):
    """What stands in the exports besides rules."""

    def test_dialect_and_date(self):
        file = self.folder / "site.conf"
        SITES[0].write(file)
        os.utime(file, (CHANGED, CHANGED))
        for format in FORMATS:
            with self.subTest(format=format):
                text = self.export(format, file)
                self.assertIn("2025-06-15 15:06:40 UTC", text)
                if format != "json":
                    self.assertIn("time of the file", text)
                dialect = {"nftables": "nftables 1.0", "iptables-save": "iptables 1.8",
                           "cisco-asa": "Cisco ASA 9", "cisco-ios": "Cisco IOS 15",
                           "junos-srx": "Junos OS 21", "pf": "OpenBSD 7", "json": "JSON",
                           "opnsense-csv": "OPNsense 25", "markdown": "Markdown", "html": "HTML"}
                self.assertIn(dialect[format], text)
                self.assertIn(str(file), text)

    def test_optional_marks(self):
        """Every rule of an optional path says so, and no other."""
        for format in FORMATS:
            with self.subTest(format=format):
                text = self.export_site(format, SITES[0])
                if format == "json":
                    marks = {f["name"]: f["optional"] for f in json.loads(text)["flows"]}
                elif format in ("markdown", "html"):
                    rows = re.findall(r"(?:\| |<td>)(?:pass|drop)(?: \| |</td><td>)(\S+?)(?: \| |<"
                                      r"/td><td>)(yes|no)\b", text)
                    marks = {name: mark == "yes" for name, mark in rows}
                else:
                    found = re.findall(r"path ([a-z-]+)( \(optional\))?: ", text)
                    marks = {name: bool(mark) for name, mark in found}
                for name in ("ntp", "rdp", "sftp", "admin", "nrpe", "webrtc-internet", "rdp-in"):
                    self.assertIs(marks.pop(name), True, name)
                for name in ("viewer", "update", "web", "web-internet"):
                    self.assertIs(marks.pop(name), False, name)

    def test_off_is_named(self):
        for format in set(FORMATS) - {"opnsense-csv"}:
            with self.subTest(format=format):
                text = self.export_site(format, SITES[3])
                off = json.loads(text)["off"] if format == "json" else text
                for path in ("webrtc", "ntp", "ldap", "rdp", "sftp", "nrpe"):
                    self.assertIn(path, off)

    def test_same_contract_same_text(self):
        """Pasted twice, nothing changes; another contract has other names where that matters."""
        first = self.export_site("cisco-asa", SITES[0])
        again = self.folder / "again.conf"
        SITES[0].write(again)
        names = re.findall(r"object-group network (\S+)", first)
        self.assertEqual(names, re.findall(r"object-group network (\S+)",
                                           self.export("cisco-asa", again)))
        other = re.findall(r"object-group network (\S+)", self.export_site("cisco-asa", SITES[1]))
        self.assertFalse(set(names) & set(other))

    def test_hostile_file_names(self):
        """Nothing of the site's texts gets out of a remark."""
        names = ["a'b\"c.conf", "x\npermit ip any any\n.conf", "x\n-A LAZARET -j ACCEPT\n#.conf",
                 "x\"; } ; accept comment \"\\.conf", "x\\", "x|y|z<script>alert(1)<.conf", "x\r\n?",
                 "\x1b]0;x\x07`id`$(id)${IFS}.conf", "*\\ set x", "=1+1,\"@x\",.conf", "x\u2028y",
                 "200" * 60]
        for format in FORMATS:
            plain = self.code(format, self.export_site(format, SITES[0]))
            for name in names:
                with self.subTest(format=format, name=name):
                    file = self.folder / name
                    SITES[0].write(file)
                    text = self.export(format, file)
                    if format in EVALUATORS:
                        device = EVALUATORS[format](text)
                        self.assertTrue(device.permits(
                            Packet(4, "tcp", "10.2.0.10", 1, "10.1.1.2", 5900, "lan", "dmz")))
                    self.assertEqual(self.code(format, text), plain)

    @staticmethod
    def code(format, text):
        """What is not a remark at the head."""
        if format == "json":
            return json.loads(text)["flows"]
        if format == "opnsense-csv":
            return list(csv.reader(io.StringIO(text)))[2:]
        if format == "html":
            return re.sub(r"<p>Configuration: [^<]*</p>", "", text)
        return [line for line in text.split("\n")
                if not re.match(r"(#|!|-) (Configuration:|Its last change|  )", line)]

    def test_broken_configuration(self):
        file = self.folder / "broken.conf"
        file.write_text('path "ntpp" { enabled = yes }\n', encoding="utf-8")
        for format in FORMATS:
            with self.subTest(format=format):
                said = self.export(format, file, check=False)
                self.assertIn("broken.conf:1: there is no path \"ntpp\"", said)
                self.assertNotIn("lazaret-border", said)

    def test_unknown_format(self):
        said = self.export("cisco-pix", self.folder / "x.conf", check=False)
        self.assertIn('no format "cisco-pix"', said)

    def test_list_of_formats(self):
        said = run(BUILD / "src/ctl/lazaretctl", "firewall", "export", "--format", "help")
        for format in FORMATS:
            self.assertRegex(said, r"--for operator +--format %s " % format)


class Large(ExportTest):
    """10,000 hosts of a path."""

    seconds = 300

    def write_large(self, hosts, ports=""):
        file = self.folder / "large.conf"
        Site("large", on={"dns"}).write(file)
        text = file.read_text(encoding="utf-8").replace('path "mail"', "# ").replace(
            'path "direct"', "# ")
        addresses = ", ".join('"10.%d.%d.%d"' % (128 + n // 16384, n // 128 % 128, n % 128 * 2)
                              for n in range(hosts))
        path = "direct" if ports else "mail"
        file.write_text('%s\npath "%s" { enabled = yes hosts = {%s} %s }\n' %
                        (text, path, addresses, ports), encoding="utf-8")
        return file

    def test_ten_thousand(self):
        file = self.write_large(10000)
        last = "10.128.%d.%d" % (9999 // 128 % 128, 9999 % 128 * 2)
        for format in FORMATS:
            with self.subTest(format=format):
                started = time.monotonic()
                text = self.export(format, file)
                seconds = time.monotonic() - started
                print("result: 10,000 hosts as %s: %d lines, %.1f s" %
                      (format, text.count("\n"), seconds))
                self.assertIn(last, text)
                if format not in EVALUATORS:
                    continue
                device = EVALUATORS[format](text)
                packet = Packet(4, "tcp", "10.1.1.2", 40000, last, 993, "dmz", "srv")
                self.assertTrue(device.permits(packet))
                self.assertFalse(device.permits(packet._replace(dport=994)))
                self.assertFalse(device.permits(packet._replace(dst=last[:-1] + "9")))

    def test_groups_where_there_are_some(self):
        """Rules do not grow with the hosts where the dialect has groups."""
        few = self.write_large(10)
        rules = {"nftables": r"(?m)^\t\t.*comment ", "cisco-asa": r"(?m)^access-list ",
                 "junos-srx": r"(?m)^set groups lazaret security policies ",
                 "pf": r"(?m)^(?:pass|block) "}
        counts = {format: len(re.findall(pattern, self.export(format, few)))
                  for format, pattern in rules.items()}
        many = self.write_large(10000)
        for format, pattern in rules.items():
            self.assertEqual(len(re.findall(pattern, self.export(format, many))), counts[format])

    def test_too_many(self):
        """More than a dialect without groups holds: an error that says so, and no half of it."""
        ports = "ports = {%s}" % ", ".join('"%d"' % (2000 + 2 * n) for n in range(64))
        file = self.write_large(16000, ports)
        for format in ("cisco-ios", "opnsense-csv"):
            with self.subTest(format=format):
                said = self.export(format, file, check=False)
                self.assertIn("do not fit into the format \"%s\"" % format, said)
                self.assertLess(said.count("\n"), 10)
        self.assertIn("10.128.0.0", self.export("pf", file))


class Loaded(ExportTest):
    """nftables and iptables in a router, with real packets."""

    seconds = 240

    def setUp(self):
        super().setUp()
        self.world = RouterWorld()
        self.addCleanup(self.world.close)

    def load(self, format, text):
        if format == "nftables":
            run("nft", "-f", "-", netns=self.world.router, input=text)
            return lambda: nft_drops(self.world)
        for command in ("iptables-restore", "ip6tables-restore"):
            run(command, "--noflush", netns=self.world.router, input=text)
        return lambda: iptables_drops(self.world)

    def unload(self):
        run("nft", "flush", "ruleset", netns=self.world.router)

    def walk(self, site):
        """The whole matrix by each format; another source port for each, so that no connection is
        known from before."""
        for format, sport in zip(("nftables", "iptables-save"), SPORTS):
            drops = self.load(format, self.export_site(format, site))
            cells = {}
            for packet, is_open in matrix(site, SEED, sport):
                cells.setdefault(packet.arrival, {})[packet] = is_open
            wrong = []
            for some in cells.values():
                answered = self.world.try_all(list(some), drops)
                wrong += [describe(packet) + (": shut" if is_open else ": open")
                          for packet, is_open in some.items() if is_open != (packet in answered)]
            self.assertEqual(wrong[:20], [])
            print("result: %d cells of the matrix tried with packets through %s (%s), %d open" %
                  (sum(map(len, cells.values())), format, site.name,
                   sum(sum(some.values()) for some in cells.values())))
            self.unload()

    def test_all(self):
        self.walk(SITES[0])

    def test_none(self):
        self.walk(SITES[1])

    def test_proxy(self):
        self.walk(SITES[2])

    def test_bare(self):
        self.walk(SITES[3])

    def packet(self, source, target, port, proto="tcp", sport=SPORTS[0], family=4):
        source, target = BY_NAME[source], BY_NAME[target]
        return Packet(family, proto, source.v4 if family == 4 else source.v6, sport,
                      target.v4 if family == 4 else target.v6, port, source.zone, target.zone)

    def test_unsolicited(self):
        """A datagram from a host that was asked passes as the answer, and no other one."""
        for format, sport in zip(("nftables", "iptables-save"), SPORTS):
            with self.subTest(format=format):
                drops = self.load(format, self.export_site(format, SITES[0]))
                for family in (4, 6):
                    asked = self.packet("system", "ntp", 123, "udp", sport, family)
                    self.assertEqual(self.world.try_all([asked], drops), {asked})
                    # From the same port of the same host, but to a port that asked nothing.
                    unasked = self.packet("ntp", "system", 33333, "udp", 123, family)
                    self.assertEqual(self.world.try_all([unasked], drops), set())
                self.unload()

    def test_spoofed(self):
        """A workstation's address from the Internet."""
        self.world.add_source("inet", "10.2.0.77", "fd00:2::77")
        self.load("nftables", self.export_site("nftables", SITES[0]))
        for family, source in ((4, "10.2.0.77"), (6, "fd00:2::77")):
            packet = self.packet("workstation", "system", 5900, family=family)
            packet = packet._replace(src=source, arrival="inet")
            answered = self.world.try_all([packet], lambda: nft_drops(self.world, "spoofed"))
            self.assertEqual(answered, set())

    def test_spoofed_iptables(self):
        """What the head of the iptables export says against it does what it says."""
        router = self.world.router
        text = self.export_site("iptables-save", SITES[0])
        drops = self.load("iptables-save", text)
        # The sender learns the router's link addresses: that one asks for them is refused already.
        for family in (4, 6):
            honest = self.packet("web", "system", 5900, family=family)
            self.assertEqual(self.world.try_all([honest], drops), set())
        sysctl = re.search(r"sysctl (net\.ipv4\S+=1)", text)[1]
        run("sysctl", "-qw", sysctl, netns=router)
        run(*re.search(r"ip6tables -t raw .* DROP", text)[0].split(), netns=router)
        self.world.add_source("inet", "10.2.0.77", "fd00:2::77")

        def dropped():
            netstat = run("cat", "/proc/net/netstat", netns=router).splitlines()
            names, values = (line.split() for line in netstat if line.startswith("TcpExt:"))
            raw = run("ip6tables-save", "-c", "-t", "raw", netns=router)
            return (int(values[names.index("IPReversePathFilter")]) +
                    int(re.search(r"\[(\d+):\d+\] -A PREROUTING -m rpfilter", raw)[1]))

        for family, source in ((4, "10.2.0.77"), (6, "fd00:2::77")):
            packet = self.packet("workstation", "system", 5900, family=family)
            packet = packet._replace(src=source, arrival="inet")
            self.assertEqual(self.world.try_all([packet], dropped), set())
            right = self.packet("workstation", "system", 5900, family=family)
            self.assertEqual(self.world.try_all([right], dropped), {right})

    def test_errors_pass(self):
        """An error that belongs to a permitted connection reaches the system."""
        run("nft", "-f", "-", netns=self.world.zones["inet"], input="""
            table inet refusal {
                chain incoming {
                    type filter hook prerouting priority raw;
                    udp dport 4443 notrack
                }
                chain local {
                    type filter hook input priority filter;
                    udp dport 4443 reject with icmpx type port-unreachable
                }
            }""")
        code = ("import socket, sys\n"
                "s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET,"
                " socket.SOCK_DGRAM)\n"
                "s.settimeout(20)\n"
                "s.bind((sys.argv[2], 0))\n"
                "s.connect((sys.argv[1], 4443))\n"
                "s.send(b'x')\n"
                "try:\n    print(s.recv(9))\n"
                "except ConnectionRefusedError:\n    print('refused')\n")
        for format in ("nftables", "iptables-save"):
            self.load(format, self.export_site(format, SITES[0]))
            for source, target in ((SYSTEM.v4, BY_NAME["web"].v4), (SYSTEM.v6, BY_NAME["web"].v6)):
                with self.subTest(format=format, target=target):
                    said = run("python3", "-c", code, target, source,
                               netns=self.world.zones["dmz"])
                    self.assertEqual(said, "refused\n")
            self.unload()

    def test_others_rules_stay(self):
        """Loaded twice, each touches nothing but its own, and replaces its own."""
        run("nft", "-f", "-", netns=self.world.router, input="table inet site { set mine { type "
            "ipv4_addr; elements = { 10.9.9.9 } }\n}\n")
        run("iptables", "-A", "INPUT", "-s", "10.9.9.9", "-j", "ACCEPT", netns=self.world.router)
        for site in (SITES[0], SITES[1], SITES[1]):
            self.load("nftables", self.export_site("nftables", site))
            self.load("iptables-save", self.export_site("iptables-save", site))
        self.assertIn("10.9.9.9", run("nft", "list", "table", "inet", "site",
                                      netns=self.world.router))
        saved = run("iptables-save", "-t", "filter", netns=self.world.router)
        self.assertIn("-A INPUT -s 10.9.9.9/32 -j ACCEPT", saved)
        # SITES[1] has no remote desktops: nothing of the first contract is left.
        self.assertNotIn("3389", saved)
        self.assertNotIn("3389", run("nft", "list", "table", "inet", "lazaret-border",
                                     netns=self.world.router))

    def test_broken_file_changes_nothing(self):
        text = self.export_site("nftables", SITES[0])
        self.load("nftables", text)
        before = run("nft", "list", "table", "inet", "lazaret-border", netns=self.world.router)
        broken = text.replace("goto shut comment \"no-internet\"", "goto nowhere")
        self.assertNotEqual(broken, text)
        run("nft", "-f", "-", netns=self.world.router, input=broken, check=False)
        self.assertEqual(run("nft", "list", "table", "inet", "lazaret-border",
                             netns=self.world.router), before)

    def test_ten_thousand_load(self):
        file = self.folder / "large.conf"
        Site("large", on={"dns"}).write(file)
        addresses = ", ".join('"10.%d.%d.%d"' % (128 + n // 16384, n // 128 % 128, n % 128 * 2)
                              for n in range(10000))
        text = re.sub(r'path "mail".*', 'path "mail" { enabled = yes hosts = {%s} }' % addresses,
                      file.read_text(encoding="utf-8"))
        file.write_text(text, encoding="utf-8")
        for format in ("nftables", "iptables-save"):
            with self.subTest(format=format):
                started = time.monotonic()
                self.load(format, self.export(format, file))
                print("result: 10,000 hosts loaded as %s in %.1f s" %
                      (format, time.monotonic() - started))


if __name__ == "__main__":
    unittest.main()
