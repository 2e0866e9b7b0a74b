# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to hold, decided from the results of one bench: each line is met, missed or not measured,
with the figure."""

import math
import statistics

from tables import US, median, ratio, records_of, scenes_of

PEER = "xvnc"
TEXT_SCROLLS = ("scroll-policy", "scroll-git", "scroll-reference")
INNER_SCROLLS = ("pane", "sidebar")
SSIM_NEAR = 0.003
FILM_RATE = 30
MEMORY_MAX = 40e6


class Bound:
    """`good`: True, False, or None if the results do not tell."""

    def __init__(self, point, text, good, figure):
        self.point, self.text, self.good, self.figure = point, text, good, figure

    @property
    def verdict(self):
        return {True: "met", False: "missed", None: "not measured"}[self.good]

    def __str__(self):
        return "%-12s %-3s %s: %s" % (self.verdict, self.point, self.text, self.figure)


def at_most(point, text, value, limit, digits=3, unit=""):
    if value is None:
        return Bound(point, text, None, "no figure")
    return Bound(point, text, value <= limit, "%.*f%s (at most %.*f)" % (digits, value, unit, digits,
                                                                        limit))


def at_least(point, text, value, limit, digits=2):
    if value is None:
        return Bound(point, text, None, "no figure")
    return Bound(point, text, value >= limit, "%.*f (at least %.*f)" % (digits, value, digits, limit))


def extra(result, *keys):
    """A figure of a part that is run beside the scenes, or None."""
    value = result
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def scroll_bounds(result):
    for scenes, point, of_floor, of_peer in ((TEXT_SCROLLS, "1", 1.5, 1 / 15),
                                             (INNER_SCROLLS, "2", 2, 1 / 8)):
        for scene in scenes:
            yield at_most(point, "%s: bytes as a part of the floor" % scene,
                          extra(result, "floor", scene, "ratio"), of_floor, 2)
            yield at_most(point, "%s: bytes as a part of TigerVNC's" % scene,
                          ratio(result, scene, PEER, "bytes"), of_peer)
            if scene not in TEXT_SCROLLS:
                continue
            yield at_most(point, "%s: CPU a frame as a part of TigerVNC's" % scene,
                          ratio(result, scene, PEER, "cpu_ms_a_frame"), 1 / 3)
            yield at_least(point, "%s: frames a second by TigerVNC's" % scene,
                           ratio(result, scene, PEER, "fps"), 1)
            yield at_least(point, "%s: frames a second" % scene,
                           median(result, scene, US, "fps"), 55, 1)
    for scene in TEXT_SCROLLS + INNER_SCROLLS:
        exact = extra(result, "exact", scene)
        yield Bound("1", "%s: each delivered frame exact" % scene, exact and exact["wrong"] == 0,
                    "%d frames, %d wrong" % (exact["frames"], exact["wrong"]) if exact
                    else "no figure")


def typing_bounds(result):
    for scene in ("typing", "typing-animated"):
        for key in ("p50_ms", "p95_ms"):
            yield at_most("3", "%s: %s by TigerVNC's" % (scene, key[:3]),
                          ratio(result, scene, PEER, key), 2 / 3)
    yield at_most("3", "typing: median over the browser's own key-to-commit time",
                  extra(result, "key_overhead", "typing", "p50_ms"), 5, 1, " ms")
    yield Bound("3", "typing-animated: over the browser's own key-to-commit time", None,
                "which commit shows the key cannot be told on a page that moves")


# --- films ----------------------------------------------------------------------------------------

def quality_points(result, kind, peer):
    """[(SSIM, bytes a film frame)] of the qualities, by SSIM."""
    points = []
    for scene in scenes_of(result):
        if scene.startswith("quality-%s-" % kind) and not scene.endswith("h264"):
            pair = (median(result, scene, peer, "ssim"),
                    median(result, scene, peer, "bytes_a_film_frame"))
            if None not in pair:
                points.append(pair)
    return sorted(points)


def bytes_at(points, ssim):
    """Bytes a frame on the curve at that SSIM, between its points by the logarithm of the bytes. None
    where the curve does not come within SSIM_NEAR."""
    if not points or ssim < points[0][0] - SSIM_NEAR or ssim > points[-1][0] + SSIM_NEAR:
        return None
    if ssim <= points[0][0]:
        return points[0][1]
    for (s1, b1), (s2, b2) in zip(points, points[1:]):
        if s1 <= ssim <= s2:
            part = (ssim - s1) / (s2 - s1) if s2 > s1 else 0
            return math.exp(math.log(b1) + part * (math.log(b2) - math.log(b1)))
    return points[-1][1]


def film_bound(result, kind, scene, limit, what):
    text = "film %s, %s: bytes a frame by TigerVNC's JPEG at the same SSIM" % (kind, what)
    ssim = median(result, scene, US, "ssim")
    ours = median(result, scene, US, "bytes_a_film_frame")
    theirs = bytes_at(quality_points(result, kind, PEER), ssim) if ssim is not None else None
    if ssim is None or ours is None:
        return Bound("4", text, None, "no figure")
    if theirs is None:
        return Bound("4", text, None, "SSIM %.4f is none that TigerVNC reaches: %s" % (
            ssim, ", ".join("%.4f" % s for s, _ in quality_points(result, kind, PEER)) or "none"))
    return Bound("4", text, ours / theirs <= limit, "%.3f at SSIM %.4f (at most %.3f): %.0f of %.0f"
                 % (ours / theirs, ssim, limit, ours, theirs))


def has_h264(result, kind):
    """Whether the server sent any; it may lack it, or not have taken the film for one."""
    return any(r["bytes_by"].get("h264") for r in records_of(result, "film-%s-h264" % kind, US)
               + records_of(result, "quality-%s-h264" % kind, US))


def film_bounds(result):
    for kind in ("natural", "synthetic"):
        yield at_least("4", "film %s, JPEG: pictures a second" % kind,
                       median(result, "film-" + kind, US, "film_fps"), 0.9 * FILM_RATE, 1)
        yield film_bound(result, kind, "quality-%s-8" % kind, 1, "JPEG")
        if has_h264(result, kind):
            yield at_least("4", "film %s, H.264: pictures a second" % kind,
                           median(result, "film-%s-h264" % kind, US, "film_fps"),
                           0.9 * FILM_RATE, 1)
            yield film_bound(result, kind, "quality-%s-h264" % kind, 1 / 3, "H.264")
        else:
            yield Bound("4", "film %s, H.264" % kind, None,
                        "NOTE: the server sent no rectangle of H.264")
        wrong = [r["around_wrong_pixels"] for scene in scenes_of(result)
                 if scene.startswith("quality-" + kind) for r in records_of(result, scene, US)]
        yield Bound("4", "film %s: the page around it is exact" % kind,
                    max(wrong) == 0 if wrong else None,
                    "%d pixels wrong in %d runs" % (sum(wrong), len(wrong)) if wrong
                    else "no figure")
    yield Bound("4", "film on a limited line", None, "tests/system/test_slow_line.py")


# --- the rest ---------------------------------------------------------------------------------------

def rate(result, scene, key):
    values = [r[key] / r["metered_seconds"] for r in records_of(result, scene, US)]
    return statistics.median(values) if values else None


def idle_bounds(result):
    yield at_most("5", "idle: bytes", median(result, "idle", US, "bytes"), 0, 0)
    cpu = rate(result, "idle", "cpu_ms")
    yield at_most("5", "idle: CPU of all our processes", cpu / 10 if cpu is not None else None, 0.1,
                  3, " %")
    yield at_most("5", "idle: wake-ups a second of all our processes",
                  rate(result, "idle", "wake_ups"), 1, 2)
    outside = [r["pixels_a_frame"] for r in records_of(result, "corner", US)]
    yield at_most("5", "corner: pixels coded a frame (the animation has 10,000)",
                  statistics.median(outside) if outside else None, 10000, 0)


def memory_bounds(result):
    for scene in scenes_of(result):
        if scene != "idle" and not scene.startswith("quality"):
            yield at_most("6", "memory after %s" % scene,
                          (median(result, scene, US, "pss") or 0) / 1e6 or None, MEMORY_MAX / 1e6,
                          1, " MB")
    yield Bound("6", "memory over an hour", None, "make soak")


ROWS = (("bytes", False), ("fps", True), ("cpu_ms_a_frame", False), ("p50_ms", False),
        ("p95_ms", False), ("pss", False))
# Frames a second that differ by less are the same.
SAME = 0.02


def wayvnc_bounds(result):
    for scene in scenes_of(result):
        for key, more in ROWS:
            value = ratio(result, scene, "wayvnc", key)
            if value is None or (scene == "idle" and key in ("pss", "cpu_ms_a_frame")):
                continue
            good = value >= 1 - SAME if more else value <= 1
            yield Bound("9", "%s: %s by wayvnc's" % (scene, key), good, "%.3f" % value)


def bounds(result):
    found = []
    for part in (scroll_bounds, typing_bounds, film_bounds, idle_bounds, memory_bounds,
                 wayvnc_bounds):
        found += list(part(result))
    found.insert(-1, Bound("7", "a slow line", None, "tests/system/test_slow_line.py"))
    return found


def print_bounds(result, out):
    """Whether none is missed."""
    found = bounds(result)
    for bound in found:
        # Of the many that only say that we are ahead of wayvnc, those that do not are of interest.
        if bound.point != "9" or not bound.good:
            print(bound, file=out)
    ahead = [b for b in found if b.point == "9"]
    print("ahead of wayvnc in %d of %d rows" % (sum(b.good for b in ahead), len(ahead)), file=out)
    print("%d bounds met, %d missed, %d not measured" % tuple(
        sum(b.good is kind for b in found) for kind in (True, False, None)), file=out)
    return all(b.good is not False for b in found)
