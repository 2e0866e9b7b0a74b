# SPDX-License-Identifier: GPL-3.0-or-later
"""Clipboard text passes in the directions that the user's groups allow, and in no other."""

import os

from lib_proc import run
from lib_system import CONTROL, SystemTest

CREAM = (0xFF, 0xF8, 0xE0)
PAPER = (0xE8, 0xF0, 0xFF)
GROUP = "lzt%d-clip-%s"


class Clipboard(SystemTest):
    users = ("off", "in", "out", "both")
    options = {"idle-limit": 0}
    text = "".join('group "%s" { clipboard = %s }\n' % (GROUP % (os.getpid(), p), p)
                   for p in ("in", "out", "both"))
    seconds = 150

    @classmethod
    def setUpClass(cls):
        for policy in ("in", "out", "both"):
            run("groupadd", GROUP % (os.getpid(), policy))
        try:
            super().setUpClass()
            for policy in ("in", "out", "both"):
                run("gpasswd", "--add", cls.system.name(policy), GROUP % (os.getpid(), policy))
        except BaseException:
            cls.remove_groups()
            raise

    @classmethod
    def remove_groups(cls):
        for policy in ("in", "out", "both"):
            run("groupdel", GROUP % (os.getpid(), policy), check=False)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.remove_groups()

    def tearDown(self):
        self.system.end_sessions()

    def into_browser(self, user):
        """What arrives in the page when the workstation's clipboard is pasted; "" for nothing."""
        client = self.login(user)
        client.wait_colour((0x30, 0x60, 0xC0))
        self.open(client, "/input")
        client.wait_colour(PAPER, 0.2)
        mark = self.web.mark()
        client.cut("from the workstation")
        client.type("a")
        self.web.wait("input", 20, mark)
        client.chord(CONTROL, ord("v"))
        client.type("b")
        event = self.web.wait("input", 20, mark, value=lambda v: v and v.endswith("b"))
        return event["value"][1:-1]

    def out_of_browser(self, user):
        """What the viewer gets when something is copied in the page."""
        # A session that is there would still show another page than the first.
        self.system.end_sessions()
        client = self.login(user)
        client.wait_colour((0x30, 0x60, 0xC0))
        self.open(client, "/clipboard?t=out+of+the+page")
        client.wait_colour(CREAM, 0.2)
        mark = self.web.mark()
        client.chord(CONTROL, ord("a"))
        client.chord(CONTROL, ord("c"))
        self.web.wait("copy", 20, mark)
        client.request()
        client.drain(2)
        return b"".join(client.cut_text).decode("latin-1")

    def test_off(self):
        self.assertEqual(self.into_browser("off"), "")
        self.assertEqual(self.out_of_browser("off"), "")

    def test_in(self):
        self.assertEqual(self.into_browser("in"), "from the workstation")
        self.assertEqual(self.out_of_browser("in"), "")

    def test_out(self):
        self.assertEqual(self.into_browser("out"), "")
        self.assertEqual(self.out_of_browser("out"), "out of the page")

    def test_both(self):
        self.assertEqual(self.into_browser("both"), "from the workstation")
        self.assertEqual(self.out_of_browser("both"), "out of the page")
