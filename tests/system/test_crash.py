# SPDX-License-Identifier: GPL-3.0-or-later
"""Every process is killed in turn while somebody else works: that one goes on, the log says what
happened, and the user can log in again at once."""

from lib_proc import wait_until
from lib_system import SystemTest

BLUE = (0x30, 0x60, 0xC0)


class Crash(SystemTest):
    seconds = 150
    options = {"idle-limit": 0}
    url = "http://203.0.113.10/input"
    PAPER = (0xE8, 0xF0, 0xFF)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bob = cls.system.client("bob", 1)
        cls.bob.wait_colour(cls.PAPER, 0.4)
        # A browser that has just started may still have the focus in its address bar.
        cls.bob.click(200, 200)
        cls.bob_session = cls.system.session("bob")["id"]
        cls.typed = ""

    def setUp(self):
        super().setUp()
        self.bob_works()
        self.alice = self.login("alice", 0)
        self.alice.wait_colour(self.PAPER, 0.4)
        self.session = self.system.session("alice")

    def tearDown(self):
        try:
            self.bob_works()
            self.assertEqual(self.system.session("bob")["id"], self.bob_session)
        finally:
            for session in self.system.sessions():
                if session["user"] == self.system.name("alice"):
                    self.system.ctl("end", session["id"], check=False)
            self.system.wait_ended("alice")

    def bob_works(self):
        """Bob's keys arrive in his page, through the connection that he has had all the time."""
        type(self).typed += "x"
        mark = self.web.mark()
        self.bob.type("x")
        self.web.wait("input", 20, mark, value=self.typed)

    def alices(self, program):
        """Alice's process of a role: the one that came last."""
        return max(self.system.processes(program), key=lambda p: (p.started, p.pid))

    def login_again(self):
        client = self.login("alice", 0)
        client.wait_colour(self.PAPER, 0.4)
        return client

    def test_gateway(self):
        self.alices("lazaret-gateway").kill()
        self.assertTrue(self.alice.closed_within(10))
        self.system.wait_log("client.gone", "signal 9", since=self.mark)
        self.system.wait_state("alice", "detached")
        self.login_again()
        self.assertEqual(self.system.session("alice")["id"], self.session["id"])

    def test_display(self):
        self.alices("lazaret-display").kill()
        self.assertTrue(self.alice.closed_within(20))
        self.system.wait_log("display", since=self.mark)
        self.login_again()
        self.assertNotEqual(self.system.session("alice")["id"], self.session["id"])

    def test_session(self):
        self.alices("lazaret-session").kill()
        self.assertTrue(self.alice.closed_within(20))
        self.system.wait_log("session.died", since=self.mark)
        self.login_again()
        self.assertNotEqual(self.system.session("alice")["id"], self.session["id"])

    def test_browser(self):
        browsers = [p for p in self.system.cell_processes("alice", "chromium")
                    if "--type=" not in " ".join(p.command)]
        self.assertTrue(browsers)
        mark = self.web.mark()
        for process in browsers:
            process.kill()
        # The session starts it again, under the same viewer.
        self.wait_web(self.alice, "loaded", 60, mark, page="/input")
        self.alice.wait_colour(self.PAPER, 0.4)
        self.system.wait_log("browser.died", since=self.mark)
        self.assertEqual(self.system.session("alice")["id"], self.session["id"])

    def test_a_renderer(self):
        """The browser survives it, and so does the session."""
        # The zygote writes a child's command line as one text.
        renderers = [p for p in self.system.cell_processes("alice", "chromium")
                     if "--type=renderer" in " ".join(p.command)]
        self.assertTrue(renderers)
        middle = (300, 300, 300, 200)
        before = self.alice.region(*middle)
        for process in renderers:
            process.kill()
        # Chromium shows that the page is gone, and loads it again when it is asked to.
        self.alice.wait_change(before, middle)
        self.press_until(self.alice, 0xFFC2, "request", path="/input")  # F5
        self.assertEqual(self.system.session("alice")["id"], self.session["id"])

    def test_keyd(self):
        keyd = self.system.processes("lazaret-keyd")
        self.assertEqual(len(keyd), 1)
        keyd[0].kill()
        self.system.wait_log("sibling.died", since=self.mark)
        wait_until(lambda: [p for p in self.system.processes("lazaret-keyd")
                            if p.pid != keyd[0].pid], 20, "another keyd is there")
        with self.system.client("alice", 1) as client:
            client.wait_colour(self.PAPER, 0.4)

    def test_netd(self):
        netd = self.system.processes("lazaret-netd")
        self.assertEqual(len(netd), 1)
        netd[0].kill()
        self.system.wait_log("sibling.died", since=self.mark)
        wait_until(lambda: [p for p in self.system.processes("lazaret-netd")
                            if p.pid != netd[0].pid], 20, "another netd is there")
        # The network of a running cell is as it was.
        mark = self.web.mark()
        self.alice.key(0xFFC2)
        self.wait_web(self.alice, "request", 30, mark, path="/input")
        self.system.ctl("end", self.session["id"])
        self.system.wait_ended("alice")
        self.login_again()

    def test_monitor(self):
        monitor = [p for p in self.system.processes("lazaretd")]
        self.assertEqual(len(monitor), 1)
        monitor[0].kill()
        wait_until(lambda: [p for p in self.system.processes("lazaretd")
                            if p.pid != monitor[0].pid], 20, "another monitor is there")
        wait_until(lambda: self.system.ctl("status", check=False), 20, "it answers")
        # Both sessions are found again, and a viewer that was connected still is.
        self.assertEqual(self.system.session("bob")["id"], self.bob_session)
        self.assertEqual(self.system.session("alice")["id"], self.session["id"])
        self.system.wait_log("session.adopted", self.session["id"], since=self.mark)
        mark = self.web.mark()
        self.alice.type("z")
        self.web.wait("input", 20, mark, value=lambda v: v and "z" in v)
        # What the new one does with it is what the old one did.
        self.system.wait_log("monitor.ready", since=self.mark)
        second = self.login("alice", 1)
        second.wait_colour(self.PAPER, 0.4)
        self.assertTrue(self.alice.closed_within(20))
        self.system.ctl("end", self.session["id"])
        self.system.wait_ended("alice")

    def test_monitor_while_a_session_starts(self):
        self.alice.close()
        self.system.ctl("end", self.session["id"])
        self.system.wait_ended("alice")
        with self.system.connection(0) as connection:
            connection.to_credentials()
            connection.credentials(*self.system.users["alice"])
            self.system.processes("lazaretd")[0].kill()
            self.system.wait_log("monitor.ready", since=self.mark)
        self.login_again()
