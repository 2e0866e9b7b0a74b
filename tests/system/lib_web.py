#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sham Internet: a web server whose pages report what happens to them, and a name server.

Started as programs in a namespace (`lib_web.py web ADDRESS...`, `lib_web.py dns ADDRESS`); the
classes Web and NameServer are the test's side. Each event is one line of JSON."""

import http.server
import json
import os
import pathlib
import posixpath
import socket
import socketserver
import struct
import sys
import threading
import urllib.parse

DOCUMENTATION = pathlib.Path("/usr/share/doc/debian-policy/policy.html")

SCRIPT = """<script>
function tell(what, data) {
  const body = JSON.stringify(Object.assign({what: what, page: location.pathname}, data || {}));
  const attempt = n => fetch('/event', {method: 'POST', body: body, keepalive: true})
    .catch(() => n && setTimeout(attempt, 200, n - 1));
  attempt(5);
}
addEventListener('load', () => requestAnimationFrame(() => requestAnimationFrame(() =>
  tell('loaded', {width: innerWidth, height: innerHeight, ratio: devicePixelRatio}))));
addEventListener('resize', () => tell('resize', {width: innerWidth, height: innerHeight}));
</script>"""

HEAD = "<!doctype html><html><head><meta charset=utf-8><title>%s</title>" + SCRIPT + "</head>"

WORDS = ("quarantine harbour signal vessel lantern ledger tide anchor compass cargo pilot "
         "mooring rope barrel watch sail berth crew chart beacon").split()


def words(seed, count):
    out = []
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) % 2147483648
        out.append(WORDS[(seed >> 16) % len(WORDS)])
    return " ".join(out)


# By itself, as somebody does who reads: up and down again.
SCROLL = """let step = 12;
setInterval(() => { const before = scrollY; scrollBy(0, step);
                    if (scrollY === before) step = -step; }, 40);
"""


def page_text(query):
    paragraphs = int(query.get("n", "400"))
    body = "".join("<p>%d. %s.</p>" % (i, words(i, 90)) for i in range(paragraphs))
    return HEAD % "Text" + """<body style="font: 16px/1.5 'DejaVu Serif'; margin: 2em 12%%">
<h1>A long text</h1>%s<script>
let last = -1;
setInterval(() => { if (scrollY !== last) { last = scrollY; tell('scroll', {y: Math.round(last)}); } },
            100);
%s</script></body></html>""" % (body, SCROLL if query.get("scroll") else "")


def page_input(_query):
    return HEAD % "Input" + """<body style="margin: 0; background: #e8f0ff; font: 20px sans-serif">
<textarea id=t style="position: absolute; left: 50px; top: 50px; width: 600px; height: 200px;
 font: 20px sans-serif"></textarea>
<button id=b style="position: absolute; left: 50px; top: 300px; width: 200px; height: 60px"
>press</button>
<div id=d style="position: absolute; left: 300px; top: 300px; width: 300px; height: 100px;
 background: #ffd0d0"></div>
<script>
const t = document.getElementById('t');
t.addEventListener('input', () => tell('input', {value: t.value}));
document.getElementById('b').addEventListener('click', () => tell('button', {}));
for (const kind of ['keydown', 'keyup'])
  addEventListener(kind, e => tell(kind, {key: e.key, code: e.code, shift: e.shiftKey,
    ctrl: e.ctrlKey, alt: e.altKey, repeat: e.repeat}));
for (const kind of ['mousedown', 'mouseup', 'dblclick', 'auxclick'])
  addEventListener(kind, e => tell(kind, {x: e.clientX, y: e.clientY, button: e.button}));
addEventListener('wheel', e => tell('wheel', {x: e.deltaX, y: e.deltaY, mode: e.deltaMode}));
addEventListener('mousemove', e => { window.at = [e.clientX, e.clientY]; });
for (const kind of ['copy', 'cut', 'paste'])
  addEventListener(kind, e => tell(kind, {text: e.clipboardData.getData('text/plain'),
    types: Array.from(e.clipboardData.types)}));
t.focus();
</script></body></html>"""


