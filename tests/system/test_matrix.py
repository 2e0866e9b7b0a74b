# SPDX-License-Identifier: GPL-3.0-or-later
"""The full matrix of the network contract, with real packets.

What is expected is a transcription by hand of the reference document; it shares nothing with the
table in the source. Whatever is not in it must be dropped, and a drop must have been counted.
"""

import os
import pwd
import random
import time
import unittest

from lib_proc import run
from lib_world import PUBLIC, SYSTEM4, SYSTEM6, THROUGH, Group, World

EVERY_HIGH = range(1024, 65536)

# Outgoing. id: who on our side, TCP, UDP. The destination is the host of the same name, but for
# web and webrtc, which go to the Internet.
OUTGOING = {
    "web": ({"cell"}, (80, 443), ()),
    "update": ({"host"}, (22, 443), ()),
    "webrtc": ({"cell"}, (), (80, 443, EVERY_HIGH)),
    "ntp": ({"host"}, (), (123,)),
    "dns": ({"host", "cell"}, (53,), (53,)),
    "mail": ({"cell"}, (25, 110, 995, 143, 993), ()),
    "kerberos": ({"host"}, (88,), (88,)),  # and cells, for single sign-on to a proxy
    "ldap": ({"host"}, (389, 636, 3268, 3269), ()),
    "direct": ({"cell"}, (22,), ()),  # and ports that the site names
    "syslog": ({"host"}, (514, 2514, 3514), (514, 2514, 3514)),  # or what the site chooses
    "rdp": ({"cell"}, (3389, 1494, 80, 443), (1604,)),
}
INTERNET = ("web", "webrtc")

# Incoming. id: from where, TCP, UDP. rdp is missing: the same ports from the same hosts, to a
# service of ours that is switched on, and there is none.
INCOMING = {
    "viewer": ("ws", (5900,), ()),
    "sftp": ("ws", (22,), ()),
    "admin": ("adm", (22,), ()),  # or 222, 2222, 22222 when one is chosen
    "cluster-dns": ("idns", (53,), (53,)),
    "snmp": ("mon", (), (161,)),
    "nrpe": ("mon", (5666,), ()),
}
NOT_OPTIONAL = {"web", "update", "viewer"}
ALL = set(OUTGOING) | set(INCOMING)

PROXY, PROXY6, PROXY_PORT = "10.71.30.10", "fd71:30::10", 3128
DIRECT_PORTS = (2022, 8443)
SYSLOG_PORTS = (6514,)
ADMIN_PORTS = (22, 222, 2222, 22222)
LISTED = (22, 25, 53, 80, 88, 110, 123, 143, 161, 222, 389, 443, 514, 636, 993, 995, 1024, 1494,
          1604, 2022, 2222, 2514, 3128, 3268, 3269, 3389, 3514, 5666, 5900, 6514, 8443, 22222,
          65535)

# Who may on the host, one account of every Debian a path, so that each also stands for one who may
# not use the others; and two who may nothing.
ACCOUNTS = {"update": "_apt", "ntp": "news", "dns": "uucp", "kerberos": "backup", "ldap": "games",
            "syslog": "list"}
NOBODIES = ("nobody", "root")
CELL_UID = 12345


def with_neighbours(ports):
    return {p for port in ports for p in (port - 1, port, port + 1) if 1 <= p <= 65535}


def others(seed):
    """Ten ports that are in no table and beside none."""
    chance = random.Random(seed)
    taken, found = with_neighbours(LISTED) | {67, 68}, set()
    while len(found) < 10:
        port = chance.randint(1, 65535)
        if port not in taken:
            found.add(port)
    return found


def ports_of_path(path):
    """Those of one path, both neighbours of each; for a range its ends."""
    _who, tcp, udp = OUTGOING.get(path) or INCOMING[path]
    ports = set()
    for port in tcp + udp:
        ports |= {port[0], port[-1]} if isinstance(port, range) else {port}
    ports |= set({"admin": ADMIN_PORTS, "direct": DIRECT_PORTS}.get(path, ()))
    return with_neighbours(ports | ({PROXY_PORT} if path in ("web", "update") else set()))


