# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions: what a user sees, who else sees it, how it ends, and what is left then."""

import pathlib
import time

from lib_proc import wait_until
from lib_rfb import Closed
from lib_system import CONTROL, SystemTest
from lib_web import file_content

BLUE = (0x30, 0x60, 0xC0)


class Session(SystemTest):
    options = {"idle-limit": 0}
    seconds = 120

    def tearDown(self):
        self.system.end_sessions()

    def test_page_is_shown(self):
        client = self.login("alice")
        client.wait_colour(BLUE, 0.7)
        self.assertEqual(client.name, "Lazaret: " + self.system.name("alice"))
        self.web.wait("request", since=self.web_mark, path="/colour")

    def test_typing_and_clicking(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        self.open(client, "/input")
        # The address bar had the focus a moment ago.
        client.click(200, 200)
        self.wait_web(client, "mouseup", 20, self.web_mark)
        text = "Hello, world: äöüß€ñ 漢字"
        client.type(text)
        self.web.wait("input", 30, self.web_mark, value=text)
        mark = self.web.mark()
        client.wait_colour((0xE8, 0xF0, 0xFF), 0.2)
        box = self.find(client, (0xFF, 0xD0, 0xD0))
        # The button stands 250 pixels to the left of the coloured box.
        client.click(box[0] - 200, box[1] + 30)
        self.web.wait("button", 20, mark)
        client.click(box[0] + 50, box[1] + 50, button=3)
        event = self.web.wait("mousedown", 20, mark, button=2)
        self.assertAlmostEqual(event["x"], 350, delta=2)
        self.assertAlmostEqual(event["y"], 350, delta=2)

    @staticmethod
    def find(client, colour):
        """The first pixel of a colour, in reading order."""
        for _ in range(20):
            for y in range(0, client.height, 2):
                for x in range(0, client.width, 2):
                    if client.pixel(x, y) == colour:
                        return x, y
            client.refresh()
        raise AssertionError("nothing has the colour %s" % (colour,))

    def test_scrolling(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        self.open(client, "/text")
        # Nobody scrolls what he does not see yet; Chromium does not either.
        client.wait_colour((0xFF, 0xFF, 0xFF), 0.4)
        mark = self.web.mark()
        client.wheel(client.width // 2, client.height // 2, 10)
        # Ten notches of 120 pixels, no matter how fast the frames come.
        self.wait_web(client, "scroll", 20, mark, y=1200)
        client.wheel(client.width // 2, client.height // 2, -10)
        self.wait_web(client, "scroll", 20, mark, y=0)

    def test_resize(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        mark = self.web.mark()
        client.resize(1000, 700)
        self.web.wait("resize", 30, mark, width=1000)
        client.wait_colour(BLUE)
        self.assertEqual((client.width, client.height), (1000, 700))

    def test_takeover(self):
        first = self.login("alice", 0)
        first.wait_colour(BLUE)
        session = self.system.session("alice")
        self.assertIn("10.77.0.10", session["viewer"])
        first.request()
        second = self.login("alice", 1)
        second.wait_colour(BLUE)
        # The earlier viewer is shown a notice instead of the page, and is closed.
        self.assertTrue(first.closed_within(15))
        self.assertLess(first.share(BLUE), 0.5)
        self.assertGreater(len({first.pixel(x, y) for x in range(0, first.width, 3)
                                for y in range(0, first.height, 3)}), 1)
        after = self.system.session("alice")
        self.assertEqual(after["id"], session["id"])
        self.assertIn("10.77.0.11", after["viewer"])

    def test_disconnect_keeps_the_session(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        self.open(client, "/colour?c=20a040")
        client.wait_colour((0x20, 0xA0, 0x40))
        before = self.system.session("alice")["id"]
        client.close()
        self.system.wait_state("alice", "detached")
        again = self.login("alice", 1)
        again.wait_colour((0x20, 0xA0, 0x40))
        self.assertEqual(self.system.session("alice")["id"], before)

    def test_two_users(self):
        alice, bob = self.login("alice", 0), self.login("bob", 1)
        alice.wait_colour(BLUE)
        bob.wait_colour(BLUE)
        self.open(alice, "/colour?c=c02020")
        self.open(bob, "/colour?c=20c020")
        alice.wait_colour((0xC0, 0x20, 0x20))
        bob.wait_colour((0x20, 0xC0, 0x20))
        sessions = {s["user"]: s for s in self.system.sessions()}
        self.assertEqual(len({s["id"] for s in sessions.values()}), 2)
        for user in ("alice", "bob"):
            owners = {p.uid for p in self.system.cell_processes(user)}
            self.assertEqual(owners, {self.system.uid(user)})
        displays = {p.uid for p in self.system.processes("lazaret-display")}
        self.assertEqual(len(displays), 2)
        self.assertFalse(displays & {0, self.system.uid("alice"), self.system.uid("bob")})
        # Sharing is not to be had by asking: the other's picture stays what it was.
        bob.refresh(False)
        self.assertGreater(bob.share((0x20, 0xC0, 0x20)), 0.5)

    def test_last_window_closed(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        client.chord(CONTROL, ord("w"))
        self.assertTrue(client.closed_within(20))
        self.system.wait_ended("alice")
        self.system.wait_clean()
        again = self.login("alice")
        again.wait_colour(BLUE)

    def test_end(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        client.request()
        self.system.ctl("end", self.system.name("alice"), "enough for today")
        self.assertTrue(client.closed_within(20))
        self.system.wait_ended("alice")
        self.system.wait_clean()
        self.system.wait_log("session.ended", since=self.mark)

    def test_kick(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        client.request()
        self.system.ctl("kick", self.system.name("alice"), "please come again")
        self.assertTrue(client.closed_within(20))
        self.system.wait_state("alice", "detached")
        with self.assertRaises(Closed):
            client.read(1)

    def test_windows_menus_and_dialogues(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        self.open(client, "/menu")
        client.wait_colour((0xF0, 0xFF, 0xE8))
        mark = self.web.mark()
        # By the keyboard: the first thing that takes the focus is the list.
        client.key(0xFF09)
        client.key(0xFF54)
        client.key(0xFF54)
        self.wait_web(client, "select", 20, mark, value="choice 2")
        # By the pointer: the list opens as a window of its own, above the page.
        left, top = self.find(client, (0xF0, 0xFF, 0xE8))
        middle = (left + 60, top + 160, 280, 100)
        client.refresh(False)
        before = client.region(*middle)
        client.click(left + 200, top + 70)
        client.wait_change(before, middle)
        shown = client.region(*middle)
        client.key(0xFF1B)
        client.wait_change(shown, middle)
        # An alert is a window too.
        page = (left, top, client.width - left, 200)
        before = client.region(*page)
        client.click(left + 230, top + 312)
        client.wait_change(before, page)
        self.press_until(client, 0xFF0D, "alerted")
        # Full screen and back.
        client.click(left + 380, top + 312)
        self.wait_web(client, "fullscreen", 20, mark, on=True)
        client.key(0xFF1B)
        self.wait_web(client, "fullscreen", 20, mark, on=False)
        # A link to another window: it fills the screen, and closing it brings the first back.
        client.wait_colour((0xF0, 0xFF, 0xE8))
        client.click(left + 80, top + 212)
        client.wait_colour((0x20, 0x70, 0x20))
        client.chord(CONTROL, ord("w"))
        client.wait_colour((0xF0, 0xFF, 0xE8))

    def test_downloads_land_in_the_transfer_folder(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        self.open(client, "/download")
        state = self.system.programs.rpartition("/")[0] + "/state"
        folder = pathlib.Path(state) / "users" / str(self.system.uid("alice")) / "data/lock/transfer"

        def keep():
            # The file comes over plain HTTP: Chromium asks first, and here is its button "Keep".
            client.click(client.width - 167, 109)
            until = time.monotonic() + 0.5
            client.pump(lambda: time.monotonic() > until)
            return (folder / "lading.bin").exists()

        wait_until(keep, 30, "the file is in " + str(folder))
        wait_until(lambda: (folder / "lading.bin").read_bytes() == file_content(70000), 30,
                   "the file is whole")
        self.assertEqual((folder / "lading.bin").stat().st_uid, self.system.uid("alice"))

    def test_profile_is_kept(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        self.open(client, "/input")
        client.chord(CONTROL, ord("w"))
        self.system.wait_ended("alice")
        again = self.login("alice")
        again.wait_colour(BLUE)
        again.chord(CONTROL, ord("h"))
        again.refresh()


class Limits(SystemTest):
    options = {"idle-limit": 4}
    seconds = 120

    def test_idle_limit(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        client.close()
        self.system.wait_state("alice", "detached")
        self.system.wait_ended("alice", 30)
        self.system.wait_clean()
        self.system.wait_log("session.ended", "too long", since=self.mark)

    def test_idle_limit_counts_from_the_last_viewer(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        client.drain(6)
        self.assertEqual(self.system.session("alice")["state"], "attached")
        client.close()
        self.system.wait_ended("alice", 30)


class Parked(SystemTest):
    options = {"parked-cells": 1, "profile": "wipe", "idle-limit": 0}
    seconds = 180

    def test_a_parked_cell_becomes_the_users(self):
        parked = wait_until(lambda: [s for s in self.system.sessions() if s["state"] == "parked"],
                            60, "a cell is parked")
        client = self.login("alice")
        client.wait_colour(BLUE)
        self.assertEqual(self.system.session("alice")["id"], parked[0]["id"])
        wait_until(lambda: [s for s in self.system.sessions() if s["state"] == "parked"], 60,
                   "another cell is parked")
        self.system.ctl("end", self.system.name("alice"))
        self.system.wait_ended("alice")
