# SPDX-License-Identifier: GPL-3.0-or-later
"""Firefox ESR instead of Chromium, chosen by configuration: the same system around it."""

from lib_system import SystemTest

BLUE = (0x30, 0x60, 0xC0)
PAPER = (0xE8, 0xF0, 0xFF)


class Firefox(SystemTest):
    options = {"browser": "firefox", "idle-limit": 0}
    seconds = 180

    def tearDown(self):
        self.system.end_sessions()

    def test_browsing(self):
        client = self.login("alice")
        client.wait_colour(BLUE, 0.7)
        request = self.web.wait("request", since=self.web_mark, path="/colour")
        self.assertIn("Firefox/", request["agent"])
        self.open(client, "/input")
        client.wait_colour(PAPER, 0.2)
        client.click(200, 200)
        self.wait_web(client, "mouseup", 20, self.web_mark)
        text = "Hello, world: äöüß€ñ 漢字"
        client.type(text)
        self.wait_web(client, "input", 30, self.web_mark, value=text)
        self.open(client, "/text")
        client.wait_colour((0xFF, 0xFF, 0xFF), 0.4)
        mark = self.web.mark()
        client.wheel(client.width // 2, client.height // 2, 10)
        self.wait_web(client, "scroll", 20, mark, y=lambda y: y and y > 500)
        mark = self.web.mark()
        client.resize(1000, 700)
        self.wait_web(client, "resize", 30, mark, width=1000)
        self.assertEqual({p.uid for p in self.system.cell_processes("alice")},
                         {self.system.uid("alice")})

    def test_killed(self):
        client = self.login("alice")
        client.wait_colour(BLUE, 0.7)
        mark = self.web.mark()
        found = self.system.cell_processes("alice", "firefox-esr")
        self.assertTrue(found)
        for process in found:
            process.kill()
        self.wait_web(client, "request", 60, mark, path="/colour")
        client.wait_colour(BLUE, 0.7)

    def test_last_window_closed(self):
        client = self.login("alice")
        client.wait_colour(BLUE, 0.7)
        client.look(0.5)
        client.chord(0xFFE3, ord("w"))
        self.assertTrue(client.closed_within(30))
        self.system.wait_ended("alice")
        self.system.wait_clean()