class Site:
    """One configuration: which paths are on, and what the site chose."""

    def __init__(self, name, on, proxy=None, sso=False, admin=None, direct=(), syslog=None,
                 update=None, groups=None, cells=((), ()), blind=False, default_accounts=False,
                 more=()):
        self.name = name
        self.on = set(on)
        self.proxy = proxy  # its address
        self.sso = sso
        self.admin = admin
        self.direct = direct
        self.syslog = syslog
        self.update = update
        self.groups = groups or {}  # path: group
        self.cells = cells  # of each the groups of its user
        self.blind = blind  # cells have no IPv6
        self.default_accounts = default_accounts
        self.more = list(more)  # lines

    def text(self, hosts):
        """As the operator writes it."""
        def both(*names):
            return "{%s}" % ", ".join('"%s"' % a for n in names for a in hosts[n])

        lines = ["zone-workstations = {\"10.71.1.0/24\", \"fd71:1::/64\"}",
                 "zone-administration = {\"10.71.2.0/24\", \"fd71:2::/64\"}",
                 "zone-dns = " + both("idns"),
                 "zone-monitoring = {\"10.71.4.0/28\", \"fd71:4::/64\"}",
                 "viewer-rate = 100000", "admin-rate = 100000", "cell-connections = 1000000"]
        lines += self.more
        if self.blind:
            lines.append("cell-block6 = \"\"")
        if self.proxy:
            lines.append("proxy = \"%s:%d\"" % (
                "[%s]" % self.proxy if ":" in self.proxy else self.proxy, PROXY_PORT))
        if self.admin:
            lines.append("admin-port = \"%d\"" % self.admin)
        for path in sorted(ALL):
            lines.append("path \"%s\" {" % path)
            lines.append("\tenabled = %s" % ("yes" if path in self.on else "no"))
            if path in OUTGOING and path not in INTERNET and not (path == "update" and self.proxy):
                lines.append("\thosts = " + both(path))
            if path in ACCOUNTS and not self.default_accounts:
                lines.append("\taccounts = {\"%s\"}" % ACCOUNTS[path])
            chosen = {"direct": self.direct, "syslog": self.syslog, "update": self.update}
            if chosen.get(path):
                lines.append("\tports = {%s}" % ", ".join('"%d"' % p for p in chosen[path]))
            if path in self.groups:
                lines.append("\tgroups = {\"%s\"}" % self.groups[path])
            if path == "kerberos" and self.sso:
                lines.append("\tsingle-sign-on = true")
            lines.append("}")
        return "\n".join(lines) + "\n"

    # --- what the document says

    def ports_of(self, path):
        _inside, tcp, udp = OUTGOING[path]
        if path == "direct":
            tcp = tcp + tuple(self.direct)
        if path == "syslog" and self.syslog:
            tcp = udp = tuple(self.syslog)
        if path == "update" and self.update:
            tcp = tuple(self.update)
        if self.proxy and path in ("web", "update"):
            tcp = (PROXY_PORT,)
        return {"tcp": tcp, "udp": udp}

    def goes_to(self, path, host, address):
        if self.proxy and path in ("web", "update"):
            return address == self.proxy
        if path in INTERNET:
            return host in PUBLIC
        return host == path

    def may_use(self, path, who, account):
        inside = set(OUTGOING[path][0])
        if path == "kerberos" and self.sso and self.proxy:
            inside.add("cell")
        if who == "host":
            return "host" in inside and account == ("root" if self.default_accounts
                                                    else ACCOUNTS[path])
        return "cell" in inside and self.is_member(path, int(who[4:]))

    def is_member(self, path, cell):
        return path not in self.groups or self.groups[path] in self.cells[cell]

    def paths_of_cells(self):
        """For each cell the paths for some groups that it is of; the daemon's to find out."""
        return [[p for p in self.groups if self.is_member(p, cell)]
                for cell in range(len(self.cells))]

    def open_outwards(self, who, account, host, address, proto, ports):
        """The ports of a host that somebody of ours reaches. `who` is "host" or a cell."""
        wanted = set()
        for path in self.on & set(OUTGOING):
            if self.may_use(path, who, account) and self.goes_to(path, host, address):
                for port in self.ports_of(path)[proto]:
                    wanted |= set(port) if isinstance(port, range) else {port}
        return [p for p in ports if p in wanted]

    def open_inwards(self, host, proto, ports):
        wanted = set()
        for path in self.on & set(INCOMING):
            sender, tcp, udp = INCOMING[path]
            if path == "admin" and self.admin:
                tcp = (self.admin,)
            if host == sender:
                wanted |= set(tcp if proto == "tcp" else udp)
        return [p for p in ports if p in wanted]


