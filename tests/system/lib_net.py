# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of its own for a test: the system, workstations and a sham Internet, each a network
namespace. Names begin with lzt and the process id of the test, so that what a killed test left
behind can be told from what another one uses.

    workstation ws0 10.77.0.10 ─┐
    workstation ws1 10.77.0.11 ─┤ lan ── 10.77.0.1 sys 192.0.2.2 ── 192.0.2.1 inet
    …                           ┘            (IPv6: 2001:db8:2::2)    203.0.113.10  web
                                                                      203.0.113.20  another web
                                                                      198.51.100.53 name server
                                                                      2001:db8:1::10 web

All addresses are of documentation and private networks, and there is no way out of it.
"""

import itertools
import os
import pathlib
import re

from lib_proc import run

WEB = "203.0.113.10"
OTHER_WEB = "203.0.113.20"
WEB6 = "2001:db8:1::10"
NAME_SERVER = "198.51.100.53"
SYSTEM_LAN = "10.77.0.1"
SYSTEM_DMZ = "192.0.2.2"
ROUTER_DMZ = "192.0.2.1"
ALLOW = "203.0.113.0/24,2001:db8:1::/64"

_count = itertools.count()


def sweep():
    """Removes namespaces and links of tests whose process is gone."""
    folder = pathlib.Path("/run/netns")
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    for name in names:
        match = re.fullmatch(r"lzt(\d+)[a-z].*", name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            run("ip", "netns", "delete", name, check=False)
    for name in os.listdir("/sys/class/net"):
        match = re.fullmatch(r"lzt(\d+)[a-z].*", name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            run("ip", "link", "delete", name, check=False)


class Network:
    """The network above. `close()` removes it all."""

    def __init__(self, workstations=2):
        sweep()
        self.prefix = "lzt%d%s" % (os.getpid(), chr(ord("a") + next(_count) % 26))
        self.names = []
        try:
            self._build(workstations)
        except BaseException:
            self.close()
            raise

    def _build(self, workstations):
        self.system = self.add("sys")
        self.internet = self.add("inet")
        self.lan = self.add("lan")
        run("ip", "-n", self.lan, "link", "add", "lan", "type", "bridge")
        run("ip", "-n", self.lan, "link", "set", "lan", "up")
        self.link(self.system, "dmz", self.internet, "dmz")
        self.address(self.system, "dmz", SYSTEM_DMZ + "/24", "2001:db8:2::2/64")
        self.address(self.internet, "dmz", ROUTER_DMZ + "/24", "2001:db8:2::1/64")
        for address in (WEB, OTHER_WEB, NAME_SERVER):
            self.address(self.internet, "lo", address + "/32")
        self.address(self.internet, "lo", WEB6 + "/128")
        run("ip", "-n", self.system, "route", "add", "default", "via", ROUTER_DMZ)
        run("ip", "-n", self.system, "-6", "route", "add", "default", "via", "2001:db8:2::1")
        self.link(self.system, "lan", self.lan, "sys", bridge="lan")
        self.address(self.system, "lan", SYSTEM_LAN + "/24")
        self.workstations = []
        for index in range(workstations):
            name = self.add("ws%d" % index)
            self.link(name, "lan", self.lan, "ws%d" % index, bridge="lan")
            self.address(name, "lan", "10.77.0.%d/24" % (10 + index))
            self.workstations.append(name)

    def add(self, name):
        """A further namespace; its whole name."""
        full = self.prefix + name
        run("ip", "netns", "add", full)
        self.names.append(full)
        run("ip", "-n", full, "link", "set", "lo", "up")
        return full

    @staticmethod
    def link(left, left_name, right, right_name, bridge=None):
        """A cable between two namespaces; the right end into a bridge there, if one is named."""
        run("ip", "link", "add", left_name, "netns", left, "type", "veth",
            "peer", "name", right_name, "netns", right)
        for netns, name in ((left, left_name), (right, right_name)):
            run("ip", "-n", netns, "link", "set", name, "up")
        if bridge:
            run("ip", "-n", right, "link", "set", right_name, "master", bridge)

    @staticmethod
    def address(netns, link, *addresses):
        for address in addresses:
            more = ["nodad"] if ":" in address else []
            run("ip", "-n", netns, "address", "add", address, "dev", link, *more)

    def route_back(self, network):
        """Lets the Internet answer to addresses of cells, where these are not translated."""
        via = "2001:db8:2::2" if ":" in network else SYSTEM_DMZ
        run("ip", "-n", self.internet, "route", "add", network, "via", via)

    def close(self):
        for name in reversed(self.names):
            run("ip", "netns", "delete", name, check=False)
        self.names = []
