# SPDX-License-Identifier: GPL-3.0-or-later
"""A site around the system, and what its packet filter must do, transcribed by hand from the
reference document of the network paths: not from the program's own table.

A cell of the matrix is one first packet from one host to a port of another one; it is open or shut.
"""

import collections
import pathlib
import random

# Where a host stands, and its addresses. `public`: part of the Internet.
Host = collections.namedtuple("Host", "name zone v4 v6 public")
Packet = collections.namedtuple("Packet", "family proto src sport dst dport arrival leaving")

SYSTEM = Host("system", "dmz", "10.1.1.2", "fd00:1::2", False)
HOSTS = [
    SYSTEM,
    Host("neighbour", "dmz", "10.1.1.7", "fd00:1::7", False),
    Host("workstation", "lan", "10.2.0.10", "fd00:2::10", False),
    Host("workstation2", "lan", "10.2.0.200", "fd00:2::200", False),
    Host("administrator", "adm", "10.3.0.5", "fd00:3::5", False),
    Host("internal-dns", "idns", "10.4.0.53", "fd00:4::53", False),
    Host("not-dns", "idns", "10.4.0.54", "fd00:4::54", False),
    Host("monitor", "mon", "10.6.0.9", "fd00:6::9", False),
    Host("not-monitor", "mon", "10.6.0.10", "fd00:6::10", False),
    Host("ntp", "srv", "10.5.0.123", "fd00:5::123", False),
    Host("dns", "srv", "10.5.0.53", "fd00:5::53", False),
    Host("mail", "srv", "10.5.0.25", "fd00:5::25", False),
    Host("kerberos", "srv", "10.5.0.88", "fd00:5::88", False),
    Host("ldap", "srv", "10.5.0.38", "fd00:5::38", False),
    Host("direct", "srv", "10.5.0.22", "fd00:5::22", False),
    Host("syslog", "srv", "10.5.0.51", "fd00:5::51", False),
    Host("rdp", "srv", "10.5.0.89", "fd00:5::89", False),
    Host("intranet", "srv", "10.5.0.80", "fd00:5::80", False),
    Host("proxy", "srv", "10.5.0.31", "fd00:5::31", False),
    Host("unnamed", "srv", "10.5.0.200", "fd00:5::200", False),
    Host("web", "inet", "9.9.1.10", "2620:fe:1::10", True),
    Host("web2", "inet", "9.9.2.20", "2620:fe:2::20", True),
    Host("update", "inet", "9.9.3.22", "2620:fe:3::22", True),
    Host("foreign", "foreign", "172.20.0.7", "fd00:20::7", False),
]
BY_NAME = {host.name: host for host in HOSTS}
# One of each kind that has nothing to do with the system, for what passes by it.
BYSTANDERS = ["neighbour", "workstation", "administrator", "internal-dns", "monitor", "unnamed",
              "web", "foreign"]
# The networks of the zones, and the addresses of the packet filter itself in them.
ZONES = {
    "dmz": ("10.1.1.0/24", "fd00:1::/64"),
    "lan": ("10.2.0.0/24", "fd00:2::/64"),
    "adm": ("10.3.0.0/24", "fd00:3::/64"),
    "idns": ("10.4.0.0/24", "fd00:4::/64"),
    "mon": ("10.6.0.0/24", "fd00:6::/64"),
    "srv": ("10.5.0.0/24", "fd00:5::/64"),
    "inet": ("9.9.0.0/16", "2620:fe::/32"),
    "foreign": ("172.20.0.0/24", "fd00:20::/64"),
}
ROUTER = {
    "dmz": ("10.1.1.254", "fd00:1::ffff"),
    "lan": ("10.2.0.254", "fd00:2::ffff"),
    "adm": ("10.3.0.254", "fd00:3::ffff"),
    "idns": ("10.4.0.254", "fd00:4::ffff"),
    "mon": ("10.6.0.254", "fd00:6::ffff"),
    "srv": ("10.5.0.254", "fd00:5::ffff"),
    "inet": ("9.9.255.254", "2620:fe::ffff"),
    "foreign": ("172.20.0.254", "fd00:20::ffff"),
}

# --- the reference document -------------------------------------------------------------------------

