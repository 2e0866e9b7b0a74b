#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web site of the side-by-side comparison, and how its pages are led.

As a program (`website.py ADDRESS MADE`) it serves, on port 80, below /NAME/ for each peer NAME: our own
pages (p/…, from bench/pages), documentation of Debian packages (doc/…) and what was generated
(made/…, from the folder MADE). Into each HTML page a script is put that waits, in one open request
and so without costing anything, for what to do next: go to another page, or tell the value of an
expression. The same in each browser, with nothing of a debugger in it.

Commands come as lines of JSON on standard input, events go as lines of JSON to standard output."""

import http.server
import json
import pathlib
import posixpath
import re
import socketserver
import sys
import threading
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parent.parent
PAGES = TOP / "bench/pages"
DOCUMENTATION = {
    "policy": pathlib.Path("/usr/share/doc/debian-policy/policy.html"),
    "reference": pathlib.Path("/usr/share/debian-reference"),
    "git": pathlib.Path("/usr/share/doc/git/html"),
    "python": pathlib.Path("/usr/share/doc/python3.11/html"),
}
# A request that waits is answered after this time, with nothing, and made again.
WAIT_SECONDS = 1200

# The page is there when two frames were drawn after its load; the request that waits says so.
SCRIPT = b"""<script>
(async () => {
  const frame = () => new Promise(done => requestAnimationFrame(done));
  const peer = location.pathname.split('/')[1];
  // A page that is left is kept for going back, and with it its connection: of these there are six.
  const left = new AbortController();
  addEventListener('pagehide', () => left.abort());
  if (document.readyState !== 'complete')
    await new Promise(done => addEventListener('load', done));
  await document.fonts.ready;
  await frame();
  await frame();
  let seen = 'first=' + encodeURIComponent(JSON.stringify({
    page: location.pathname + location.search, inner: [innerWidth, innerHeight],
    outer: [outerWidth, outerHeight], ratio: devicePixelRatio}));
  for (;;) {
    let order;
    try {
      order = await (await fetch('/steer/' + peer + '?' + seen,
        {signal: left.signal})).json();
    } catch (error) {
      if (left.signal.aborted)
        return;
      await new Promise(done => setTimeout(done, 500));
      continue;
    }
    seen = 'seen=' + order.number;
    if (order.go) {
      location.href = order.go;
      return;
    }
    if (order.ask) {
      let value;
      try {
        value = await (0, eval)(order.ask);
      } catch (error) {
        value = {error: String(error)};
      }
      await fetch('/tell/' + peer, {method: 'POST', body: JSON.stringify(
        {number: order.number, value: value === undefined ? null : value})});
    }
  }
})();
</script>"""

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript",
         ".png": "image/png", ".svg": "image/svg+xml", ".jpg": "image/jpeg", ".mp4": "video/mp4",
         ".gif": "image/gif", ".woff2": "font/woff2"}

_output = threading.Lock()


def report(event):
    with _output:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


class Orders:
    """The last order for each peer."""

    def __init__(self):
        self.changed = threading.Condition()
        self.last = {}

    def give(self, peer, number, order):
        with self.changed:
            self.last[peer] = dict(order, number=number)
            self.changed.notify_all()

    def number(self, peer):
        with self.changed:
            return self.last.get(peer, {"number": 0})["number"]

    def wait(self, peer, seen):
        with self.changed:
            self.changed.wait_for(lambda: self.last.get(peer, {"number": 0})["number"] > seen,
                                  WAIT_SECONDS)
            last = self.last.get(peer, {"number": 0})
            return last if last["number"] > seen else {"number": seen}


ORDERS = Orders()


def find_file(name, made):
    """The file that a path below a peer's folder names, or None."""
    kind, _, rest = name.partition("/")
    if kind == "doc":
        package, _, rest = rest.partition("/")
        folder, allowed = DOCUMENTATION.get(package), pathlib.Path("/usr/share")
    else:
        folder = {"p": PAGES, "made": made}.get(kind)
        allowed = folder
    if folder is None:
        return None
    file = (folder / rest).resolve()
    return file if file.is_file() and allowed.resolve() in file.parents else None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = WAIT_SECONDS + 60
    made = None

    def answer(self, status, kind, body, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        path = posixpath.normpath(urllib.parse.unquote(parts.path)).lstrip("/")
        if path.startswith("steer/"):
            self.steer(path[6:], query)
            return
        file = find_file(path.partition("/")[2], self.made)
        if file is None:
            self.answer(404, "text/plain", b"no such page\n")
            return
        body = file.read_bytes()
        if file.suffix == ".html":
            head = re.search(rb"<head[^>]*>", body)
            at = head.end() if head else 0
            body = body[:at] + SCRIPT + body[at:]
        self.send(body, TYPES.get(file.suffix, "application/octet-stream"))

    def send(self, body, kind):
        """A film is asked for in parts."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not match or int(match.group(1)) >= len(body):
            self.answer(200, kind, body, Accept_Ranges="bytes")
            return
        first = int(match.group(1))
        last = min(int(match.group(2) or len(body) - 1), len(body) - 1)
        self.answer(206, kind, body[first:last + 1], Accept_Ranges="bytes",
                    Content_Range="bytes %d-%d/%d" % (first, last, len(body)))

    def steer(self, peer, query):
        seen = int(query["seen"]) if "seen" in query else ORDERS.number(peer)
        if "first" in query:
            report(dict(json.loads(query["first"]), what="loaded", peer=peer))
        order = ORDERS.wait(peer, seen)
        self.answer(200, "application/json", json.dumps(order).encode())

    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), 1 << 22))
        report(dict(json.loads(body), what="told", peer=self.path.rpartition("/")[2]))
        self.answer(204, "text/plain", b"")

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # browsers hang up as they like


def main(address, made):
    Handler.made = pathlib.Path(made)
    server = Server((address, 80), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    report({"what": "ready"})
    for number, line in enumerate(sys.stdin, 1):  # its end is the end of the bench
        order = json.loads(line)
        ORDERS.give(order.pop("peer"), number, order)


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.exit(0)

# --- the bench's side -----------------------------------------------------------------------------

sys.path.insert(0, str(TOP / "tests/system"))

from lib_proc import Process  # noqa: E402  (the program above needs nothing of it)


class Site:
    def __init__(self, netns, address, made):
        self.address = address
        self.orders = 0
        self.process = Process(sys.executable, "-B", __file__, address, str(made), netns=netns)
        self.process.wait_line('"ready"', 20)

    def url(self, peer, page):
        return "http://%s/%s/%s" % (self.address, peer, page)

    def mark(self):
        return self.process.mark()

    def wait(self, since, seconds, **fields):
        def accept(line):
            event = json.loads(line)
            return all(event.get(k) == v for k, v in fields.items())
        return json.loads(self.process.wait_line(accept, seconds, since))

    def _order(self, **order):
        self.orders += 1
        self.process.send(json.dumps(order))
        return self.orders

    def wait_loaded(self, peer, page, since, seconds=60):
        return self.wait(since, seconds, what="loaded", peer=peer, page="/%s/%s" % (peer, page))

    def go(self, peer, page, seconds=60):
        """Leads the peer's browser to a page; what that says of itself when it is there."""
        mark = self.mark()
        self._order(peer=peer, go="/%s/%s" % (peer, page))
        return self.wait_loaded(peer, page, mark, seconds)

    def ask(self, peer, expression, seconds=30):
        """The value of a JavaScript expression (or of the promise that it gives) in the page."""
        mark = self.mark()
        number = self._order(peer=peer, ask=expression)
        value = self.wait(mark, seconds, what="told", peer=peer, number=number)["value"]
        if isinstance(value, dict) and "error" in value:
            raise AssertionError("%s: %s: %s" % (peer, expression, value["error"]))
        return value

    def close(self):
        self.process.stop()