class Matrix:
    """The packets of one configuration, in two heaps."""

    def __init__(self, world, site):
        self.world, self.site = world, site
        self.cells = ["cell%d" % slot for slot in range(len(site.cells))]
        self.shut, self.open = [], []

    def add(self, group, open_ports):
        wanted = set(open_ports)
        self.open.append(group.only(open_ports))
        self.shut.append(group.only([p for p in group.ports if p not in wanted]))

    def families(self, hosts):
        for name, addresses in hosts.items():
            for address in addresses:
                yield name, address

    def add_outwards(self, ports, accounts):
        for name, address in self.families(self.world.hosts):
            for proto in ("tcp", "udp"):
                for account in accounts:
                    self.add(Group("system", pwd.getpwnam(account).pw_uid, proto, address, ports,
                                   name, "%s to %s" % (account, name)),
                             self.site.open_outwards("host", account, name, address, proto, ports))
                for cell in self.cells:
                    if ":" in address and self.site.blind:
                        continue
                    self.add(Group(cell, CELL_UID, proto, address, ports, name,
                                   "%s to %s" % (cell, name)),
                             self.site.open_outwards(cell, None, name, address, proto, ports))

    def add_inwards(self, ports):
        for name, _address in self.world.hosts.items():
            for address in (SYSTEM4, SYSTEM6):
                for proto in ("tcp", "udp"):
                    self.add(Group(name, 0, proto, address, ports, "system",
                                   "%s to the system" % name),
                             self.site.open_inwards(name, proto, ports))

    def cell_addresses(self):
        for slot, cell in enumerate(self.cells):
            for address in self.world.cell_address(slot):
                if not (":" in address and self.site.blind):
                    yield cell, address

    def add_shut(self, ports):
        """What no path has: to cells, between cells, from cells to the system, through it."""
        for proto in ("tcp", "udp"):
            for cell, address in self.cell_addresses():
                for name in list(self.world.hosts) + ["system"] + self.cells:
                    if name != cell:
                        self.shut.append(Group(name, 0, proto, address, ports, cell,
                                               "%s to %s" % (name, cell)))
            for cell in self.cells:
                gateway4, gateway6 = self.world.cell_gateway(self.cells.index(cell))
                for address in (SYSTEM4, SYSTEM6, gateway4, gateway6):
                    if not (":" in address and self.site.blind):
                        self.shut.append(Group(cell, CELL_UID, proto, address, ports, "system",
                                               "%s to the system" % cell))
            for name in THROUGH:
                for address in self.world.hosts[name]:
                    # Without IPv6 of cells the kernel forwards none and has nothing to count.
                    if ":" in address and self.site.blind:
                        continue
                    self.shut.append(Group("neigh", 0, proto, address, ports, name,
                                           "neigh to %s through the system" % name))

    def add_unsolicited(self, ports):
        """Datagrams that look like replies of those whom we may ask, and are none."""
        for name, sport in (("ntp", 123), ("dns", 53), ("kerberos", 88), ("syslog", 514),
                            ("rdp", 1604), ("inet", 443), ("inet", 3478), ("idns", 53)):
            for address in (SYSTEM4, SYSTEM6):
                self.shut.append(Group(
                    name, 0, "udp", address,
                    [p for p in ports if not self.site.open_inwards(name, "udp", [p])], "system",
                    "%s unasked to the system" % name, sport=sport))

    def run(self):
        return self.world.shut(self.shut) + self.world.open(self.open)


