# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with each peer. A scene gets a Stage (the peer's browser on the scene's page, the
client connected) and gives back the figures of one run.

Lossless scenes: Tight at compression 2 without a quality level, CopyRect, fences and continuous
updates where the server has them. The pointer's shape is the client's where the server can do that."""

import statistics
import time

import numpy
from PIL import Image

import measure
from film import BITS, CELL
from film import HEIGHT as HEIGHT_OF_FILM
from film import SECONDS as FILM_SECONDS
from film import WIDTH as WIDTH_OF_FILM
from peers import BUILD, HEIGHT, WIDTH

LOSSLESS = ["--encodings", "tight copyrect", "--compress", "2", "--cursor",
            "--resize", "%dx%d" % (WIDTH, HEIGHT)]
JPEG_QUALITY = 8
QUALITIES = range(4, 10)
SPEED = 1200  # pixels a second that are scrolled
CALM_MS = 400
KEYS = 60
KEY_INTERVAL_US = 120000
PAGE_HEIGHT = 993  # the browser's bars are above
# Without blanks: these change no pixel, and would count as lost.
PANGRAM = "the.quick.pilot.moors.five.barges.by.the.old.jetty.and.waits.for.the.tide."


def jpeg(quality):
    return LOSSLESS + ["--quality", str(quality)]


def h264():
    return ["--encodings", "h264 tight copyrect"] + LOSSLESS[2:] + ["--quality", str(JPEG_QUALITY)]


class Stage:
    """The peer with its page and a client. `top` is where the page begins on the screen."""

    def __init__(self, peer, client, seconds):
        self.peer, self.client, self.seconds = peer, client, seconds
        self.site = peer.site
        self.top = 0
        self.record = None  # where the frames of a scroll go

    def go(self, page):
        """To a page, once it is as large as the screen and nothing moves."""
        event = self.site.go(self.peer.name, page)
        deadline = time.monotonic() + 20
        while event["inner"][0] < WIDTH:
            if time.monotonic() > deadline:
                raise AssertionError("%s: the page is %s wide" % (self.peer.name, event["inner"][0]))
            time.sleep(0.1)
            event["inner"] = self.site.ask(self.peer.name, "[innerWidth, innerHeight]")
            event["outer"] = self.site.ask(self.peer.name, "[outerWidth, outerHeight]")
        self.top = self.peer.top(event)

    def ask(self, expression):
        return self.site.ask(self.peer.name, expression)

    def measured(self, action, calm=True, pids=None):
        """Figures of the time in which action() runs and until the picture is still."""
        meter = measure.Meter(pids or self.peer.server_pids())
        self.client.ask("begin", "scene")
        meter.start()
        action()
        if calm:
            self.client.still(CALM_MS)
        figures = meter.stop()
        answer = self.client.ask("end")
        figures.update(condense(answer))
        frames = max(figures["frames"], 1)
        figures["cpu_ms_a_frame"] = figures["cpu_ms"] / frames
        figures["bytes_a_frame"] = figures["bytes"] / frames
        figures["pixels_a_frame"] = sum(figures["pixels_by"].values()) / frames
        return figures


def percentile(values, share):
    """The value below which that share lies, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def condense(answer):
    """What the client's `end` says, in the names of the results. Frames a second are those between
    the first and the last frame; the time to come to rest is not in it."""
    gaps = answer["gaps_us"]
    figures = {
        "seconds": answer["seconds"], "bytes": answer["bytes_in"], "rfb_bytes": answer["rfb_bytes"],
        "updates": answer["updates"], "frames": answer["frames"], "copies": answer["copies"],
        "fps": 1e6 * len(gaps) / sum(gaps) if gaps else 0, "gaps_ms": [g / 1000 for g in gaps],
        "pixels_by": answer["pixels_by"], "bytes_by": answer["bytes_by"],
        "client_cpu_ms": answer["cpu_us"] / 1000}
    if answer["latencies_us"]:
        late = [l / 1000 for l in answer["latencies_us"]]
        figures.update(latencies_ms=late, lost=answer["lost"], p50_ms=percentile(late, 0.5),
                       p95_ms=percentile(late, 0.95), p99_ms=percentile(late, 0.99))
    elif answer["lost"]:
        figures["lost"] = answer["lost"]
    for name in ("ssim", "psnr"):
        if answer.get(name):
            figures[name] = statistics.mean(last_of_each(answer[name]))
    if answer.get("codes"):
        figures["codes"] = answer["codes"]
    return figures


