# SPDX-License-Identifier: GPL-3.0-or-later
"""lazaretctl paths: what it lists and explains; and probe against real servers, each as it should
be, stopped, behind a filter, and with something else on its port."""

import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import lib_net
from lib_proc import BUILD, TOP, Process, in_netns, run, scaled, wait_until
from lib_services import Services
from lib_system import SystemTest

CTL = BUILD / "src/ctl/lazaretctl"
SERVER = "198.51.100.10"
SYSTEM = lib_net.SYSTEM_DMZ

# A transcription of the reference document by hand, never of the source.
REFERENCE = {
    "web": (False, {"tcp/80", "tcp/443"}, {"cell"}),
    "update": (False, {"tcp/22", "tcp/443"}, {"host"}),
    "webrtc": (True, {"udp/80", "udp/443", "udp/1024-65535"}, {"cell"}),
    "ntp": (True, {"udp/123"}, {"host"}),
    "dns": (True, {"udp/53", "tcp/53"}, {"host", "cell"}),
    "mail": (True, {"tcp/25", "tcp/110", "tcp/995", "tcp/143", "tcp/993"}, {"cell"}),
    "kerberos": (True, {"tcp/88", "udp/88"}, {"host"}),
    "ldap": (True, {"tcp/389", "tcp/636", "tcp/3268", "tcp/3269"}, {"host"}),
    "direct": (True, {"tcp/22"}, {"cell"}),
    "syslog": (True, {"tcp/514", "udp/514", "tcp/2514", "udp/2514", "tcp/3514", "udp/3514"},
               {"host"}),
    "rdp": (True, {"tcp/3389", "tcp/1494", "tcp/80", "tcp/443", "udp/1604"}, {"cell"}),
    "viewer": (False, {"tcp/5900"}, {"host"}),
    "sftp": (True, {"tcp/22"}, {"host"}),
    "admin": (True, {"tcp/22"}, {"host"}),
    "cluster-dns": (True, {"udp/53", "tcp/53"}, {"host"}),
    "snmp": (True, {"udp/161"}, {"host"}),
    "nrpe": (True, {"tcp/5666"}, {"host"}),
}

SITE = """
dns = {"198.51.100.53"}
system-address = {"192.0.2.2"}
zone-workstations = {"10.77.0.0/24"}
"""


def ctl(*arguments, netns=None):
    """Exit status, standard output, standard error."""
    done = subprocess.run(in_netns(netns) + [str(CTL)] + [str(a) for a in arguments], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=scaled(60), check=False)
    return done.returncode, done.stdout, done.stderr


