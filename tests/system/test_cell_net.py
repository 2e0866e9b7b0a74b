# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves a cell's network, seen with packets: tried from inside by a prober, and by root in
the cell's network for what the cell itself cannot even send. A packet that is not to get out is
counted by a rule of ours that drops it and is seen by nobody outside: time-outs prove nothing."""

import ipaddress
import json
import pathlib
import re
import sys

import lib_net
from lib_cell import CellTest, drops
from lib_proc import TOP, Process, run, wait_until

LISTENER = """
import json, select, socket, sys
port = int(sys.argv[1])
listeners = []
for address in sys.argv[2:]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(family, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((address, port))
        if kind == socket.SOCK_STREAM:
            s.listen()
        listeners.append(s)
print("ready", flush=True)
while True:
    for s in select.select(listeners, [], [])[0]:
        if s.type == socket.SOCK_STREAM:
            who = s.accept()[1]
        else:
            who = s.recvfrom(512)[1]
            s.sendto(b"answer", who)
        print(json.dumps({"from": who[0], "to": s.getsockname()[0]}), flush=True)
"""

# As root in the cell's network: a packet with any sender, which a cell cannot send.
FORGE = """
import errno, socket, sys
sender, target, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
six = ":" in target
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET,
                  socket.SOCK_STREAM if six else socket.SOCK_DGRAM)
if six:
    s.setsockopt(socket.IPPROTO_IPV6, 75, 1)  # IPV6_TRANSPARENT
else:
    s.setsockopt(socket.IPPROTO_IP, 19, 1)  # IP_TRANSPARENT
s.setblocking(False)
s.bind((sender, 0))
name = sys.argv[4].encode()
error = s.connect_ex((target, port))
if not six:
    s.send(b"\\x12\\x34\\x01\\0\\0\\1\\0\\0\\0\\0\\0\\0" + bytes([len(name)]) + name
           + b"\\x04test\\0\\0\\1\\0\\1")
elif error != errno.EINPROGRESS:
    sys.exit("not sent: %d" % error)
"""

# What comes to the Internet's side and is not what a cell may send: the web's ports of the allowed
# networks, and the name server, from the system's own address.
SNIFFER = """
table inet sniff {
	counter strange { }
	counter secure { }
	chain watch {
		type filter hook prerouting priority raw; policy accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit,
			mld2-listener-report } accept
		ip saddr 192.0.2.2 ip daddr { 203.0.113.10, 203.0.113.20 } tcp dport { 80, 443 } accept
		ip6 saddr 2001:db8:2::2 ip6 daddr 2001:db8:1::10 tcp dport 443 counter name secure
		ip6 saddr 2001:db8:2::2 ip6 daddr 2001:db8:1::10 tcp dport { 80, 443 } accept
		ip saddr 192.0.2.2 ip daddr 198.51.100.53 meta l4proto { tcp, udp } th dport 53 accept
		ip saddr 192.0.2.2 ip daddr 198.51.100.53 icmp type destination-unreachable accept
		iifname "dmz" counter name strange
	}
}
"""

# Addresses that the kernel of the cell itself does not send a packet to, and why.
LOCAL = {
    "127.0.0.0/8": "its own loopback", "::1/128": "its own loopback",
    "::/128": "its own loopback", "224.0.0.0/4": "no TCP, and UDP on the link only",
    "ff00::/8": "no TCP, and UDP on the link only",
    "0.0.0.0/8": "its own loopback, or no route", "240.0.0.0/4": "broadcast, or no route",
}
# What such an address is answered with inside: nobody is there, or there is no way.
LOCAL_ERRORS = {101, 111, 113, 22, 13, 1, 99}  # NETUNREACH CONNREFUSED HOSTUNREACH INVAL …

REFUSED = 111
FORGED4 = ["203.0.113.99", "8.8.8.8", "10.1.2.3", "100.127.77.2"]
FORGED6 = ["2001:db8:1::99", "2a00:1450::8", "fd6c:617a:6172:77::2"]


def denied_ranges():
    """The table of what is not public, and by hand what must be in it."""
    text = (TOP / "src/net/denied.def").read_text(encoding="utf-8")
    return re.findall(r'^DENIED[46]\("([^"]+)"', text, re.M)


MUST_BE_DENIED = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 224.0.0.0/4 240.0.0.0/4
::/128 ::1/128 64:ff9b::/96 100::/64 2001:db8::/32 2002::/16 fc00::/7 fe80::/10 ff00::/8
""".split()