class MatrixTest(unittest.TestCase):
    """Every test is a configuration, or two, in one world."""

    seconds = 120

    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("LAZARET_SEED") or random.randrange(1 << 32))
        cls.others = others(cls.seed)
        print("result: %s: LAZARET_SEED=%d repeats it" % (cls.__name__, cls.seed))
        cls.world = World(with_neighbours(LISTED) | cls.others | {67, 68})
        cls.addClassCleanup(cls.world.close)
        cls.started = time.monotonic()

    @classmethod
    def tearDownClass(cls):
        print("result: %s: %d cells of the matrix tried in %.1f s; %d differed once only" % (
            cls.__name__, cls.world.tried, time.monotonic() - cls.started, cls.world.noise))

    def load(self, site):
        """Every second cell without its own rules: only the host's are in its way."""
        text = site.text(self.world.hosts)
        if self.world.netd and self.world.cells == len(site.cells) and not site.groups:
            self.world.change_system(text)
        else:
            self.world.start_system(text, site.paths_of_cells())
        for slot in range(1, len(site.cells), 2):
            self.world.disarm("cell%d" % slot)
        return Matrix(self.world, site)

    def fill(self, site, ports, accounts=None):
        if site.default_accounts:
            accounts = ["root", "nobody", "games"]
        accounts = accounts or list(ACCOUNTS.values()) + list(NOBODIES)
        matrix = self.load(site)
        matrix.add_outwards(sorted(ports), accounts)
        matrix.add_inwards(sorted(ports))
        matrix.add_shut(sorted(ports))
        matrix.add_unsolicited(sorted(ports))
        return matrix

    def walk(self, site, ports, accounts=None):
        """The whole matrix of one configuration."""
        matrix = self.fill(site, ports, accounts)
        tried = self.world.tried
        started = time.monotonic()
        differing = matrix.run()
        print("%s: %d cells, %d differ, %.1f s" % (
            site.name, self.world.tried - tried, len(differing), time.monotonic() - started))
        self.assertFalse(differing, "%s (seed %d):\n%s" % (site.name, self.seed,
                                                          "\n".join(differing)))


class Whole(MatrixTest):
    """All ports at once."""

    def walk_all(self, site):
        self.walk(site, with_neighbours(LISTED) | self.others)

    def test_there_is_no_way_out(self):
        self.assertEqual(self.world.ways_out(), [])
        link = self.world.netns("leak")
        self.addCleanup(run, "ip", "link", "delete", link, check=False)
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "leak", "netns",
            self.world.netns("router"))
        self.assertEqual(self.world.ways_out(), [link])

    def test_only_what_is_not_optional(self):
        self.walk_all(Site("only what is not optional", NOT_OPTIONAL, proxy=PROXY))

    def test_everything(self):
        self.walk_all(Site("everything", ALL, admin=2222, direct=DIRECT_PORTS))

    def test_everything_with_proxy(self):
        self.walk_all(Site("everything, a proxy", ALL, proxy=PROXY6, sso=True, admin=222))

    def test_single_sign_on_is_not_the_default(self):
        self.walk_all(Site("a proxy, no single sign-on", ALL, proxy=PROXY))

    def test_chosen_ports(self):
        self.walk_all(Site("chosen ports", ALL, syslog=SYSLOG_PORTS, update=(443,),
                           direct=(2022,), admin=22222))

    def test_default_accounts(self):
        self.walk_all(Site("default accounts", ALL, default_accounts=True))

    def test_cells_without_ipv6(self):
        self.walk_all(Site("cells without IPv6", ALL, blind=True, cells=((), (), ())))
        self.assertEqual(self.world.get("system", "net/ipv6/conf/all/forwarding"), "0")

    def test_groups(self):
        groups = {"mail": "mtx-post", "direct": "mtx-admins", "webrtc": "mtx-meetings",
                  "rdp": "mtx-admins"}
        self.walk_all(Site("paths for groups", ALL, groups=groups,
                           cells=(("mtx-post", "mtx-meetings"), ("mtx-post", "mtx-meetings"),
                                  ("mtx-admins",), ("mtx-admins",), (), ())))