class Words(unittest.TestCase):
    """list and explain: the contract in words."""

    def site(self, text=SITE):
        file = tempfile.NamedTemporaryFile("w", suffix=".conf")
        self.addCleanup(file.close)
        file.write(text)
        file.flush()
        os.chmod(file.name, 0o644)
        return file.name

    def test_list_is_the_reference(self):
        status, out, err = ctl("paths", "list", "--all", "--json", self.site())
        self.assertEqual((status, err), (0, ""))
        found = {p["id"]: (p["optional"], set(p["ports"]), set(p["inside"]))
                 for p in json.loads(out)}
        self.assertEqual(found, REFERENCE)

    def test_list_shows_what_is_on(self):
        text = SITE + 'path "ntp" { enabled = yes hosts = {"ntp.test", "198.51.100.1"} }\n' \
            'path "sftp" { enabled = yes }\npath "snmp" { enabled = yes }\n'
        paths = {p["id"]: p for p in json.loads(ctl("paths", "list", "--json",
                                                    self.site(text))[1])}
        self.assertEqual(set(paths), {"web", "update", "dns", "viewer", "ntp", "sftp", "snmp"})
        self.assertEqual(paths["ntp"]["hosts"], ["ntp.test", "198.51.100.1"])
        self.assertEqual(paths["ntp"]["state"], "on")
        self.assertRegex(paths["ntp"]["origin"], r":5$")
        self.assertEqual(paths["snmp"]["state"], "incomplete")
        self.assertIn("zone-monitoring", paths["snmp"]["why"])
        table = ctl("paths", "list", self.site(text))[1]
        self.assertRegex(table, r"(?m)^ntp +on .*ntp\.test, 198\.51\.100\.1 +udp 123 ")
        self.assertRegex(table, r"(?m)^10 more are off")

    def test_proxy(self):
        paths = {p["id"]: p for p in json.loads(ctl(
            "paths", "list", "--json", self.site(SITE + 'proxy = "proxy.test:3128"\n'))[1])}
        self.assertEqual((paths["web"]["ports"], paths["web"]["to"], paths["web"]["state"]),
                         (["tcp/3128"], "proxy proxy.test", "on"))
        # Without a host of its own the updates go the same way; names are resolved by the proxy.
        self.assertEqual(paths["update"]["to"], "proxy proxy.test")
        self.assertNotIn("dns", paths)

    def test_explain(self):
        for name in REFERENCE:
            with self.subTest(name):
                status, out, _ = ctl("paths", "explain", name, self.site())
                self.assertEqual(status, 0)
                for part in ("Who ", "From ", "To ", "Ports ", "Switch ", "Firewall ",
                             "Without it ", "Try it "):
                    self.assertRegex(out, "(?m)^" + part)
        self.assertIn("admin-port", ctl("paths", "explain", "admin", self.site())[1])
        explained = json.loads(ctl("paths", "explain", "ldap", "--json", self.site())[1])
        self.assertEqual(explained["id"], "ldap")
        self.assertIn("nobody of it can log in", explained["breaks"])

    def test_unknown(self):
        for command in ("explain", "probe"):
            status, _, err = ctl("paths", command, "kerberso")
            self.assertEqual(status, 3)
            self.assertIn('did you mean "kerberos"?', err)
        status, _, err = ctl("paths", "list", "--each", self.site())
        self.assertEqual(status, 2)
        self.assertIn('"--each"', err)

    def test_unknown_section_is_an_error_everywhere(self):
        file = self.site(SITE + 'path "kerberso" { enabled = yes }\n')
        for command in ([CTL, "config", "check", file], [CTL, "paths", "list", file],
                        [BUILD / "src/monitor/lazaretd", "--check", "-f", file]):
            done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn('%s:5: there is no path "kerberso"; did you mean "kerberos"?' % file,
                          done.stdout)


class NoDaemon(unittest.TestCase):
    """paths probe where nothing runs and no network is."""

    def setUp(self):
        self.network = lib_net.Network(0)
        self.addCleanup(self.network.close)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # Where the program lies that makes the attempts.
        os.chmod(folder.name, 0o755)
        os.symlink(BUILD / "src/net/lazaret-pathprobe", folder.name + "/lazaret-pathprobe")
        self.conf = folder.name + "/site.conf"
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(SITE + 'libexec-directory = "%s"\n' % folder.name
                       + 'path "webrtc" { enabled = yes }\n'
                       + 'path "mail" { enabled = yes hosts = {"198.51.100.0/28"} }\n'
                       + 'path "ntp" { enabled = yes hosts = {"198.51.100.53"} }\n')

    def probe(self, *arguments):
        return ctl("--socket", "/nonexistent/control", "paths", "probe", "--timeout", "500",
                   *arguments, self.conf, netns=self.network.system)

    def test_what_cannot_be_tried_is_said(self):
        for path, excused, word in (("web", False, "no cell to try from"),
                                    ("update", False, "no hosts yet"),
                                    ("webrtc", True, "--target"),
                                    ("mail", True, "--target")):
            with self.subTest(path):
                status, out, _ = self.probe(path, "--json")
                (attempt,) = json.loads(out)
                self.assertEqual(attempt["verdict"], "untried")
                self.assertIn(word, attempt["detail"])
                self.assertEqual((attempt["in_order"], status), (excused, 0 if excused else 1))

    def test_nothing_there(self):
        status, out, _ = self.probe("ntp", "--json")
        (attempt,) = json.loads(out)
        self.assertEqual((attempt["verdict"], status), ("refused", 1))
        run("ip", "-n", self.network.system, "route", "delete", "default")
        (attempt,) = json.loads(self.probe("ntp", "--json")[1])
        self.assertEqual(attempt["verdict"], "unreachable")

    def test_off_and_not_allowed(self):
        status, out, err = self.probe("nrpe")
        self.assertEqual((status, out), (1, ""))
        self.assertIn('path "nrpe" is off', err)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CTL, "--here", "paths",
             "probe", self.conf], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("root", done.stderr)


