#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that point where no page may go: from inside a cell, by real packets and by a real
browser. Each is tried a second time without the rules, and is then reached: what held was them.

As a program: "names ADDRESS FILE" is a name server of the names in FILE, "page ADDRESS FILE" a web
server that serves FILE; both print READY. With "once", it serves one page and hangs up."""

import http.server
import json
import pathlib
import shutil
import socket
import socketserver
import struct
import sys
import unittest

from lib_proc import Process, in_netns, run
from lib_world import SYSTEM4, SYSTEM6, Group, World
from test_matrix import ALL, CELL_UID, Site

PORTS = (22, 53, 80, 88, 389, 443, 636, 1604, 3268, 3269, 3389, 5900, 8080)
TRIED = [p for p in PORTS if p != 53]
METADATA, METADATA6 = "169.254.169.254", "fd00:ec2::254"

# name: the addresses it has, and whose answer it would be if nobody stood in the way.
NAMES = {
    "private.test": (("10.71.5.10", "fd71:5::10"), "lan"),
    "workstation.test": (("10.71.1.10", "fd71:1::10"), "ws"),
    "host.test": ((SYSTEM4, SYSTEM6), "system"),
    "gateway.test": (World.cell_gateway(0), "system"),
    "neighbour.test": (("193.99.7.9", "2a0f:99:7::9"), "neigh"),
    "metadata.test": ((METADATA, METADATA6), "neigh"),
    "cell.test": (World.cell_address(2), "cell2"),
    "kerberos.test": (("10.71.23.10", "fd71:23::10"), "kerberos"),
    "ldap.test": (("10.71.24.10", "fd71:24::10"), "ldap"),
    "monitoring.test": (("10.71.4.10", "fd71:4::10"), "mon"),
    "resolver.test": (("10.71.21.10", "fd71:21::10"), "dns"),
    "mapped.test": (("::ffff:10.71.5.10", "::ffff:193.99.7.2"), None),
    "nat64.test": (("64:ff9b::a47:50a", "64:ff9b::c163:702"), "inet"),
    "sixtofour.test": (("2002:a47:50a::1",), "inet"),
}
OWN = {"local.test": ("127.0.0.1", "::1"), "nowhere.test": ("0.0.0.0",)}
REPORT = "report.test"  # may be reached: the page's own server
TURN = "turn.test"  # first the page's server, then a private address

PAGE = """<!doctype html><title>trap</title><script>
async function visit(url) {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 2000);
  new Image().src = url + '?image';
  try {
    await fetch(url, {mode: 'no-cors', signal: stop.signal});
    return 'reached';
  } catch (e) {
    return String(e);
  }
}
(async () => {
  const urls = %s, results = {};
  await Promise.all(urls.map(async url => { results[url] = await visit(url); }));
  await fetch('http://report.test/done', {method: 'POST', mode: 'no-cors',
                                          body: JSON.stringify(results)});
})();
</script>"""


# --- servers, as programs in a namespace --------------------------------------------------------

def answer_query(data, names):
    ident, _flags, _count = struct.unpack(">HHH", data[:6])
    labels, place = [], 12
    while data[place]:
        labels.append(data[place + 1:place + 1 + data[place]].decode("ascii").lower())
        place += 1 + data[place]
    kind = struct.unpack(">H", data[place + 1:place + 3])[0]
    name = ".".join(labels)
    family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
    records = b""
    count = 0
    for address in names.get(name, ()):
        if family == (socket.AF_INET6 if ":" in address else socket.AF_INET):
            packed = socket.inet_pton(family, address)
            records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed
            count += 1
    code = 0x8180 if name in names else 0x8183
    return struct.pack(">HHHHHH", ident, code, 1, count, 0, 0) + data[12:place + 5] + records


def serve_names(address, names):
    class Query(socketserver.BaseRequestHandler):
        def handle(self):
            data, sock = self.request
            sock.sendto(answer_query(data, names), self.client_address)

    with socketserver.UDPServer((address, 53), Query) as server:
        print("READY", flush=True)
        server.serve_forever()


def serve_page(address, page, once):
    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.answer(*(200, page) if self.path == "/" else (404, b""))
            if self.path == "/":
                print("SERVED", flush=True)
                self.server.served = True

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(200, b"")
            print("DONE " + body.decode(), flush=True)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer((address, 80), Handler) as server:
        server.served = False
        print("READY", flush=True)
        while not (once and server.served):
            server.handle_request()


# --- the test -----------------------------------------------------------------------------------

RESOLVE = """import json, socket, sys
print(json.dumps({name: sorted({a[4][0] for a in socket.getaddrinfo(name, 80)})
                  for name in sys.argv[1:]}))"""


def canonical(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, address))


class Rebinding(unittest.TestCase):
    """cell0 has all its rules, cell1 only those of the host before it, cell2 is another cell."""

    seconds = 120

    @classmethod
    def setUpClass(cls):
        own = {"dns": {53}, "inet": {80}, "inet2": {80}}
        cls.world = world = World(PORTS, own)
        cls.addClassCleanup(world.close)
        world.address("neigh", "lo", METADATA, METADATA6)
        world.route("system", METADATA, "193.99.7.9")
        world.route("system", METADATA6, "2a0f:99:7::9")
        for address in ("64:ff9b::a47:50a", "64:ff9b::c163:702", "2002:a47:50a::1"):
            world.address("inet", "lo", address)
        for network in ("64:ff9b::/96", "2002::/16"):
            world.route("router", network, "2a0f:77:1::10")
        cls.names = {name: addresses for name, (addresses, _tag) in NAMES.items()}
        cls.names.update(OWN)
        cls.names[REPORT] = world.hosts["inet"]
        cls.names[TURN] = (world.hosts["inet2"][0], "10.71.5.10")
        server = cls.serve("dns", "names", world.hosts["dns"][0], json.dumps(cls.names))
        cls.addClassCleanup(server.stop)

    @classmethod
    def serve(cls, place, kind, address, content, *more):
        file = cls.world.folder / (place + ".served")
        file.write_text(content, encoding="utf-8")
        server = Process(sys.executable, "-B", __file__, kind, address, file, *more,
                         netns=cls.world.netns(place))
        server.wait_line("READY")
        return server

    def serve_page(self, place, content, *more):
        server = self.serve(place, "page", self.world.hosts[place][0], content, *more)
        self.addCleanup(server.stop)
        return server

    def setUp(self):
        site = Site("everything", ALL)
        self.world.start_system(site.text(self.world.hosts), [()] * 3)
        self.world.disarm("cell1")

    def without_rules(self):
        """As if there were none of ours anywhere."""
        for place, table in (("system", "lazaret"), ("system", "lazaret_host"),
                             ("cell0", "lazaret"), ("cell2", "lazaret")):
            run("nft", "delete table inet " + table, netns=self.world.netns(place))

    def in_cell(self, cell, *command):
        """A command as the cell's user, with the cell's name server."""
        resolv = self.world.folder / "resolv.conf"
        resolv.write_text("nameserver %s\n" % self.world.hosts["dns"][0], encoding="utf-8")
        resolv.chmod(0o644)
        return in_netns(self.world.netns(cell)) + [
            "unshare", "--mount", "sh", "-c", "mount --bind \"$0\" /etc/resolv.conf && "
            "exec setpriv --reuid=%d --regid=%d --clear-groups \"$@\"" % (CELL_UID, CELL_UID),
            str(resolv), *map(str, command)]

    def groups(self, cell, names):
        found = []
        for name in names:
            for address in names[name]:
                for proto in ("tcp", "udp"):
                    found.append(Group(cell, CELL_UID, proto, address, TRIED, NAMES[name][1],
                                       "%s to %s" % (cell, name)))
        return found

    def resolve(self, cell):
        names = [n for n in self.names if n not in OWN]
        found = json.loads(run(*self.in_cell(cell, "/usr/bin/python3", "-c", RESOLVE, *names)))
        for name in names:
            self.assertEqual(set(map(canonical, found[name])),
                             set(map(canonical, self.names[name])), name)
        return {name: found[name] for name in NAMES}

    # --- packets

    def test_what_names_stand_for(self):
        for cell in ("cell0", "cell1"):
            groups = self.groups(cell, self.resolve(cell))
            before = self.world.hits()
            self.assertEqual(self.world.shut(groups), [])
            self.assertEqual(self.world.hits(), before)
            print("result: %s: %d packets, none arrived" % (cell, sum(len(g.ports) for g in groups)))

    def test_mistrust_of_the_test(self):
        """Without our rules each of them is reached."""
        self.without_rules()
        for cell in ("cell0", "cell1"):
            names = self.resolve(cell)
            groups = [g.only([p for p in (88, 389, 8080)]) for g in self.groups(cell, names)
                      if g.proto == "tcp" and g.tag]
            groups += [Group(cell, CELL_UID, "tcp", "::ffff:10.71.5.10", [88, 389, 8080], "lan",
                             cell + " to mapped.test")]
            self.assertEqual(self.world.open(groups), [])

    def test_loopback_is_the_cells_own(self):
        self.assertEqual(self.world.open([
            Group("cell0", CELL_UID, "tcp", address, TRIED, "cell0", "cell0 to itself")
            for addresses in OWN.values() for address in addresses]), [])

    def test_groups_of_many(self):
        """Multicast, which neither side routes."""
        self.assertEqual(self.world.shut([
            Group("cell0", CELL_UID, "udp", address, TRIED, None, "cell0 to everybody")
            for address in ("224.0.0.251", "239.255.255.250", "ff0e::fb")]), [])

    # --- a browser

    def browse(self, cell, url):
        profile = self.world.folder / ("profile-" + cell)
        shutil.rmtree(profile, ignore_errors=True)
        profile.mkdir()
        shutil.chown(profile, CELL_UID, CELL_UID)
        browser = Process(*self.in_cell(
            cell, "env", "HOME=%s" % profile, "/usr/bin/chromium", "--headless=new",
            "--user-data-dir=%s" % profile, "--no-first-run", "--disable-gpu",
            "--disable-background-networking", "--disable-component-update", url))
        self.addCleanup(shutil.rmtree, profile, True)
        self.addCleanup(browser.stop)
        return browser

    def urls(self):
        return ["http://%s:%d/" % (name, port) for name in NAMES for port in (80, 88, 3268, 8080)]

    def visit(self, cell):
        """What the page found out, and what arrived where meanwhile."""
        page = self.serve_page("inet", PAGE % json.dumps(self.urls()))
        before, drops = self.world.hits(), self.world.drops()
        browser = self.browse(cell, "http://%s/" % REPORT)
        line = page.wait_line("DONE", 60)
        browser.stop()
        page.stop()
        after = self.world.hits()
        hits = {name for name in after if after[name] > before[name]}
        dropped, _grown = self.world.dropped(drops, 0)
        return json.loads(line.partition(" ")[2]), hits, dropped

    def test_a_page_reaches_nobody(self):
        for cell in ("cell0", "cell1"):
            results, hits, dropped = self.visit(cell)
            self.assertEqual(set(results), set(self.urls()))
            self.assertEqual([u for u, what in results.items() if what == "reached"], [])
            self.assertEqual(hits, set())
            self.assertGreaterEqual(dropped, len(results))
            print("result: %s: %d addresses tried by the page, %d packets dropped" % (
                cell, len(results), dropped))

    def test_a_page_would_reach_them(self):
        self.without_rules()
        wanted = {tag for _addresses, tag in NAMES.values() if tag}
        hits = set()
        # The page gives each address two seconds, and a browser that starts may need them for itself.
        for _visit in range(3):
            results, more, _dropped = self.visit("cell0")
            hits |= more
            if hits == wanted:
                return
            print("note: not reached at once:", sorted(wanted - hits), results)
        self.assertEqual(hits, wanted)

    def test_a_name_that_turns(self):
        """The page's own name gets a private address as soon as its server hangs up."""
        script = PAGE % json.dumps(["http://%s/secret" % TURN])
        report = self.serve_page("inet", "")
        page = self.serve_page("inet2", script, "once")
        before, drops = self.world.hits(), self.world.drops()
        browser = self.browse("cell1", "http://%s/" % TURN)
        page.wait_line("SERVED")
        line = report.wait_line("DONE", 60)
        browser.stop()
        self.assertNotIn("reached", line)
        self.assertEqual(self.world.hits()["lan"], before["lan"])
        self.assertGreater(self.world.dropped(drops, 0)[0], 0)


if __name__ == "__main__":
    if sys.argv[1] == "names":
        serve_names(sys.argv[2], json.loads(pathlib.Path(sys.argv[3]).read_text("utf-8")))
    else:
        serve_page(sys.argv[2], pathlib.Path(sys.argv[3]).read_bytes(), "once" in sys.argv[4:])