# Outgoing: who is reached, on which ports.
OUTGOING = {
    "ntp": ("ntp", [("udp", 123, 123)]),
    "dns": ("dns", [("tcp", 53, 53), ("udp", 53, 53)]),
    "mail": ("mail", [("tcp", 25, 25), ("tcp", 110, 110), ("tcp", 995, 995), ("tcp", 143, 143),
                      ("tcp", 993, 993)]),
    "kerberos": ("kerberos", [("tcp", 88, 88), ("udp", 88, 88)]),
    "ldap": ("ldap", [("tcp", 389, 389), ("tcp", 636, 636), ("tcp", 3268, 3268),
                      ("tcp", 3269, 3269)]),
    "direct": ("direct", [("tcp", 22, 22)]),
    "syslog": ("syslog", [(proto, port, port) for proto in ("tcp", "udp")
                          for port in (514, 2514, 3514)]),
    "rdp": ("rdp", [("tcp", 3389, 3389), ("tcp", 1494, 1494), ("tcp", 80, 80), ("tcp", 443, 443),
                    ("udp", 1604, 1604)]),
}
WEB = [("tcp", 80, 80), ("tcp", 443, 443)]
WEBRTC = [("udp", 80, 80), ("udp", 443, 443), ("udp", 1024, 65535)]
UPDATE = [("tcp", 22, 22), ("tcp", 443, 443)]
# Incoming: from whom, on which ports; rdp has no service and is shut.
INCOMING = {
    "viewer": (["workstation", "workstation2"], [("tcp", 5900, 5900)]),
    "sftp": (["workstation", "workstation2"], [("tcp", 22, 22)]),
    "admin": (["administrator"], None),
    "cluster-dns": (["internal-dns"], [("udp", 53, 53), ("tcp", 53, 53)]),
    "snmp": (["monitor"], [("udp", 161, 161)]),
    "nrpe": (["monitor"], [("tcp", 5666, 5666)]),
}
OPTIONAL = {"webrtc", "ntp", "dns", "mail", "kerberos", "ldap", "direct", "syslog", "rdp", "sftp",
            "admin", "cluster-dns", "snmp", "nrpe"}
# Ports that the document names anywhere.
PORTS = [22, 25, 53, 80, 88, 110, 123, 143, 161, 222, 389, 443, 514, 636, 993, 995, 1024, 1494, 1604,
         2222, 2514, 3268, 3269, 3389, 3514, 5666, 5900, 22222, 65535]


class Site:
    """A configuration, and what it means."""

    def __init__(self, name, on=(), proxy=False, admin_port=22, direct=(), syslog=None, public=False,
                 families=(4, 6)):
        self.name = name
        self.on = set(on)
        self.proxy = proxy
        self.admin_port = admin_port
        self.direct = list(direct)  # further ports of that path
        self.syslog = syslog  # its ports instead of the document's
        self.public = public  # the administrators sit at public addresses, where web2 is
        self.families = families  # of the system's addresses

    def write(self, file):
        """The configuration as a file."""
        def addresses(*names):
            return ", ".join('"%s", "%s"' % (BY_NAME[n].v4, BY_NAME[n].v6) for n in names)

        lines = [
            "system-address = {%s}" % ", ".join('"%s"' % (SYSTEM.v4 if family == 4 else SYSTEM.v6)
                                                for family in self.families),
            'zone-workstations = {"10.2.0.0/16", "fd00:2::/64"}',
            'zone-administration = {"10.3.0.0/24", "fd00:3::/64"%s}' % (
                ', "9.9.2.0/24", "2620:fe:2::/48"' if self.public else ""),
            "zone-dns = {%s}" % addresses("internal-dns"),
            "zone-monitoring = {%s}" % addresses("monitor"),
            "admin-port = %d" % self.admin_port,
        ]
        if self.proxy:
            lines.append('proxy = "%s:3128"' % BY_NAME["proxy"].v4)
        else:
            lines += ["cell-allow = {%s}" % addresses("intranet")]
        if "update-hosts" in self.on or not self.proxy:
            lines.append('path "update" { hosts = {%s} }' % addresses("update"))
        for path in sorted(OPTIONAL):
            words = ["enabled = " + ("yes" if path in self.on else "no")]
            if path in OUTGOING:
                words.append("hosts = {%s}" % addresses(OUTGOING[path][0]))
            if path == "direct" and self.direct:
                words.append("ports = {%s}" % ", ".join('"%d-%d"' % r for r in self.direct))
            if path == "syslog" and self.syslog:
                words.append("ports = {%s}" % ", ".join('"%d"' % p for p in self.syslog))
            lines.append('path "%s" { %s }' % (path, " ".join(words)))
        pathlib.Path(file).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def outgoing(self, host):
        """The ports on which the system reaches a host."""
        ranges = []
        public = host.public and not (self.public and host.name == "web2")
        if self.proxy:
            if host.name == "proxy":
                ranges += [("tcp", 3128, 3128)]
        elif public or host.name == "intranet":
            ranges += WEB
        if public and "webrtc" in self.on:
            ranges += WEBRTC
        if host.name == "update" and ("update-hosts" in self.on or not self.proxy):
            ranges += UPDATE
        for path, (name, ports) in OUTGOING.items():
            if path not in self.on or host.name != name:
                continue
            if path == "syslog" and self.syslog:
                ports = [(proto, p, p) for proto in ("tcp", "udp") for p in self.syslog]
            ranges += ports
            if path == "direct":
                ranges += [("tcp", first, last) for first, last in self.direct]
        return ranges

    def incoming(self, host):
        """The ports on which a host reaches the system."""
        ranges = []
        for path, (names, ports) in INCOMING.items():
            if self.public and path == "admin":
                names = names + ["web2"]
            if host.name in names and (path == "viewer" or path in self.on):
                ranges += ports or [("tcp", self.admin_port, self.admin_port)]
        return ranges

    def is_open(self, family, proto, source, target, port):
        if family not in self.families:
            return False
        if source is SYSTEM:
            ranges = self.outgoing(target)
            if self.proxy and target.name == "proxy" and family == 6:
                return False  # the proxy is named by its IPv4 address
        elif target is SYSTEM:
            ranges = self.incoming(source)
        else:
            return False
        return any(p == proto and first <= port <= last for p, first, last in ranges)