# What is tried where: path, from, address, port.
HOST, CELL = "host", "cell"
OUTGOING = {
    ("update", HOST, "tcp/22"), ("update", HOST, "tcp/443"),
    ("ntp", HOST, "udp/123"),
    ("dns", HOST, "udp/53"), ("dns", HOST, "tcp/53"),
    ("dns", CELL, "udp/53"), ("dns", CELL, "tcp/53"),
    ("kerberos", HOST, "tcp/88"), ("kerberos", HOST, "udp/88"),
    ("ldap", HOST, "tcp/389"), ("ldap", HOST, "tcp/636"), ("ldap", HOST, "tcp/3268"),
    ("ldap", HOST, "tcp/3269"),
    ("syslog", HOST, "tcp/514"), ("syslog", HOST, "tcp/2514"), ("syslog", HOST, "tcp/3514"),
    ("mail", CELL, "tcp/25"), ("mail", CELL, "tcp/110"), ("mail", CELL, "tcp/995"),
    ("mail", CELL, "tcp/143"), ("mail", CELL, "tcp/993"),
    ("direct", CELL, "tcp/22"), ("direct", CELL, "tcp/8080"),
    ("rdp", CELL, "tcp/3389"), ("rdp", CELL, "tcp/80"), ("rdp", CELL, "tcp/443"),
    ("web", CELL, "tcp/3128"),
}
# The protocol has no answer, or there is no free server of it: rdp's Citrix ports.
NO_ANSWER = {("syslog", HOST, "udp/%d" % p) for p in (514, 2514, 3514)}
CITRIX = {("rdp", CELL, "tcp/1494"), ("rdp", CELL, "udp/1604")}
INCOMING = {("snmp", HOST, "udp/161"), ("nrpe", HOST, "tcp/5666"), ("admin", HOST, "tcp/2222")}


def control_request(*words):
    """A packet of the control socket. Numbers of messages are their places in the list."""
    ipc = TOP / "src/ipc"
    names = re.findall(r"^M\((\w+),", (ipc / "messages.def").read_text("utf-8"), re.M)
    version = re.search(r"IPC_VERSION (\d+)", (ipc / "message.h").read_text("utf-8")).group(1)
    return struct.pack(">HHII", names.index("CONTROL_REQUEST"), int(version), 2, len(words)) \
        + b"".join(struct.pack(">I", len(w)) + w for w in words)


# Peers that mean no good: whatever is asked, zeros without end, or a letter now and then.
FLOOD = """
import socket, sys, threading
def serve(peer):
    try:
        while True:
            peer.sendall(bytes(4096))
    except OSError:
        peer.close()
def accept(s):
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
for port in sys.argv[2:]:
    s = socket.create_server((sys.argv[1], int(port)), backlog=64)
    threading.Thread(target=accept, args=(s,), daemon=True).start()
print("READY", flush=True)
threading.Event().wait()
"""
DRIP = FLOOD.replace("peer.sendall(bytes(4096))",
                     "peer.sendall(b'2'); threading.Event().wait(0.2)")

# Everything that comes in is dropped, without a word.
SHUT = """table inet probed {
	chain input {
		type filter hook input priority 0; policy drop
		meta l4proto { icmp, ipv6-icmp } accept
		ct state established accept
	}
}
"""