def page_colour(query):
    colour = query.get("c", "3060c0")
    if not all(c in "0123456789abcdefABCDEF" for c in colour):
        colour = "000000"
    return HEAD % "Colour" + '<body style="margin: 0; background: #%s"></body></html>' % colour


def page_animation(_query):
    return HEAD % "Animation" + """<body style="margin: 0; background: #fff">
<canvas id=c width=800 height=600></canvas><script>
const g = document.getElementById('c').getContext('2d');
let n = 0;
function draw() {
  g.fillStyle = 'hsl(' + (n * 7 % 360) + ', 70%, 50%)';
  g.fillRect(n * 13 % 700, n * 29 % 500, 100, 100);
  n++;
  if (n % 50 === 0) tell('frames', {n: n});
  requestAnimationFrame(draw);
}
draw();
</script></body></html>"""


def page_film(query):
    """A picture that moves everywhere like a film, and a field to type in below it. Along its left
    edge each quarter of the picture says in black and white when it was drawn: 24 squares of 8 pixels,
    milliseconds of the clock, the highest bit first. The page begins at the top left corner."""
    width, height = int(query.get("w", "640")), int(query.get("h", "360"))
    return HEAD % "Film" + """<body style="margin: 0; background: #fff; overflow: hidden">
<canvas id=c width=%d height=%d style="position: absolute; left: 0; top: 0"></canvas>
<input id=t style="position: absolute; left: 20px; top: %dpx; width: 400px; height: 40px;
 font: 20px monospace; outline: none">
<script>
const W = %d, H = %d, g = document.getElementById('c').getContext('2d', {alpha: false});
const t = document.getElementById('t'), still = document.createElement('canvas');
still.width = still.height = 512;
const s = still.getContext('2d'), noise = s.createImageData(512, 512);
for (let i = 0, v = 1; i < noise.data.length; i++)
  noise.data[i] = (v = v * 1103515245 + 12345 & 0x7fffffff) >> 16;
s.putImageData(noise, 0, 0);
s.globalAlpha = 0.7;
for (let i = 0; i < 60; i++) {
  s.fillStyle = 'hsl(' + i * 67 %% 360 + ', 60%%, 50%%)';
  s.beginPath();
  s.arc(i * 197 %% 512, i * 311 %% 512, 20 + i, 0, 7);
  s.fill();
}
let n = 0, runs = true;
function draw() {
  if (!runs) return;
  if (n++ %% 2 === 0) {
    g.save();
    g.translate(W / 2, H / 2);
    g.rotate(n / 170);
    g.scale(2.4 + Math.sin(n / 60), 2.4 + Math.sin(n / 60));
    g.drawImage(still, -256, -256);
    g.restore();
    const now = Date.now() %% 16777216;
    for (let band = 0; band < 4; band++)
      for (let bit = 0; bit < 24; bit++) {
        g.fillStyle = now >> 23 - bit & 1 ? '#fff' : '#000';
        g.fillRect(bit * 8, band * H / 4, 8, 8);
      }
  }
  requestAnimationFrame(draw);
}
t.addEventListener('input', () => tell('input', {value: t.value}));
t.addEventListener('keydown', e => {
  if (e.key === 'Escape') { runs = false; tell('stopped', {frames: n}); }
  if (e.key === 'Enter') { t.value = ''; runs || (runs = true, draw()); tell('runs', {}); }
});
t.focus();
draw();
</script></body></html>""" % (width, height, height + 20, width, height)