# Everything on, nothing (but names, which the web needs), a mixture with a proxy, nothing at all.
SITES = [
    Site("all", on=OPTIONAL),
    Site("none", on={"dns"}),
    Site("proxy", on={"ntp", "admin", "syslog", "direct", "update-hosts", "kerberos", "snmp"},
         proxy=True, admin_port=2222, direct=[(8000, 8010), (8443, 8443)], syslog=[6514, 7000]),
    Site("bare", on=(), proxy=True, admin_port=222),
]
# Each optional path alone, and what is odd; for the evaluators, to which a packet costs nothing.
MORE_SITES = [Site("only-" + path, on={path, "dns"}) for path in sorted(OPTIONAL - {"dns"})] + [
    Site("public-zone", on={"dns", "admin", "webrtc"}, admin_port=22222, public=True),
    Site("ipv4", on=OPTIONAL, families=(4,)),
    Site("ipv6", on=OPTIONAL, families=(6,)),
]


def ports_to_try(site, seed):
    """The document's ports, the site's, the neighbours of each, ten others."""
    own = list(PORTS) + [site.admin_port, 3128]
    for first, last in site.direct:
        own += [first, last]
    own += site.syslog or []
    near = {p + d for p in own for d in (-1, 0, 1)} & set(range(1, 65536))
    rest = [p for p in range(1, 65536) if p not in near and p not in SPORTS]
    return sorted(near | set(random.Random(seed).sample(rest, 10)))


SPORTS = (40000, 40001)  # of first packets; never a target


def matrix(site, seed, sport=SPORTS[0]):
    """Every cell as (Packet, open)."""
    every = ports_to_try(site, seed)
    own = sorted(set(PORTS) | {site.admin_port, 3128})
    for source in HOSTS:
        for target in HOSTS:
            if source.zone == target.zone:
                continue
            if source is SYSTEM or target is SYSTEM:
                ports = every
            elif source.name in BYSTANDERS and target.name in BYSTANDERS:
                ports = own
            else:
                continue
            for family in (4, 6):
                src, dst = ((source.v4, target.v4) if family == 4 else (source.v6, target.v6))
                for proto in ("tcp", "udp"):
                    for port in ports:
                        yield (Packet(family, proto, src, sport, dst, port, source.zone,
                                      target.zone),
                               site.is_open(family, proto, source, target, port))


def reply(packet):
    return packet._replace(src=packet.dst, sport=packet.dport, dst=packet.src, dport=packet.sport,
                           arrival=packet.leaving, leaving=packet.arrival)


def describe(packet):
    return "IPv%d %s %s -> %s port %d" % (packet.family, packet.proto, packet.src, packet.dst,
                                          packet.dport)