class Probe(SystemTest):
    """paths probe against real servers: those of the Internet's side, tried from the host and from a
    cell, and those of the system itself."""

    users = ("alice",)
    seconds = 120
    options = {"dns": [SERVER], "system-address": [SYSTEM], "admin-port": "2222",
               "zone-workstations": ["10.77.0.0/24"], "zone-administration": ["10.78.0.0/24"],
               "zone-monitoring": ["10.79.0.0/24"], "proxy": SERVER + ":3128"}
    text = "".join('path "%s" { enabled = yes hosts = {"%s"} %s }\n' % (name, SERVER, more)
                   for name, more in (("update", ""), ("ntp", ""), ("dns", ""), ("mail", ""),
                                      ("kerberos", ""), ("ldap", ""), ("syslog", ""),
                                      ("direct", 'ports = {"8080"}'), ("rdp", ""))) \
        + 'path "snmp" { enabled = yes }\npath "nrpe" { enabled = yes }\n' \
        + 'path "admin" { enabled = yes }\n'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            run("ip", "-n", cls.network.internet, "address", "add", SERVER + "/32", "dev", "lo")
            # Each refusal of a datagram is to be told, not one a second.
            for netns in (cls.network.internet, cls.network.system):
                run("sysctl", "-qw", "net.ipv4.icmp_ratelimit=0", netns=netns)
            # Their accounts have to reach it, wherever the tree stands.
            folder = pathlib.Path(tempfile.mkdtemp(prefix="lzt-services-", dir="/var/tmp"))
            folder.chmod(0o755)
            cls.stack.callback(shutil.rmtree, folder, True)
            cls.services = folder
            cls.far = Services(cls.network.internet, SERVER, folder / "far")
            cls.near = Services(cls.network.system, SYSTEM, folder / "near")
            cls.stack.callback(cls.far.stop)
            cls.stack.callback(cls.near.stop)
        except BaseException:
            cls.stack.close()
            raise

    def setUp(self):
        super().setUp()
        self.addCleanup(self.far.stop)
        self.addCleanup(self.near.stop)

    def start_all(self):
        for start in (self.far.chrony, self.far.unbound, self.far.slapd, self.far.kdc,
                      self.far.postfix, self.far.dovecot, self.far.rsyslog, self.far.sshd,
                      self.far.squid, self.far.xrdp, self.near.snmpd, self.near.nrpe):
            start()
        self.far.web(80, 8080, tls=(443,))
        self.near.sshd(2222)
        return self.far.ready() | self.near.ready()

    def probe(self, *arguments, before=()):
        """Exit status and {(path, from, port): attempt}."""
        done = self.run_probe(*arguments, before=before)
        self.assertEqual(done.stderr, "")
        return done.returncode, {
            (a["path"], a["from"], "%s/%d" % (a["protocol"], a["port"])): a
            for a in json.loads(done.stdout)}

    def run_probe(self, *arguments, before=()):
        return subprocess.run(
            in_netns(self.network.system) + list(before) + [str(self.system.state / "lazaretctl"), "--json", "paths", "probe", *arguments, str(self.system.state / "lazaret.conf"),
             str(self.system.state / "own.conf")],
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=scaled(60), check=False)

    def verdicts(self, attempts, wanted, verdict, sentence=None):
        for key in sorted(wanted):
            with self.subTest(key):
                self.assertIn(key, attempts)
                attempt = attempts[key]
                self.assertEqual(attempt["verdict"], verdict, attempt)
                if sentence:
                    self.assertRegex(attempt["sentence"], sentence)

    def only_as(self, *rows):
        """The host lets these ports out for that account only: proof of who opens the socket."""
        text = "table inet onlyas {\n\tchain output {\n" \
            "\t\ttype filter hook output priority 10; policy accept\n"
        for account, port in rows:
            text += "\t\tmeta skuid != %s %s drop\n" % (account, port)
        run("nft", "-f", "-", netns=self.network.system, input=text + "\t}\n}\n")
        self.addCleanup(run, "nft", "delete", "table", "inet", "onlyas",
                        netns=self.network.system)

    def test_names(self):
        """Names are resolved where the path is used: in a cell by the cell's name servers."""
        self.far.unbound()
        self.far.sshd()
        self.far.ready()
        status, attempts = self.probe("direct", "--target", "services.test:22")
        attempt = attempts["direct", CELL, "tcp/22"]
        self.assertEqual((attempt["verdict"], attempt["host"], attempt["address"]),
                         ("works", "services.test", SERVER))
        self.assertEqual(status, 0)
        status, attempts = self.probe("direct", "--target", "nothing.test")
        (attempt,) = attempts.values()
        self.assertEqual((attempt["verdict"], attempt["detail"]),
                         ("unresolved", "there is no such name"))
        self.assertEqual(status, 1)
        # On the host by what resolv.conf(5) there says.
        resolv = self.system.state / "resolv.conf"
        for server, verdict in ((SERVER, "works"), (lib_net.OTHER_WEB, "unresolved")):
            resolv.write_text("nameserver %s\n" % server)
            _, attempts = self.probe(
                "update", "--target", "services.test:22",
                before=["unshare", "-m", "sh", "-c",
                        'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolv)])
            (attempt,) = attempts.values()
            self.assertEqual(attempt["verdict"], verdict, attempt)
        # A port that the path does not have is not tried, and said so.
        done = self.run_probe("direct", "--target", "services.test:23")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("nothing was tried", done.stderr)
        # The contract's own hosts only: the rules of the cell say no.
        _, attempts = self.probe("mail", "--target", lib_net.WEB, "--timeout", "800")
        self.assertEqual({a["verdict"] for a in attempts.values()}, {"filtered"})
        self.assertIn("our own packet filter", attempts["mail", CELL, "tcp/25"]["detail"])
        self.far.stop()

    def test_ipv6(self):
        far = Services(self.network.internet, lib_net.WEB6, self.services / "six")
        self.addCleanup(far.stop)
        far.sshd()
        far.ready()
        for port, verdict in ((22, "works"), (443, "refused")):
            status, attempts = self.probe("update", "--target", "[%s]:%d" % (lib_net.WEB6, port))
            (attempt,) = attempts.values()
            self.assertEqual((attempt["verdict"], attempt["address"], attempt["port"]),
                             (verdict, lib_net.WEB6, port))
            self.assertEqual(status, 0 if verdict == "works" else 1)

    def test_cell_is_lent_to_root_and_given_back(self):
        wait_until(lambda: not self.system.links(), 10, "no cell is there")
        ctl = str(self.system.state / "lazaretctl")
        status = subprocess.run(
            in_netns(self.network.system) + [ctl, "cell", "lend"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False).returncode
        self.assertEqual(status, 0)
        self.system.wait_log("network.lent", since=self.mark)
        wait_until(lambda: not self.system.links(), 10, "the cell's link is gone")
        # Held while the connection is: by a client that speaks the protocol itself.
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(client.close)
        client.connect(self.control())
        client.send(control_request(b"cell", b"lend"))
        _, descriptors, _, _ = socket.recv_fds(client, 65540, 1)
        self.assertEqual(len(descriptors), 1)
        os.close(descriptors[0])
        self.assertEqual(len(self.system.links()), 1)
        client.close()
        wait_until(lambda: not self.system.links(), 10, "the cell's link is gone")
        # Nobody else gets one.
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CTL, "--socket",
             self.control(), "cell", "lend"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual(self.system.links(), [])

    def control(self):
        text = (self.system.state / "lazaretctl").read_text(encoding="utf-8")
        return re.search(r"/run/lazaret-demo-[^\s\"']*control", text).group(0)

    def test_peers_that_go_on_and_on(self):
        """Endless answers and drops of one byte end by the time limit."""
        ports = {port for name, _, port in OUTGOING if port.startswith("tcp/")}
        for program in (FLOOD, DRIP):
            process = Process(sys.executable, "-c", program, SERVER,
                              *sorted(p[4:] for p in ports), netns=self.network.internet)
            self.addCleanup(process.stop)
            process.wait_line("READY")
            started = time.monotonic()
            status, attempts = self.probe("--timeout", "1000")
            self.assertLess(time.monotonic() - started, scaled(20))
            self.assertEqual(status, 1)
            self.verdicts(attempts, {k for k in OUTGOING if k[2].startswith("tcp/")}, "wrong")
            process.stop()

    def test_works_wrong_filtered_refused(self):
        ports = self.start_all()
        self.only_as(("_chrony", "udp dport 123"), ("_apt", "tcp dport { 22, 443 }"),
                     ("root", "tcp dport { 88, 389, 514 }"), ("nobody", "tcp dport 5666"))
        status, attempts = self.probe()
        known = OUTGOING | INCOMING
        self.verdicts(attempts, known, "works")
        self.verdicts(attempts, NO_ANSWER, "sent")
        # Nothing serves Citrix here; beside RDP, which the same host serves, that is in order.
        self.verdicts(attempts, CITRIX, "refused")
        self.assertTrue(all(attempts[k]["in_order"] for k in CITRIX))
        details = {k: a["detail"] for k, a in attempts.items()}
        self.assertIn("SSH-2.0-OpenSSH", details["admin", HOST, "tcp/2222"])
        self.assertIn("stratum 8", details["ntp", HOST, "udp/123"])
        self.assertIn("STARTTLS", details["mail", CELL, "tcp/25"])
        self.assertIn("NRPE v", details["nrpe", HOST, "tcp/5666"])
        # The viewer's port, where the system itself answers, is the only other one.
        self.assertEqual(attempts["viewer", HOST, "tcp/5900"]["verdict"], "works")
        self.assertEqual(set(attempts) - known - NO_ANSWER - CITRIX, {("viewer", HOST, "tcp/5900")})
        self.assertEqual(status, 0)
        # As whom: the service's own account before root, and in a cell nobody.
        self.assertEqual(attempts["ntp", HOST, "udp/123"]["account"], "_chrony")
        self.assertEqual(attempts["mail", CELL, "tcp/25"]["account"], "cell")

        for netns in (self.network.internet, self.network.system):
            run("nft", "-f", "-", netns=netns, input=SHUT)
            self.addCleanup(run, "nft", "delete", "table", "inet", "probed", netns=netns,
                            check=False)
        status, attempts = self.probe("--timeout", "1000")
        self.verdicts(attempts, known | CITRIX, "filtered")
        self.assertEqual(status, 1)
        for netns in (self.network.internet, self.network.system):
            run("nft", "delete", "table", "inet", "probed", netns=netns)

        self.far.stop()
        self.near.stop()
        status, attempts = self.probe()
        self.verdicts(attempts, known | CITRIX | NO_ANSWER, "refused")
        self.assertEqual(status, 1)

        # The same servers, each on the port of others.
        self.far.impostor({p for p in ports if p not in ("udp/161", "tcp/5666", "tcp/2222")}
                          | {"tcp/1494", "udp/1604"})
        self.near.impostor({"udp/161", "tcp/5666", "tcp/2222"})
        status, attempts = self.probe()
        self.verdicts(attempts, known | CITRIX | NO_ANSWER, "wrong", "^answers, but not as ")
        self.assertEqual(attempts["ldap", HOST, "tcp/389"]["sentence"], "answers, but not as LDAP")
        self.assertIn("MOIN", attempts["admin", HOST, "tcp/2222"]["detail"])
        self.assertEqual(status, 1)
        self.far.stop()
        self.near.stop()


if __name__ == "__main__":
    sys.exit(unittest.main())