def page_menu(_query):
    options = "".join("<option>choice %d</option>" % i for i in range(30))
    return HEAD % "Menu" + """<body style="margin: 0; background: #f0ffe8; font: 20px sans-serif">
<select id=s style="position: absolute; left: 50px; top: 50px; width: 300px; height: 40px">%s</select>
<a id=a href="/colour?c=207020" target=_blank rel=opener
 style="position: absolute; left: 50px; top: 200px">another window</a>
<button id=w style="position: absolute; left: 50px; top: 300px" onclick="window.open('/colour?c=702070',
 'w', 'width=400,height=300')">pop-up</button>
<button id=x style="position: absolute; left: 200px; top: 300px"
 onclick="alert('an alert'); tell('alerted')">alert</button>
<button id=f style="position: absolute; left: 350px; top: 300px"
 onclick="document.documentElement.requestFullscreen()">full screen</button>
<input type=file id=u style="position: absolute; left: 50px; top: 400px">
<script>
document.getElementById('s').addEventListener('change', e => tell('select', {value: e.target.value}));
document.getElementById('u').addEventListener('change', e => tell('file', {name: e.target.files[0].name}));
addEventListener('fullscreenchange', () => tell('fullscreen', {on: !!document.fullscreenElement}));
</script></body></html>""" % options


def page_clipboard(query):
    text = query.get("t", "text of the page")
    return HEAD % "Clipboard" + """<body style="margin: 0; background: #fff8e0">
<textarea id=t style="width: 700px; height: 300px; font: 20px sans-serif"></textarea><script>
const t = document.getElementById('t');
t.value = %s;
t.select();
for (const kind of ['copy', 'paste'])
  addEventListener(kind, e => tell(kind, {text: e.clipboardData.getData('text/plain'),
    types: Array.from(e.clipboardData.types)}));
t.addEventListener('input', () => tell('input', {value: t.value}));
</script></body></html>""" % json.dumps(text)


def page_download(_query):
    return HEAD % "Download" + """<body style="background: #fff">
<a id=a href="/file/lading.bin?size=70000" download>file</a>
<script>setTimeout(() => document.getElementById('a').click(), 500)</script></body></html>"""


PAGES = {"text": page_text, "input": page_input, "colour": page_colour, "menu": page_menu,
         "animation": page_animation, "clipboard": page_clipboard, "download": page_download,
         "film": page_film}


def file_content(size):
    block = bytes(range(256)) * 4
    return (block * (size // len(block) + 1))[:size]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def answer(self, status, kind, body, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        report({"what": "request", "path": parts.path, "host": self.headers.get("Host", ""),
                "from": self.client_address[0], "agent": self.headers.get("User-Agent", "")})
        name = parts.path.strip("/")
        if name in PAGES:
            self.answer(200, "text/html; charset=utf-8", PAGES[name](query).encode())
        elif name.startswith("file/"):
            self.answer(200, "application/octet-stream",
                        file_content(min(int(query.get("size", "1000")), 1 << 28)),
                        Content_Disposition='attachment; filename="%s"' % posixpath.basename(name))
        elif name.startswith("docs/") or name == "docs":
            self.documentation(name[4:])
        elif name == "favicon.ico":
            self.answer(404, "text/plain", b"")
        else:
            self.answer(404, "text/plain", b"no such page\n")

    do_HEAD = do_GET

    def documentation(self, path):
        path = posixpath.normpath("/" + urllib.parse.unquote(path)).lstrip("/") or "index.html"
        file = (DOCUMENTATION / path).resolve()
        if not file.is_file() or pathlib.Path("/usr/share") not in file.parents:
            self.answer(404, "text/plain", b"no such page\n")
            return
        kind = self.types.get(file.suffix, "application/octet-stream")
        self.answer(200, kind, file.read_bytes())

    types = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript",
             ".png": "image/png", ".svg": "image/svg+xml"}

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length", "0")), 1 << 20)
        body = self.rfile.read(length)
        if self.path == "/event":
            try:
                event = json.loads(body)
            except ValueError:
                event = {"what": "nonsense"}
            event["from"] = self.client_address[0]
            report(event)
        self.answer(204, "text/plain", b"")

    def log_message(self, *_):
        pass