def example(text):
    """An address in the middle of a network that nobody in the tests has."""
    network = ipaddress.ip_network(text)
    return str(network[min(network.num_addresses // 2 + 77, network.num_addresses - 1)])


class CellNetwork(CellTest):
    seconds = 120
    forged = 0
    PORT = 4711  # of listeners that somebody might run on the host

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            # What the system sends out by its default route comes to the Internet's side.
            run("nft", "-f", "-", netns=cls.network.internet, input=SNIFFER)
            cls.enter("alice", 0)
            cls.enter("bob", 1)
            cls.alice4, cls.alice6, cls.gateway4, cls.gateway6 = cls.addresses("alice")
            cls.bob4, cls.bob6, cls.bob_gateway4, cls.bob_gateway6 = cls.addresses("bob")
        except BaseException:
            cls.stack.close()
            raise

    # --- means

    def listener(self, netns, port, *addresses):
        listener = Process(sys.executable, "-c", LISTENER, port, *addresses, netns=netns)
        self.addCleanup(listener.stop)
        listener.wait_line("ready")
        return listener

    def knock(self, netns, address, port, listener):
        """Somebody who may reaches it: so it would be reached, were it not for the rules."""
        mark = listener.mark()
        run(sys.executable, "-c", "import socket, sys\n"
            "socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)", address, port,
            netns=netns)
        listener.wait_line('"to": "%s"' % address, 5, mark)

    def dropped(self, user="alice"):
        """Packets that rules have refused, in the cell's network and in the host's."""
        inside = drops(self.in_cell_network(user, "nft", "-j", "list", "ruleset"))
        return inside, drops(run("nft", "-j", "list", "ruleset", netns=self.network.system))

    def seen_outside(self, name="strange"):
        listing = json.loads(run("nft", "-j", "list", "counters", "table", "inet", "sniff",
                                 netns=self.network.internet))
        return {item["counter"]["name"]: item["counter"]["packets"]
                for item in listing["nftables"] if "counter" in item}[name]

    def try_out(self, port, *hosts, user="alice", kind="tcp", ms=400):
        """The results by host: 0 when it was reached, or the error's number."""
        words = ("connect", port, ms) if kind == "tcp" else ("udp", port, ms, "-")
        answers = self.ask(user, *words, *hosts)
        return {a["what"].split()[1]: (0 if a["result"] == "open" else a["errno"])
                for a in answers if "result" in a}

    def refused(self, port, *hosts, kind="tcp", user="alice", listener=None):
        """None of them is reached or answers, our rules have counted a packet to each, and
        nothing came out."""
        before, seen = sum(self.dropped(user)), self.seen_outside()
        mark = listener.mark() if listener else 0
        results = self.try_out(port, *hosts, user=user, kind=kind)
        counted = sum(self.dropped(user)) - before
        wrong = ["%s %s %d: answered (%d)" % (kind, host, port, result)
                 for host, result in results.items() if result in (0, REFUSED)]
        self.assertEqual(set(results), set(hosts))
        if counted < len(hosts):
            wrong.append("%s %d: rules have counted %d packets to %s"
                         % (kind, port, counted, hosts))
        if self.seen_outside() != seen:
            wrong.append("%s %d: one of %s seen outside" % (kind, port, hosts))
        if listener and listener.mark() != mark:
            wrong.append("%s %d: one of %s came" % (kind, port, hosts))
        self.assertFalse(wrong, "\n".join([""] + wrong))

    # --- the host

    def test_services_of_the_host(self):
        """Listeners on every address of the host, and on its loopback."""
        addresses = [self.gateway4, self.gateway6, lib_net.SYSTEM_LAN, lib_net.SYSTEM_DMZ,
                     "2001:db8:2::2"]
        for port in (self.PORT, 80):
            listener = self.listener(self.network.system, port, *addresses, "127.0.0.1", "::1")
            for address in addresses + ["127.0.0.1", "::1"]:
                self.knock(self.network.system, address, port, listener)
            for kind in ("tcp", "udp"):
                self.refused(port, *addresses, kind=kind, listener=listener)
            # In the cell's own loopback nobody listens; nothing comes to the host's.
            mark = listener.mark()
            result = self.try_out(port, "127.0.0.1", "::1", "127.9.9.9")
            self.assertEqual(set(result.values()), {REFUSED})
            self.assertEqual(listener.mark(), mark)

    def test_ports_of_the_gateway(self):
        """Every port of the other side of the cell's link: no connection, no reset."""
        listener = self.listener(self.network.system, 777, self.gateway4, self.gateway6)
        self.knock(self.network.system, self.gateway4, 777, listener)
        link = self.link("alice")
        host_side = next(l for l in json.loads(run("ip", "-j", "address",
                                                   netns=self.network.system))
                         if any(a.get("local") == self.gateway4 for a in l["addr_info"]))
        local6 = next(a["local"] for a in host_side["addr_info"] if a["scope"] == "link")
        mark = listener.mark()
        for host in (self.gateway4, self.gateway6, "%s%%%s" % (local6, link)):
            before = self.dropped()
            answers = self.ask("alice", "scan", host, 1, 1024, 3000)
            self.assertEqual([a for a in answers if "result" in a], [], host)
            scanned = next(a["value"] for a in answers if a["what"] == "scanned").split()
            self.assertEqual(int(scanned[0]), 1024)
            self.assertGreaterEqual(sum(self.dropped()) - sum(before), 1024, host)
            for port in (5900, 111, 53):
                self.refused(port, host, listener=listener)
            self.refused(53, host, kind="udp", listener=listener)
        self.assertEqual(listener.mark(), mark)

    # --- other cells

    def test_another_cell(self):
        """Bob's cell listens; Alice's does not reach it, nor any other port of his."""
        for port, bob in ((8080, self.bob4), (8080, self.bob6)):
            order = self.order("bob", "listen", bob, port)
            self.addCleanup(order.close)
            self.assertEqual(order.wait("listen")["result"], "open")
            # From its own side of the link it can be reached: it listens.
            reached = self.try_out(port, bob, user="bob")
            self.assertEqual(reached, {bob: 0})
            order.wait("came")
            came = len(order.answers)
            self.refused(port, bob)
            for other in (80, 443):
                self.refused(other, bob)
                self.refused(other, bob, kind="udp")
            self.assertEqual(len(order.answers), came)
        for gateway in (self.bob_gateway4, self.bob_gateway6):
            self.refused(80, gateway)
            self.refused(53, gateway, kind="udp")

    # --- the world

    def test_web_is_open_where_it_is_allowed(self):
        result = self.try_out(80, lib_net.WEB, lib_net.OTHER_WEB, lib_net.WEB6, ms=5000)
        self.assertEqual(set(result.values()), {0}, result)
        # Port 443 gets through, and it is the web server that has nobody there.
        result = self.try_out(443, lib_net.WEB, lib_net.WEB6, ms=5000)
        self.assertEqual(set(result.values()), {REFUSED}, result)

    def test_other_ports_and_protocols_are_closed(self):
        listener = self.listener(self.network.internet, 8080, lib_net.WEB, lib_net.WEB6)
        self.knock(self.network.system, lib_net.WEB, 8080, listener)
        self.refused(8080, lib_net.WEB, lib_net.WEB6, listener=listener)
        for port in (21, 22, 25, 53, 81, 444, 853, 5900, 65535):
            self.refused(port, lib_net.WEB, lib_net.WEB6)
        for port in (53, 67, 80, 123, 443, 3478, 5353, 8080):
            self.refused(port, lib_net.WEB, lib_net.WEB6, kind="udp", listener=listener)

    def test_name_servers(self):
        """The configured one answers, on port 53 only; another name server is not reached."""
        self.assertEqual(self.try_out(53, lib_net.NAME_SERVER, kind="udp", ms=5000),
                         {lib_net.NAME_SERVER: 0})
        self.assertEqual(self.try_out(53, lib_net.NAME_SERVER, ms=5000), {lib_net.NAME_SERVER: 0})
        other = self.listener(self.network.internet, 53, lib_net.OTHER_WEB)
        self.knock(self.network.system, lib_net.OTHER_WEB, 53, other)
        self.refused(53, lib_net.OTHER_WEB, kind="udp", listener=other)
        self.refused(53, lib_net.OTHER_WEB, listener=other)
        for port in (80, 443, 853, 5353):
            self.refused(port, lib_net.NAME_SERVER)
            self.refused(port, lib_net.NAME_SERVER, kind="udp")

    def test_what_is_not_public(self):
        """Every range of the table, and metadata services of clouds by name."""
        ranges = denied_ranges()
        self.assertEqual(set(MUST_BE_DENIED) - set(ranges), set())
        away = []
        for text in ranges:
            network = ipaddress.ip_network(text)
            if network.overlaps(ipaddress.ip_network(lib_net.WEB)) if network.version == 4 else \
                    text == "::ffff:0:0/96":
                continue  # allowed here; IPv4 in other clothes, see below
            host = example(text) + ("%" + self.link("alice") if text == "fe80::/10" else "")
            if text in LOCAL:
                self.stays_inside(host)
            else:
                away.append(host)
        self.assertGreater(len(away), 14)
        for kind, port in (("tcp", 80), ("tcp", 443), ("udp", 443), ("udp", 53)):
            self.refused(port, *away, kind=kind)
        self.refused(80, "169.254.169.254", "fd00:ec2::254", "10.0.0.1", "172.31.255.255",
                     "192.168.1.1", "100.100.100.200", "::ffff:10.1.2.3",
                     "::ffff:169.254.169.254", "::ffff:" + self.gateway4)

    def stays_inside(self, host):
        seen = self.seen_outside()
        for kind, port in (("tcp", 80), ("tcp", 443), ("udp", 443)):
            before = self.dropped()
            result = self.try_out(port, host, kind=kind)[host]
            if result not in LOCAL_ERRORS:
                self.assertGreater(sum(self.dropped()), sum(before),
                                   "%s %s: %d" % (kind, host, result))
            self.assertNotEqual(result, 0, host)
        self.assertEqual(self.seen_outside(), seen, host)

    def test_networks_of_the_site(self):
        """Workstations and whatever else is on the host's own links."""
        workstation = self.listener(self.network.workstations[0], 80, "10.77.0.10")
        self.knock(self.network.system, "10.77.0.10", 80, workstation)
        self.refused(80, "10.77.0.10", listener=workstation)
        self.refused(80, lib_net.ROUTER_DMZ, "2001:db8:2::1")

    # --- forged senders, forwarding

    def forge(self, sender):
        """Asks the name server, or the web server on IPv6, for what a cell may ask them. The name
        in the question, by which it would be known."""
        type(self).forged += 1
        name = "forged%d" % self.forged
        target, port = ((lib_net.WEB6, 443) if ":" in sender else (lib_net.NAME_SERVER, 53))
        self.in_cell_network("alice", sys.executable, "-c", FORGE, sender, target, port, name)
        return name + ".test"

    def test_forged_senders(self):
        """The cell cannot send with a sender that is not its own; if it could, the host drops it:
        for a name server, which is open, and without the cell's own rules."""
        for sender, target in ((self.bob4, lib_net.NAME_SERVER), ("203.0.113.99",
                                                                  lib_net.NAME_SERVER)):
            answers = self.ask("alice", "udp", 53, 500, sender, target)
            self.assertEqual([a["result"] for a in answers if "result" in a], ["denied"])
        # The means by which it is tried from now on works: with the right sender it gets through.
        self.names.wait("query", 10, name=self.forge(self.alice4))
        seen = self.seen_outside("secure")
        self.forge(self.alice6)
        wait_until(lambda: self.seen_outside("secure") > seen, 10, "it got out over IPv6")
        self.assertEqual(self.forwarded_with_senders(), [])
        with self.without_rules_inside("alice"):
            self.assertEqual(self.forwarded_with_senders(), [])
            # The kernel's own check looks at IPv4 before our rules do; without it they must hold.
            self.set_rp_filter(0)
            try:
                before = self.dropped()[1]
                self.assertEqual(self.forwarded_with_senders(), [])
                self.assertGreaterEqual(self.dropped()[1] - before, len(FORGED4) + len(FORGED6))
            finally:
                self.set_rp_filter(1)

    def set_rp_filter(self, value):
        link = next(l["ifname"] for l in json.loads(run("ip", "-j", "address",
                                                        netns=self.network.system))
                    if any(a.get("local") == self.gateway4 for a in l["addr_info"]))
        for place in ("all", link):
            run("tee", "/proc/sys/net/ipv4/conf/%s/rp_filter" % place, netns=self.network.system,
                input=str(value))

    def forwarded_with_senders(self):
        """The senders with which something got out; Bob's address and others of the host, the
        Internet and the site among them."""
        wrong = []
        for sender in FORGED4 + FORGED6 + [self.bob4, self.bob6, self.gateway4,
                                           lib_net.SYSTEM_DMZ, "2001:db8:2::2"]:
            seen = self.seen_outside(), self.seen_outside("secure")
            name = self.forge(sender)
            asked = [e["name"] for e in self.names.events("query")]
            if (self.seen_outside(), self.seen_outside("secure")) != seen or name in asked:
                wrong.append(sender)
        return wrong

    def without_rules_inside(self, user):
        """For a while the cell's own rules are gone: what holds then is the host's doing."""
        test = self

        class Without:
            def __enter__(self):
                self.rules = test.in_cell_network(user, "nft", "list", "ruleset")
                test.in_cell_network(user, "nft", "flush", "ruleset")

            def __exit__(self, *_):
                run("nsenter", "--net=/proc/%d/ns/net" % test.inside(user).pid, "--", "nft", "-f",
                    "-", input=self.rules)

        return Without()

    def test_the_host_alone_would_do(self):
        """The cell's own rules are the first of two: without them everything is shut as well."""
        listener = self.listener(self.network.system, self.PORT, self.gateway4, self.gateway6,
                                 lib_net.SYSTEM_DMZ)
        order = self.order("bob", "listen", self.bob4, 80)
        self.addCleanup(order.close)
        order.wait("listen")
        with self.without_rules_inside("alice"):
            self.refused(self.PORT, self.gateway4, self.gateway6, lib_net.SYSTEM_DMZ,
                         listener=listener)
            self.refused(80, self.bob4, self.bob6, "10.1.2.3", "169.254.169.254", "192.168.1.1",
                         "172.16.5.5", "100.64.3.3", "198.18.0.5", "fd00:ec2::254",
                         "64:ff9b::808:808", "10.77.0.10", lib_net.ROUTER_DMZ)
            self.refused(8080, lib_net.WEB, lib_net.WEB6)
            self.refused(443, lib_net.WEB, lib_net.WEB6, kind="udp")
            self.refused(53, lib_net.OTHER_WEB, kind="udp")
            result = self.try_out(80, lib_net.WEB, lib_net.WEB6, ms=5000)
            self.assertEqual(set(result.values()), {0}, result)
        result = self.try_out(80, lib_net.WEB, lib_net.WEB6, ms=5000)
        self.assertEqual(set(result.values()), {0}, result)

    def test_nobody_comes_in(self):
        """From outside, from a workstation and from the host, to a port on which a cell listens."""
        self.network.route_back("100.127.0.0/16")
        self.network.route_back("fd6c:617a:6172::/48")
        run("ip", "-n", self.network.workstations[0], "route", "add", "100.127.0.0/16", "via",
            lib_net.SYSTEM_LAN)
        for address in (self.alice4, self.alice6):
            order = self.order("alice", "listen", address, 8888)
            self.addCleanup(order.close)
            self.assertEqual(order.wait("listen")["result"], "open")
            for netns in (self.network.internet, self.network.workstations[0],
                          self.network.system):
                if ":" in address and netns == self.network.workstations[0]:
                    continue  # the workstations have no IPv6
                before = self.dropped()
                out = run(sys.executable, "-c", "import socket, sys\n"
                          "try:\n socket.create_connection((sys.argv[1], 8888), 0.7)\n"
                          " print('open')\nexcept OSError as e:\n print(e)", address, netns=netns)
                self.assertNotIn("open", out)
                self.assertNotIn("refused", out)
                self.assertGreater(sum(self.dropped()), sum(before), (netns, out))
            self.assertEqual([a for a in order.answers if a["what"] == "came"], [])

    def test_host_forwards_for_nobody_else(self):
        """A host that was no router is none for workstations, now that cells are forwarded."""
        run("ip", "-n", self.network.workstations[0], "route", "add", "203.0.113.0/24", "via",
            lib_net.SYSTEM_LAN)
        run("ip", "-n", self.network.internet, "route", "add", "10.77.0.0/24", "via",
            lib_net.SYSTEM_DMZ)
        before, seen = self.dropped()[1], self.seen_outside()
        run(sys.executable, "-c", "import socket\ns = socket.socket()\ns.settimeout(0.7)\n"
            "print(s.connect_ex(('%s', 80)))" % lib_net.WEB, netns=self.network.workstations[0])
        self.assertGreater(self.dropped()[1], before)
        self.assertEqual(self.seen_outside(), seen)

    def test_the_cell_cannot_change_it(self):
        """Its links and rules belong to the host, whatever the cell makes itself root of."""
        self.assertTrue(pathlib.Path("/proc/%d/ns/net" % self.inside("alice").pid).exists())
        rules = self.in_cell_network("alice", "nft", "list", "ruleset")
        answers = self.ask("alice", "network")
        found = {a["what"]: a["result"] for a in answers if "result" in a}
        self.assertGreater(len(found), 6)
        self.assertEqual(set(found.values()), {"denied"}, found)
        after = self.in_cell_network("alice", "nft", "list", "ruleset")
        strip = re.compile(r"packets \d+ bytes \d+")
        self.assertEqual(strip.sub("", rules), strip.sub("", after))
