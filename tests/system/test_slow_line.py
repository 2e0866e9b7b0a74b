# SPDX-License-Identifier: GPL-3.0-or-later
"""A page with a film and a field to type in, over a line of 2 Mbit/s, 80 ms and 1 % loss; and viewers
that misuse what flow control rests on."""

import random
import struct
import time

import lib_net
from lib_line import Line
from lib_proc import wait_until
from lib_system import SystemTest
from lib_tight import TightClient

ALONE = True

FILM = (640, 360)
RATE, DELAY, LOSS = 2_000_000, 0.04, 0.01
ESCAPE, RETURN = 0xFF1B, 0xFF0D


def at(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


class Page(SystemTest):
    seconds = 200
    users = ("alice",)
    workstations = 1
    url = "http://%s/film?w=%d&h=%d" % (lib_net.WEB, *FILM)
    options = {"idle-limit": 0}

    def viewer(self, **options):
        client = TightClient(self.system.address, self.system.port, self.system.ca,
                             self.network.workstations[0], **options)
        self.addCleanup(client.close)
        return client.login(*self.system.users["alice"])

    def page(self, client):
        """The page's first row in the picture, once it plays and has the focus."""
        wait_until(lambda: client.idle(0.3) or self.web.events("loaded"), 60, "the page is there")
        top = client.height - self.web.events("loaded")[-1]["height"]
        client.click(100, top + FILM[1] + 40)
        client.idle(1)
        return top


class Typing(Page):
    def type(self, client, top, keys, trip):
        """Times from key to picture, in seconds, at the viewer; no echo is sooner than `trip`."""
        field = (20, top + FILM[1] + 20, 430, top + FILM[1] + 64)
        pending, times = [], []

        def press(letter):
            pending.append(time.monotonic())
            client.key(letter)

        def arrived(update):
            when = update.touches(field)
            while when and pending and when - pending[0] >= trip:
                times.append(when - pending.pop(0))

        rng, when = random.Random(5), time.monotonic() + 0.2
        for number in range(keys):
            client.at(when, lambda n=number: press(ord("a") + n % 26 if n % 25 else RETURN))
            when += rng.uniform(0.15, 0.25)
        client.then = arrived
        client.pump(lambda: len(times) == keys)
        client.then = None
        return times

    def stop_film(self, client, top):
        """Seconds from the film's end to the last of its pixels."""
        mark, film = self.web.mark(), (0, top, FILM[0], top + FILM[1])
        client.key(ESCAPE)
        client.pump(lambda: self.web.events("stopped", mark))
        stopped, before = time.monotonic(), len(client.updates)
        client.idle(6)
        last = [u.end for u in client.updates[before:] if u.touches(film)]
        self.assertEqual(sum(client.lossy), 0, "pixels that are not exact")
        client.key(RETURN)
        return max(last + [stopped]) - stopped

    def slow(self, loss, quality):
        """Types on the direct line, then on the slow one, while the film plays."""
        client = self.viewer(quality=quality)
        top = self.page(client)
        browser = self.type(client, top, 25, 0)
        client.close()
        line = Line(self.network, rate=RATE, delay=DELAY, loss=loss)
        self.addCleanup(line.close)
        client = self.viewer(quality=quality)
        client.idle(3)
        first = len(client.updates)
        times = self.type(client, top, 50, 2 * DELAY)
        longest = max(u.end - u.start for u in client.updates[first:])
        exact = self.stop_film(client, top)
        line.close()
        print("result: typing beside a film, %d %% loss, quality %s: p50 %.0f p90 %.0f p95 %.0f ms; on "
              "the direct line p50 %.0f p95 %.0f ms; longest update %.0f ms; exact after %.1f s" % (
                  100 * loss, quality, *(1000 * at(times, s) for s in (0.5, 0.9, 0.95)),
                  *(1000 * at(browser, s) for s in (0.5, 0.95)), 1000 * longest, exact))
        # What the browser takes by itself, beside the line's time, is not ours.
        return ([at(times, s) - 2 * DELAY - at(browser, s) for s in (0.5, 0.9)], longest, exact)

    def test_typing_beside_a_film(self):
        for loss, quality, bounds in ((0.0, 8, (0.05, 0.1)), (LOSS, 8, (0.07, 0.3)),
                                      (LOSS, None, (0.07, 0.3))):
            with self.subTest(loss=loss, quality=quality):
                more, longest, exact = self.slow(loss, quality)
                for got, bound in zip(more, bounds):
                    self.assertLess(got, bound)
                self.assertLess(longest, 1)
                self.assertLess(exact, 2.5)


class Misuse(Page):
    """The film plays; what such a viewer does costs it its picture and nobody anything else."""

    def test_fences_without_answers(self):
        client = self.viewer()
        self.page(client)
        client.answer_fences = False
        before = client.received
        client.pump(lambda client=client, end=time.monotonic() + 2: time.monotonic() > end)
        quiet = client.received
        client.pump(lambda client=client, end=time.monotonic() + 2: time.monotonic() > end)
        # Not one update more than the window lets.
        self.assertEqual(client.received, quiet)
        self.assertLess(quiet - before, 6 << 20)
        client.close()
        self.check_alive()

    def test_fences_that_were_not_sent(self):
        client = self.viewer()
        self.page(client)
        rng = random.Random(1)
        for _ in range(2000):
            client.write(struct.pack(">BxxxIB", 248, 1, 4) + rng.randbytes(4))
        first = len(client.updates)
        client.idle(1)
        self.assertGreater(len(client.updates) - first, 3)
        client.close()
        self.check_alive()

    def test_one_byte_a_second(self):
        client = self.viewer()
        self.page(client)
        display, = self.system.processes("lazaret-display")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            client.read(1)
            time.sleep(1)
        cpu, memory = type(display)(display.pid).cpu - display.cpu, self.memory(display.pid)
        print("result: a viewer that reads a byte a second: %.2f s of CPU in 5 s, %d MB" % (
            cpu, memory >> 20))
        self.assertLess(memory, 200 << 20)
        client.close()
        self.check_alive()

    @staticmethod
    def memory(pid):
        with open("/proc/%d/statm" % pid, encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096

    def check_alive(self):
        """The next one has a picture that moves."""
        client = self.viewer()
        client.idle(1)
        self.assertGreater(len(client.updates), 3)
        client.close()