def last_of_each(pairs):
    """Values of [number, value], the last where a number stands several times in a row: a frame in
    several updates is whole in the last of them."""
    return [value for i, (number, value) in enumerate(pairs)
            if i + 1 == len(pairs) or pairs[i + 1][0] != number]


# --- scrolling ------------------------------------------------------------------------------------

def calibrate(stage):
    """How far one notch of the wheel goes differs between X11 and Wayland; the speed shall not."""
    if stage.peer.pixels_a_notch:
        return
    stage.go("p/pane.html")
    stage.client.still(CALM_MS)
    stage.client.ask("wheel", 600, 500 + stage.top, 1, 0)
    stage.client.still(CALM_MS)
    stage.peer.pixels_a_notch = stage.ask("document.getElementById('pane').scrollTop")
    if not stage.peer.pixels_a_notch:
        raise AssertionError("%s: the wheel does nothing" % stage.peer.name)


def wheel(stage, x, y, position):
    """Turns the wheel at that place of the page for the scene's time; `position` is the expression
    that tells how far it went."""
    notch = stage.peer.pixels_a_notch
    notches = round(stage.seconds * SPEED / notch)
    stage.client.ask("pointer", x, y + stage.top, 0)
    stage.client.still(CALM_MS)
    if stage.record:
        stage.client.ask("record", stage.record)
    figures = stage.measured(lambda: stage.client.ask(
        "wheel", x, y + stage.top, notches, round(1e6 * notch / SPEED),
        seconds=stage.seconds + 30))
    if stage.record:
        stage.client.ask("record-stop", seconds=120)
    figures["distance"] = stage.ask(position)
    if figures["distance"] < 0.9 * notches * notch:
        raise AssertionError("%s: the page went only %d of %d pixels"
                             % (stage.peer.name, figures["distance"], notches * notch))
    return figures