class Switches(MatrixTest):
    """Each path alone, and everything but it."""

    def ports(self, path):
        return ports_of_path(path) | self.others

    def accounts(self, path):
        """Who may use it, who may use another one, who may nothing."""
        return sorted({ACCOUNTS.get(path, "news"), ACCOUNTS["dns"], "nobody"})

    def only(self, path):
        self.walk(Site("%s on" % path, NOT_OPTIONAL | {"dns", path}), self.ports(path),
                  self.accounts(path))

    def all_but(self, path):
        # What needs the path goes with it.
        gone = {path} | ({"webrtc"} if path == "web" else set())
        self.walk(Site("%s off" % path, ALL - gone, proxy=PROXY if path == "dns" else None),
                  self.ports(path), self.accounts(path))


class Beside(MatrixTest):
    """What the tables of the document do not show."""

    ports = (22, 53, 67, 68, 80, 443, 3389, 5900)

    def everything(self, *more):
        self.world.stop_system()
        return self.load(Site("everything", ALL, more=more))

    def test_incoming_rdp_has_no_service(self):
        self.everything()
        before = self.world.drops()
        groups = [Group("rdp", 0, proto, address, ports, "system", "rdp to the system")
                  for address in (SYSTEM4, SYSTEM6)
                  for proto, ports in (("tcp", (3389, 1494, 80, 443)), ("udp", (1604,)))]
        self.assertEqual(self.world.shut(groups), [])
        counter = ("system", "lazaret_host", "drop-in-rdp")
        self.assertEqual(self.world.drops()[counter] - before[counter], 10)

    def test_forged_senders(self):
        """Neither a cell that broke out nor a neighbour is believed to be somebody else."""
        self.everything()
        world = self.world
        groups = []
        for family in (0, 1):
            own = (SYSTEM4, SYSTEM6)[family]
            cells = [world.cell_address(slot)[family] for slot in range(4)]
            gateway = world.cell_gateway(0)[family]
            hosts = [world.hosts[name][family] for name in ("ws", "dns", "neigh", "inet2")]
            for cell, forged in (("cell0", cells[1:]), ("cell1", [cells[0]] + cells[2:])):
                for source in forged + hosts + [own]:
                    for proto, ports in (("tcp", (80, 443)), ("udp", (443, 3478))):
                        groups.append(Group(
                            cell, CELL_UID, proto, world.hosts["inet"][family], ports, "inet",
                            "%s as %s to inet" % (cell, source), source=source))
            for source in cells + [own, gateway]:
                groups.append(Group("neigh", 0, "tcp", own, self.ports, "system",
                                    "neigh as %s to the system" % source, source=source))
        self.assertEqual(world.shut(groups), [])

    def test_other_protocols(self):
        """No path is of another protocol than TCP or UDP, and an echo answers zones only."""
        self.everything()
        world = self.world
        names = {1: "echo", 58: "echo", 33: "DCCP", 47: "GRE", 50: "ESP", 132: "SCTP",
                 136: "UDP-Lite", 253: "an experiment"}
        zones, groups = ("ws", "adm", "idns", "mon"), []
        for number, what in names.items():
            for family in [number == 58] if what == "echo" else [0, 1]:
                def add(place, uid, dest, where):
                    groups.append(Group(place, uid, number, dest, [0], None, "%s from %s to %s" % (
                        what, place, where)))

                for name, addresses in world.hosts.items():
                    add("system", 0, addresses[family], name)
                    for cell in ("cell0", "cell1"):
                        add(cell, CELL_UID, addresses[family], name)
                    if not (what == "echo" and name in zones):
                        add(name, 0, (SYSTEM4, SYSTEM6)[family], "the system")
                    add(name, 0, world.cell_address(0)[family], "cell0")
        self.assertEqual(world.shut(groups), [])

    def dhcp(self, address):
        return [Group("neigh", 0, "udp", SYSTEM4, [68], "system", "DHCP to the system", sport=67),
                Group("system", 0, "udp", address, [67], "neigh", "DHCP of the system", sport=68)]

    def test_dhcp_only_where_the_address_comes_that_way(self):
        address = self.world.hosts["neigh"][0]
        self.everything()
        self.assertEqual(self.world.shut(self.dhcp(address)), [])
        self.everything("host-addressing = automatic")
        self.assertEqual(self.world.open(self.dhcp(address)), [])
        others = [Group("neigh", 0, "udp", SYSTEM4, [67, 53, 22], "system", "DHCP", sport=67),
                  Group("neigh", 0, "udp", SYSTEM4, [68], "system", "no DHCP", sport=68),
                  Group("system", 0, "udp", address, [68, 443], "neigh", "DHCP", sport=68)]
        self.assertEqual(self.world.shut(others), [])