_output = threading.Lock()


def report(event):
    with _output:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, port=80):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), Handler)

    def handle_error(self, request, client_address):
        pass  # clients hang up as they like


# --- names ------------------------------------------------------------------------------------------

def answer_query(data):
    """Every name below .test has the addresses of the web server; nothing else exists."""
    if len(data) < 17:
        return None
    ident, flags, questions = struct.unpack(">HHH", data[:6])
    if flags & 0x8000 or questions != 1:
        return None
    labels, place = [], 12
    while place < len(data) and data[place]:
        size = data[place]
        labels.append(data[place + 1:place + 1 + size].decode("ascii", "replace").lower())
        place += 1 + size
    question = data[12:place + 5]
    kind = struct.unpack(">H", data[place + 1:place + 3])[0]
    name = ".".join(labels)
    report({"what": "query", "name": name, "type": kind})
    known = name == "test" or name.endswith(".test")
    record = b""
    if known and kind == 1:
        record = socket.inet_aton("203.0.113.20" if name.startswith("other.") else "203.0.113.10")
    elif known and kind == 28 and name.startswith("six."):
        record = socket.inet_pton(socket.AF_INET6, "2001:db8:1::10")
    head = struct.pack(">HHHHHH", ident, 0x8180 | (0 if known else 3), 1, 1 if record else 0, 0, 0)
    answer = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 5, len(record)) + record if record else b""
    return head + question + answer


class UdpQuery(socketserver.BaseRequestHandler):
    def handle(self):
        answer = answer_query(self.request[0])
        if answer:
            self.request[1].sendto(answer, self.client_address)


class TcpQuery(socketserver.StreamRequestHandler):
    timeout = 30

    def handle(self):
        head = self.rfile.read(2)
        if len(head) == 2:
            answer = answer_query(self.rfile.read(struct.unpack(">H", head)[0]))
            if answer:
                self.wfile.write(struct.pack(">H", len(answer)) + answer)


class UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    allow_reuse_address = True


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def main(arguments):
    servers = []
    if arguments[0] == "web":
        servers = [Server(a) for a in arguments[1:]]
    elif arguments[0] == "dns":
        servers = [UdpServer((arguments[1], 53), UdpQuery), TcpServer((arguments[1], 53), TcpQuery)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    report({"what": "ready"})
    # The end of the input is the end of the test.
    while os.read(0, 4096):
        pass


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.exit(0)

# --- the test's side ------------------------------------------------------------------------------

from lib_proc import Process  # noqa: E402  (the programs above need nothing of it)


class Reporter:
    def __init__(self, netns, *arguments):
        self.process = Process(sys.executable, "-B", __file__, *arguments, netns=netns)
        self.process.wait_line('"ready"', 20)

    def mark(self):
        return self.process.mark()

    def events(self, what=None, since=0):
        with self.process.changed:
            lines = self.process.lines[since:]
        found = []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                raise AssertionError("the server says: " + "\n".join(lines[-20:])) from None
            if what is None or event["what"] == what:
                found.append(event)
        return found

    def wait(self, what, seconds=30, since=0, **fields):
        """The first event of that kind whose fields have the values, or satisfy the functions,
        that are given."""
        def accept(line):
            event = json.loads(line)
            return event["what"] == what and all(
                (v(event.get(k)) if callable(v) else event.get(k) == v) for k, v in fields.items())

        try:
            return json.loads(self.process.wait_line(accept, seconds, since))
        except AssertionError as error:
            raise AssertionError("no event %s %s: %s" % (what, fields, error)) from None

    def close(self):
        self.process.stop()


class Web(Reporter):
    def __init__(self, netns, *addresses):
        super().__init__(netns, "web", *addresses)


class NameServer(Reporter):
    def __init__(self, netns, address):
        super().__init__(netns, "dns", address)