def scroll(page):
    def run(stage):
        calibrate(stage)
        stage.go(page)
        return wheel(stage, WIDTH // 2, 500, "scrollY")
    return run


def pane(stage):
    calibrate(stage)
    stage.go("p/pane.html")
    return wheel(stage, 600, 500, "document.getElementById('pane').scrollTop")


# --- typing, clicking, dragging ---------------------------------------------------------------------

def typing(page):
    def run(stage):
        stage.go(page)
        stage.client.ask("click", 500, 400 + stage.top)
        stage.client.ask("pointer", 1020, 700 + stage.top, 0)
        time.sleep(0.5)
        keys = (PANGRAM * 3)[:max(round(KEYS * stage.seconds / 5), 10)]
        figures = stage.measured(lambda: stage.client.ask(
            "type", keys, KEY_INTERVAL_US, 100, 100 + stage.top, 900, 500), calm=False)
        typed = stage.ask("document.getElementById('field').value")
        if typed != keys:
            raise AssertionError("%s: typed %r, the page has %r" % (stage.peer.name, keys, typed))
        return figures
    return run


def switch(stage):
    stage.go("p/switch.html")
    stage.client.ask("pointer", 150, 40 + stage.top, 0)
    stage.client.still(CALM_MS)

    def clicks():
        for _ in range(max(round(2 * stage.seconds), 4)):
            stage.client.ask("latency-click", 150, 40 + stage.top, 320, stage.top, 1500, 900)
            stage.client.still(CALM_MS)
    return stage.measured(clicks, calm=False)


def drag(stage):
    stage.go("p/drag.html")
    stage.client.ask("pointer", 200, 120 + stage.top, 0)
    stage.client.still(CALM_MS)
    corners = [(200, 120), (1200, 500), (600, 300), (1300, 200), (200, 120)]
    steps = round(stage.seconds * 60 / (len(corners) - 1))

    def drags():
        for (x1, y1), (x2, y2) in zip(corners, corners[1:]):
            stage.client.ask("drag", x1, y1 + stage.top, x2, y2 + stage.top, steps, 16667)
    figures = stage.measured(drags)
    place = stage.ask("at")
    if place != [100, 100]:
        raise AssertionError("%s: the panel is at %s" % (stage.peer.name, place))
    return figures


# --- films and pictures -----------------------------------------------------------------------------

FILM_X, FILM_Y = 64, 64


def open_film(stage, kind, rate=1):
    stage.go("p/film.html?" + kind)
    stage.client.ask("pointer", 1500, 900 + stage.top, 0)
    stage.client.ask("barcode", FILM_X, FILM_Y + stage.top, CELL, BITS)
    stage.ask("video.playbackRate = %g, video.play().then(() => 1)" % rate)


def truth(kind, suffix=".lzfr"):
    return BUILD / "bench-results" / ("film-%s%s" % (kind, suffix))


def record_truth(kind):
    """The film's frames as the browser draws them, and the page around: played slowly to a lossless
    client, so that each of them arrives. Done once, with the first peer."""
    def run(stage):
        open_film(stage, kind, rate=0.25)
        stage.client.ask("record-codes", truth(kind), FILM_X, FILM_Y + stage.top, WIDTH_OF_FILM,
                         HEIGHT_OF_FILM)
        stage.client.ask("begin", "truth")
        time.sleep(4.2 * FILM_SECONDS)
        codes = stage.client.ask("end")["codes"]
        stage.client.ask("record-stop", seconds=120)
        stage.client.ask("shot", truth(kind, ".ppm"))
        return {"top": stage.top, "numbers": len({c[1] for c in codes})}
    return run


def around(path):
    """A picture without the film, and without the top rows where the peer's name is in the
    address."""
    with Image.open(path) as image:
        pixels = numpy.array(image)
    top = HEIGHT - PAGE_HEIGHT
    pixels[top + FILM_Y:top + FILM_Y + HEIGHT_OF_FILM, FILM_X:FILM_X + WIDTH_OF_FILM] = 0
    return pixels[top:, :WIDTH]


def film_quality(kind):
    """The same with each frame compared with the true one, when all of them are there; keeping them
    takes the client's time: speed and CPU are not taken from this run. And whether the page around
    the film is exact."""
    def run(stage):
        open_film(stage, kind)
        stage.client.ask("compare", truth(kind))
        time.sleep(1.5)
        figures = stage.measured(lambda: time.sleep(max(stage.seconds, FILM_SECONDS)), calm=False)
        stage.client.ask("compare", "off")
        shot = truth(kind, "-%s.ppm" % stage.peer.name)
        stage.client.ask("shot", shot)
        numbers = figures.pop("codes")
        figures["delivered"] = distinct(numbers)
        figures["bytes_a_film_frame"] = figures["bytes"] / max(distinct(numbers), 1)
        same = around(shot) == around(truth(kind, ".ppm"))
        figures["around_exact"] = bool(same.all())
        figures["around_wrong_pixels"] = int((~same.all(axis=2)).sum())
        return figures
    return run


def film(kind):
    def run(stage):
        open_film(stage, kind)
        time.sleep(1.5)
        before = stage.ask("shown()")
        figures = stage.measured(lambda: time.sleep(stage.seconds), calm=False)
        codes = figures.pop("codes", [])
        figures["bytes_a_film_frame"] = figures["bytes"] / max(distinct(codes), 1)
        after = stage.ask("shown()")
        figures["film_fps"] = distinct(codes) / figures["seconds"]
        figures["browser_fps"] = ((after["total"] - after["dropped"] - before["total"]
                                   + before["dropped"]) / figures["seconds"])
        times = [t for t, _ in first_seen(codes)]
        if len(times) > 2:
            figures["film_gap_p95_ms"] = percentile(
                [(b - a) / 1000 for a, b in zip(times, times[1:])], 0.95)
        return figures
    return run


def first_seen(codes):
    """[time, number] where the number is another than before."""
    return [c for i, c in enumerate(codes) if i == 0 or codes[i - 1][1] != c[1]]


def distinct(codes):
    return len(first_seen(codes))


def gallery(stage):
    calibrate(stage)
    stage.go("p/gallery.html")
    stage.ask("Promise.all(Array.from(document.images, i => i.decode())).then(() => 1)")
    return wheel(stage, WIDTH // 2, 500, "scrollY")


# --- where little moves -----------------------------------------------------------------------------

IDLE_FACTOR = 3


def idle(stage):
    stage.go("p/idle.html")
    stage.client.still(2000)
    return stage.measured(lambda: time.sleep(IDLE_FACTOR * stage.seconds), calm=False,
                          pids=stage.peer.idle_pids())


def corner(stage):
    stage.go("p/corner.html")
    time.sleep(1)
    return stage.measured(lambda: time.sleep(stage.seconds), calm=False)


# --- the list ---------------------------------------------------------------------------------------

class Scene:
    """`peers`: with whom; None: all. `runs`: at most so many. `main`: stands in the tables."""

    def __init__(self, title, run, settings=None, peers=None, runs=None, main=True):
        self.title, self.run = title, run
        self.settings = settings or LOSSLESS
        self.peers, self.runs, self.main = peers, runs, main


SCENES = {
    "scroll-policy": Scene("scroll, Debian policy", scroll("doc/policy/ch-controlfields.html")),
    "scroll-git": Scene("scroll, git-config(1)", scroll("doc/git/git-config.html")),
    "scroll-reference": Scene("scroll, Debian reference", scroll("doc/reference/ch09.en.html")),
    "sidebar": Scene("scroll, Python library (sticky header, fixed sidebar)",
                     scroll("doc/python/library/stdtypes.html")),
    "pane": Scene("scroll, inner pane", pane),
    "typing": Scene("typing, idle page", typing("p/typing.html")),
    "typing-animated": Scene("typing, animated page", typing("p/typing.html?animation")),
    "switch": Scene("page switch", switch),
    "drag": Scene("window drag", drag),
    "film-natural": Scene("film, natural, JPEG", film("natural"), jpeg(JPEG_QUALITY)),
    "film-synthetic": Scene("film, synthetic, JPEG", film("synthetic"), jpeg(JPEG_QUALITY)),
    "film-natural-h264": Scene("film, natural, H.264", film("natural"), h264(), ["lazaret"]),
    "film-synthetic-h264": Scene("film, synthetic, H.264", film("synthetic"), h264(), ["lazaret"]),
    "gallery": Scene("scroll, image gallery", gallery),
    "corner": Scene("animation in a corner", corner),
    "idle": Scene("idle page", idle),
}


def add_quality_scenes():
    """Bytes and likeness at each quality, once: the curve on which the peers are compared."""
    for kind in ("natural", "synthetic"):
        for quality in QUALITIES:
            SCENES["quality-%s-%d" % (kind, quality)] = Scene(
                "film, %s, quality %d" % (kind, quality), film_quality(kind), jpeg(quality),
                ["lazaret", "xvnc"] if quality == JPEG_QUALITY else ["xvnc"],
                runs=2 if quality == JPEG_QUALITY else 1, main=False)
        SCENES["quality-%s-h264" % kind] = Scene(
            "film, %s, H.264" % kind, film_quality(kind), h264(), ["lazaret"], runs=2, main=False)


add_quality_scenes()
TRUTHS = {"film-%s" % kind: Scene("", record_truth(kind)) for kind in ("natural", "synthetic")}
SCROLLS = [name for name in SCENES if name.startswith("scroll-") or name in ("sidebar", "pane")]