class Holes(MatrixTest):
    """The matrix sees what is wrong, and says where: rules are broken by hand."""

    def differing(self, *rules, ports=(53, 88, 123, 389, 5900)):
        """What the matrix says of a site with everything on and these rules before the others.
        "NETNS CHAIN RULE"; the chain as "TABLE CHAIN"."""
        site = Site("broken by hand", ALL)
        # The same configuration again would change nothing, and leave the last hole.
        self.world.stop_system()
        matrix = self.fill(site, with_neighbours(ports))
        for rule in rules:
            place, words = rule.split(" ", 1)
            run("nft", "insert rule inet " + words, netns=self.world.netns(place))
        return matrix.run()

    def one(self, differing, *parts):
        self.assertEqual(len(differing), 1, differing)
        for part in parts:
            self.assertIn(part, differing[0])

    def test_nothing_is_broken(self):
        self.assertEqual(self.differing(), [])

    def test_a_zone_let_in(self):
        self.one(self.differing("system lazaret_host input ip saddr 10.71.5.10 tcp dport 5900 "
                                "accept"),
                 "OPEN though shut: lan to the system, 193.99.7.2 TCP port 5900")

    def test_an_account_let_out(self):
        uid = pwd.getpwnam("nobody").pw_uid
        self.one(self.differing("system lazaret_host output meta skuid %d ip6 daddr fd71:24::10 "
                                "tcp dport 389 accept" % uid),
                 "OPEN though shut: nobody to ldap, fd71:24::10 TCP port 389")

    def test_a_cell_let_out(self):
        rule = "ip daddr 10.71.23.10 udp dport 88 accept"
        self.one(self.differing("system lazaret_host from-cell " + rule,
                                "system lazaret from-cell " + rule),
                 "OPEN though shut: cell1 to kerberos, 10.71.23.10 UDP port 88",
                 "answered by kerberos")

    def test_a_reply_that_nobody_asked_for(self):
        self.one(self.differing("system lazaret_host input ip saddr 10.71.20.10 udp sport 123 udp "
                                "dport 389 accept"),
                 "OPEN though shut: ntp unasked to the system, 193.99.7.2 UDP port 389 from port "
                 "123")

    def test_a_path_that_is_shut(self):
        self.one(self.differing("cell0 lazaret output ip daddr 10.71.21.10 udp dport 53 counter "
                                "name drop-in drop"),
                 "SHUT though open: cell0 to dns, 10.71.21.10 UDP port 53: no answer; dropped by "
                 "cell0 lazaret/drop-in")

    def test_a_drop_that_nobody_counts(self):
        self.one(self.differing("system lazaret_host input ip6 saddr fd71:4::10 udp dport 122 "
                                "drop"),
                 "NOT DROPPED though shut: mon to the system, 2a0f:99:7::2 UDP port 122")


def _add_switch(path):
    def test(self):
        self.only(path)
        self.all_but(path)

    setattr(Switches, "test_" + path.replace("-", "_"), test)


for _path in sorted(ALL):
    _add_switch(_path)
