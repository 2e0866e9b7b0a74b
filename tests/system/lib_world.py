# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole neighbourhood of a site, each host a network namespace, around the system with its
cells; and questions to it with real packets.

    ws, adm, idns, mon, lan          workstation, administration, internal name server,
                                     monitoring, a host of no zone        10.71.1-5.0/24
    ntp dns mail kerberos ldap       one host for each named service      10.71.20-27.0/24
    direct syslog rdp                                                          │
    proxy                                                 10.71.30.0/24        │
    update                           public               185.77.2.0/24        │
    inet, inet2                      public               185.77.1.0/24 …      │
                                                                           router
    system 193.99.7.2, neigh 193.99.7.9: the DMZ, 193.99.7.0/24 ───────────────┘ .1
      └─ cell0, cell1 … 100.127.0.0/16

IPv6 is fd71:N::/64 for 10.71.N.0/24, 2a0f:77:N::/64 for 185.77.N.0/24, 2a0f:99:7::/64 for the DMZ.
The public addresses are somebody's; nothing here has a link to a network of the machine, and
World.ways_out() is where a test looks. The router forwards whatever it gets, also to the cells'
block.
"""

import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import time

from lib_proc import BUILD, Process, run, scaled, wait_until

PROBE = BUILD / "tests/tools/packet_probe"
DRIVE = BUILD / "tests/tools/netd_drive"
CTL = BUILD / "src/ctl/lazaretctl"
NETD = BUILD / "src/net/lazaret-netd"
# Accounts of cells have to reach it, wherever the tree stands.
FOLDERS = pathlib.Path("/var/tmp")

CELLS4 = "100.127.0.0/16"
CELLS6 = "fd6c:617a:6172::/48"
SYSTEM4 = "193.99.7.2"
SYSTEM6 = "2a0f:99:7::2"
DMZ4 = "193.99.7.0/24"
DMZ6 = "2a0f:99:7::/64"

# name, IPv4, IPv6
HOSTS = (
    ("ws", "10.71.1.10", "fd71:1::10"),
    ("adm", "10.71.2.10", "fd71:2::10"),
    ("idns", "10.71.3.10", "fd71:3::10"),
    ("mon", "10.71.4.10", "fd71:4::10"),
    ("lan", "10.71.5.10", "fd71:5::10"),
    ("ntp", "10.71.20.10", "fd71:20::10"),
    ("dns", "10.71.21.10", "fd71:21::10"),
    ("mail", "10.71.22.10", "fd71:22::10"),
    ("kerberos", "10.71.23.10", "fd71:23::10"),
    ("ldap", "10.71.24.10", "fd71:24::10"),
    ("direct", "10.71.25.10", "fd71:25::10"),
    ("syslog", "10.71.26.10", "fd71:26::10"),
    ("rdp", "10.71.27.10", "fd71:27::10"),
    ("proxy", "10.71.30.10", "fd71:30::10"),
    ("inet", "185.77.1.10", "2a0f:77:1::10"),
    ("update", "185.77.2.10", "2a0f:77:2::10"),
    ("inet2", "185.77.3.10", "2a0f:77:3::10"),
    ("neigh", "193.99.7.9", "2a0f:99:7::9"),
)
PUBLIC = ("inet", "update", "inet2")
IN_DMZ = ("neigh",)
# Hosts that the DMZ neighbour tries to reach through the system as if it were a router.
THROUGH = ("ws", "ntp", "inet")

BATCH = 4000  # packets between two looks at the counters

# What a kernel says of its own when an address is new, kept from the rules and their counters.
QUIET = """table inet quiet {
	chain output {
		type filter hook output priority raw
		icmpv6 type { nd-router-solicit, mld-listener-report, mld-listener-done,
			mld2-listener-report } drop
	}
}
"""

_count = itertools.count()


def sweep():
    """Removes namespaces of worlds whose process is gone."""
    folder = pathlib.Path("/run/netns")
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    for name in names:
        match = re.fullmatch(r"mtx(\d+)[a-z].*", name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            run("ip", "netns", "delete", name, check=False)
    for path in FOLDERS.glob("lzt-mtx*"):
        match = re.fullmatch(r"lzt-mtx(\d+)[a-z]", path.name)
        if match and not os.path.exists("/proc/" + match.group(1)):
            shutil.rmtree(path, ignore_errors=True)


def subnet(address):
    """The network of a host, and its router there."""
    if ":" in address:
        return address.rpartition("::")[0] + "::/64", address.rpartition("::")[0] + "::1"
    return address.rpartition(".")[0] + ".0/24", address.rpartition(".")[0] + ".1"


def format_ports(ports):
    return ",".join(map(str, ports))


class Group:
    """Packets that differ only by their port. `proto` is tcp, udp, or the number of another one (of
    which port 0 is sent). `source` None, `sport` 0: the kernel's choice.
    `tag` is whose answer is expected; `what` says what a failure means."""

    __slots__ = ("place", "uid", "proto", "source", "sport", "dest", "ports", "tag", "what")

    def __init__(self, place, uid, proto, dest, ports, tag, what, source=None, sport=0):
        self.place, self.uid, self.proto, self.dest = place, uid, str(proto), dest
        self.ports, self.tag, self.what = list(ports), tag, what
        self.source, self.sport = source, sport

    def only(self, ports):
        return Group(self.place, self.uid, self.proto, self.dest, ports, self.tag, self.what,
                     self.source, self.sport)

    def name(self, port):
        return "%s, %s %s port %d%s" % (
            self.what, self.dest, self.proto.upper(), port,
            " from port %d" % self.sport if self.sport else "")


class World:
    """`close()` removes it all. `ports` are those on which every host listens, but for those of
    `own`, {name: ports}: of servers that a test starts."""

    def __init__(self, ports, own=None):
        sweep()
        self.prefix = "mtx%d%s" % (os.getpid(), chr(ord("a") + next(_count) % 26))
        self.ports = sorted(set(ports))
        self.own = own or {}
        self.hosts = {name: (four, six) for name, four, six in HOSTS}
        self.stack = contextlib.ExitStack()
        self.netd = self.cell_server = None
        self.noise = 0  # what differed once and not when it was tried again
        self.tried = 0
        self.folder = FOLDERS / ("lzt-" + self.prefix)
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    # --- building

    def netns(self, name):
        return self.prefix + name

    def _batch(self, lines, netns=None):
        command = ["ip"] + (["-n", netns] if netns else []) + ["-batch", "-"]
        run(*command, input="\n".join(lines) + "\n")

    def _build(self):
        names = ["router", "system"] + list(self.hosts)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stack.callback(self._delete_namespaces)
        self._batch("netns add " + self.netns(n) for n in names)
        cables = []
        for name in ["system"] + list(self.hosts):
            cables.append("link add eth0 netns %s type veth peer name %s netns %s"
                          % (self.netns(name), name, self.netns("router")))
        self._batch(cables)
        self._batch(self._router_lines(), self.netns("router"))
        self._set("router", "net/ipv4/ip_forward", "1")
        self._set("router", "net/ipv6/conf/all/forwarding", "1")
        for name, (four, six) in dict(self.hosts, system=(SYSTEM4, SYSTEM6)).items():
            self._batch(self._host_lines(name, four, six), self.netns(name))
        for name in ("system", "router") + IN_DMZ:
            run("nft", "-f", "-", netns=self.netns(name), input=QUIET)
        self.sender = self._start(PROBE, "send")
        self.server = self._start(PROBE, "serve")
        for name in ["system"] + list(self.hosts):
            self._listen(self.server, name)

    def _start(self, *command, **more):
        process = Process(*command, **more)
        self.stack.callback(process.stop)
        return process

    def _router_lines(self):
        lines = ["link set lo up", "link add dmz type bridge mcast_snooping 0", "link set dmz up",
                 "address add 193.99.7.1/24 dev dmz", "address add 2a0f:99:7::1/64 dev dmz nodad"]
        for name in ("system",) + IN_DMZ:
            lines += ["link set %s master dmz" % name, "link set %s up" % name]
        for name, (four, six) in self.hosts.items():
            if name in IN_DMZ:
                continue
            lines += ["link set %s up" % name,
                      "address add %s/24 dev %s" % (subnet(four)[1], name),
                      "address add %s/64 dev %s nodad" % (subnet(six)[1], name)]
        return lines + ["route add %s via %s" % (CELLS4, SYSTEM4),
                        "route add %s via %s" % (CELLS6, SYSTEM6)]

    def _host_lines(self, name, four, six):
        lines = ["link set lo up", "link set eth0 up", "address add %s/24 dev eth0" % four,
                 "address add %s/64 dev eth0 nodad" % six,
                 "route add default via %s" % subnet(four)[1],
                 "route add default via %s" % subnet(six)[1]]
        if name in IN_DMZ:
            for target in THROUGH:
                lines += ["route add %s via %s" % (self.hosts[target][0], SYSTEM4),
                          "route add %s via %s" % (self.hosts[target][1], SYSTEM6)]
            lines += ["route add %s via %s" % (CELLS4, SYSTEM4),
                      "route add %s via %s" % (CELLS6, SYSTEM6)]
        return lines

    def _set(self, name, key, value):
        run("sh", "-c", "echo %s > /proc/sys/%s" % (value, key), netns=self.netns(name))

    def get(self, name, key):
        return run("cat", "/proc/sys/" + key, netns=self.netns(name)).strip()

    def _listen(self, server, name):
        mark = server.mark()
        ports = [p for p in self.ports if p not in self.own.get(name, ())]
        server.send("at %s %s %s" % (self.netns(name), name, format_ports(ports)))
        server.wait_line("ok", since=mark)

    def address(self, name, link, *addresses):
        """Further addresses of a host."""
        self._batch(["address add %s dev %s%s" % (a, link, " nodad" if ":" in a else "")
                     for a in addresses], self.netns(name))

    def route(self, name, network, via):
        self._batch(["route add %s via %s" % (network, via)], self.netns(name))

    def _delete_namespaces(self):
        folder = pathlib.Path("/run/netns")
        mine = [p.name for p in folder.glob(self.prefix + "*")] if folder.is_dir() else []
        if mine:
            run("ip", "-batch", "-", input="".join("netns delete %s\n" % n for n in mine),
                check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self):
        with contextlib.suppress(AssertionError, OSError):
            self.stop_system()
        self.stack.close()

    def ways_out(self):
        """Links between a namespace of this world and the machine's own, and routes to addresses
        that nobody here has. There are none."""
        found = []
        # Text, since other links may vanish meanwhile, which ip complains about.
        found += re.findall(r"^\d+: ([^:@]+).* link-netns %s" % self.prefix,
                            run("ip", "-o", "link", "show"), re.M)
        for address in ("9.9.9.9", "2620:fe::fe"):
            done = run("ip", "route", "get", address, netns=self.netns("router"), check=False)
            if "unreachable" not in done:
                found.append(done)
        return found

    # --- the system

    def start_system(self, text, cells=((),)):
        """Loads a configuration; makes cells cell0, cell1 … as the daemon does. `cells`: for each
        the paths for some groups that its user may use."""
        self.stop_system()
        config = self._configure(text)
        self.netd = Process(DRIVE, NETD, config, netns=self.netns("system"))
        line = self.netd.wait_line(lambda s: s.startswith(("started", "failed")))
        if line != "started":
            raise AssertionError(line)
        for slot, paths in enumerate(cells):
            self._make_cell(slot, paths)
        self.cell_server = Process(PROBE, "serve")
        self.cells = len(cells)
        for slot in range(self.cells):
            self._listen(self.cell_server, "cell%d" % slot)
        self._load_host(config)

    def change_system(self, text):
        """Another configuration for the same cells."""
        config = self._configure(text)
        mark = self.netd.mark()
        self.netd.send("config %s" % config)
        line = self.netd.wait_line(lambda s: s.startswith(("configured", "failed")), since=mark)
        if line != "configured":
            raise AssertionError(line)
        self._load_host(config)

    def _configure(self, text):
        config = self.folder / "lazaret.conf"
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        config.write_text('state-directory = "%s"\n%s' % (state, text), encoding="utf-8")
        return config

    def _load_host(self, config):
        """The host's own rules as an administrator loads them; connections of before are forgotten."""
        for more in ((), ("--confirm",)):
            run(CTL, "firewall", "apply", *more, config, netns=self.netns("system"))
        self.sender_does(*["forget " + self.netns(place) for place in self.places()])

    def hits(self):
        """How many connections and datagrams arrived where, {name: count}."""
        counts = {}
        for server in (self.server, self.cell_server):
            mark = server.mark()
            server.send("hits")
            line = server.wait_line("=", since=mark)
            counts.update((tag, int(n)) for tag, n in (w.split("=") for w in line.split()))
        return counts

    def places(self):
        """Where there are rules of ours."""
        return ["system"] + ["cell%d" % slot for slot in range(self.cells)]

    def _make_cell(self, slot, paths):
        path = pathlib.Path("/run/netns") / self.netns("cell%d" % slot)
        path.touch()
        mark = self.netd.mark()
        self.netd.send(" ".join(["cell %d %s" % (slot, path)] + sorted(paths)))
        line = self.netd.wait_line(lambda s: s == "cell" or s.startswith("failed"), since=mark)
        if line.startswith("failed"):
            raise AssertionError(line)
        run("nft", "-f", "-", netns=self.netns("cell%d" % slot), input=QUIET)

    def stop_system(self):
        if self.cell_server:
            self.cell_server.stop()
            self.cell_server = None
        if self.netd:
            self.netd.send("stop")
            self.netd.wait()
            self.netd.stop()
            self.netd = None
        for path in pathlib.Path("/run/netns").glob(self.netns("cell*")):
            run("ip", "netns", "delete", path.name)

    @staticmethod
    def cell_address(slot):
        """As documented: a network of four addresses a slot, the third is the cell's."""
        first = slot * 4 + 2
        return "100.127.%d.%d" % (first // 256, first % 256), "fd6c:617a:6172::%x" % first

    @staticmethod
    def cell_gateway(slot):
        """The host's side of that network."""
        first = slot * 4 + 1
        return "100.127.%d.%d" % (first // 256, first % 256), "fd6c:617a:6172::%x" % first

    def disarm(self, cell):
        """Takes a cell's own rules away: a cell that broke out of them meets the host's."""
        run("nft", "delete", "table", "inet", "lazaret", netns=self.netns(cell))

    # --- packets

    def sender_does(self, *lines):
        """One line of answer for each."""
        mark = self.sender.mark()
        for line in lines:
            self.sender.send(line)
        self.sender.wait_line(lambda _line: len(self.sender.lines) >= mark + len(lines),
                              60, since=mark)
        return self.sender.lines[mark:mark + len(lines)]

    def _send(self, verb, groups):
        """[{port: tag or errno}] of the groups, how many packets were sent, and how many SYNs
        again."""
        lines = ["%s g %s %d %s %s %d %s %s" % (
            verb, self.netns(g.place), g.uid, g.proto, g.source or "-", g.sport, g.dest,
            format_ports(g.ports)) for g in groups]
        results, sent, again = [], 0, 0
        for line in self.sender_does(*lines):
            words = line.split()
            again += int(words.pop().partition("=")[2])
            sent += int(words.pop().partition("=")[2])
            result = {}
            for text in words[1:]:
                port, tag = re.fullmatch(r"(\d+)[=!](.*)", text).groups()
                result[int(port)] = tag if "=" in text else int(tag)
            results.append(result)
        return results, sent, again

    def drops(self):
        """{(place, table, counter): packets}: every drop of ours has a counter of that kind."""
        counts = {}
        lines = self.sender_does(*["counters " + self.netns(place) for place in self.places()])
        for place, line in zip(self.places(), lines):
            for item in json.loads(line)["nftables"]:
                named = item.get("counter")
                if named and named["name"].startswith("drop-"):
                    counts[(place, named["table"], named["name"])] = named["packets"]
        return counts

    def dropped(self, before, wanted):
        """How many packets were dropped since; gives those under way a moment to arrive."""
        deadline = time.monotonic() + scaled(0.3)
        while True:
            after = self.drops()
            grown = {k: v - before.get(k, 0) for k, v in after.items() if v != before.get(k, 0)}
            total = sum(grown.values())
            if total >= wanted or time.monotonic() > deadline:
                return total, grown

    def _all_shut(self, groups, again=1):
        """None when each packet was dropped; otherwise the ports that answered, by group. If more
        was dropped than sent, some packet of the kernel's own was counted: once more."""
        before = self.drops()
        results, sent, repeated = self._send("shut", groups)
        wanted = sum(len(g.ports) for g in groups)
        dropped, _grown = self.dropped(before, wanted + repeated)
        if dropped == wanted + repeated and sent == wanted and not any(results):
            return None
        if again and dropped > wanted + repeated:
            self.noise += 1
            return self._all_shut(groups, again - 1)
        return results

    def shut(self, groups, most=12):
        """Sends packets that must all be dropped; the sentences about those that were not."""
        groups = [g for g in groups if g.ports]
        self.tried += sum(len(g.ports) for g in groups)
        culprits = []
        for batch in self._batches(groups):
            found = len(culprits)
            if not self._find_open(batch, culprits, most) and found == len(culprits):
                self.noise += 1
        return culprits

    @staticmethod
    def _batches(groups):
        """Large enough that reading the counters costs little, small enough to find a culprit."""
        batch, size = [], 0
        for group in groups:
            batch.append(group)
            size += len(group.ports)
            if size >= BATCH:
                yield batch
                batch, size = [], 0
        yield batch

    def _find_open(self, groups, culprits, most):
        """Adds sentences to `culprits`; whether all was well at once."""
        if not groups or len(culprits) >= most:
            return True
        results = self._all_shut(groups)
        if results is None:
            return True
        rest = []
        for group, result in zip(groups, results):
            for port, answer in sorted(result.items()):
                if len(culprits) < most:
                    culprits.append("OPEN though shut: %s: %s" % (
                        group.name(port), "answered by " + answer if isinstance(answer, str)
                        else "not sent: " + os.strerror(answer)))
            left = [p for p in group.ports if p not in result]
            if left:
                rest.append(group.only(left))
        if any(results):
            # The others may be innocent.
            self._find_open(rest, culprits, most)
        elif len(rest) == 1 and len(rest[0].ports) == 1:
            # Whose answer, if any, was only late.
            answer, = self._send("open", rest)[0][0].values() or (None,)
            culprits.append("OPEN though shut: %s: answered by %s" % (
                rest[0].name(rest[0].ports[0]), answer) if answer
                else "NOT DROPPED though shut: " + rest[0].name(rest[0].ports[0]))
        else:
            for half in self._halves(rest):
                self._find_open(half, culprits, most)
        return False

    @staticmethod
    def _halves(groups):
        if len(groups) > 1:
            middle = len(groups) // 2
            return groups[:middle], groups[middle:]
        middle = len(groups[0].ports) // 2
        return [groups[0].only(groups[0].ports[:middle])], [groups[0].only(
            groups[0].ports[middle:])]

    def open(self, groups, most=12):
        """Sends packets that must all be answered by whom they are for; sentences about the
        rest."""
        groups = [g for g in groups if g.ports]
        self.tried += sum(len(g.ports) for g in groups)
        culprits = []
        results, _sent, _again = self._send("open", groups)
        again = []
        for group, result in zip(groups, results):
            missing = [p for p in group.ports if result.get(p) != group.tag]
            if missing:
                again.append(group.only(missing))
        if not again:
            return culprits
        del again[most:]
        # Once more: a datagram may be lost while the neighbour's address is looked for.
        before = self.drops()
        results, _sent, _again = self._send("open", again)
        _total, grown = self.dropped(before, 0)
        for group, result in zip(again, results):
            for port in group.ports:
                if result.get(port) == group.tag:
                    self.noise += 1
                    continue
                if len(culprits) < most:
                    culprits.append("SHUT though open: %s: %s; dropped by %s" % (
                        group.name(port), result.get(port, "no answer"),
                        ", ".join(sorted("%s %s/%s" % k for k in grown)) or "nobody"))
        return culprits


__all__ = ["World", "Group", "HOSTS", "PUBLIC", "wait_until"]
