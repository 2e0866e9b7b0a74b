# SPDX-License-Identifier: GPL-3.0-or-later
"""The viewers that people have: TigerVNC's and gvncviewer, on a screen of their own. Pictures of
what they show are kept in the build tree under shots/."""

import lib_net
from lib_proc import wait_until
from lib_system import SystemTest
from lib_viewer import GtkViewer, LineViewer, Screen, TigerViewer

BLUE = (0x30, 0x60, 0xC0)
PAPER = (0xE8, 0xF0, 0xFF)
PINK = (0xFF, 0xD0, 0xD0)


class Viewers(SystemTest):
    seconds = 240
    options = {"idle-limit": 0}

    def setUp(self):
        super().setUp()
        self.screen = Screen()
        self.addCleanup(self.screen.close)

    def tearDown(self):
        self.system.end_sessions()

    def browse(self, viewer, name):
        """What a person does: looks, types, clicks, scrolls, resizes, reads documentation."""
        viewer.wait_share(BLUE, 0.4, name + "-page")
        mark = self.web.mark()
        self.go(viewer, "/input")
        self.web.wait("loaded", 60, mark, page="/input")
        picture = viewer.wait_share(PAPER, 0.2, name + "-input")
        left, top, _right, _bottom = self.wait_bounds(viewer, PINK, name + "-input")
        mark = self.web.mark()
        viewer.type("Typed in a real viewer, 123.")
        self.web.wait("input", 30, mark, value="Typed in a real viewer, 123.")
        # The button is 250 pixels left of the pink box; both are in screen coordinates here.
        at_x, at_y, _w, _h = viewer.origin()
        viewer.click(left - at_x - 200, top - at_y + 30)
        self.web.wait("button", 30, mark)
        viewer.shot(name + "-typed")

        mark = self.web.mark()
        self.go(viewer, "/docs/ch-binary.html")
        self.web.wait("request", 60, mark, path="/docs/ch-binary.html")
        wait_until(lambda: viewer.shot(name + "-docs").colours() > 30, 60,
                   "the documentation is drawn")
        viewer.wheel(400, 400, -1)
        before = viewer.still(name + "-docs")
        viewer.wheel(400, 400, 15)
        wait_until(lambda: viewer.shot(name + "-docs-scrolled").data != before.data, 30,
                   "the documentation has moved")
        self.assertNotEqual(viewer.still(name + "-docs-scrolled").data, before.data)
        # There and back again: what was copied on the way has left nothing wrong.
        viewer.wheel(400, 400, -20)
        wait_until(lambda: viewer.still(name + "-docs-back").left(1250) == before.left(1250), 30,
                   "the documentation, without its scroll bar, looks as before")

        mark = self.web.mark()
        self.go(viewer, "/text")
        self.web.wait("loaded", 60, mark, page="/text")
        viewer.wheel(400, 400, 10)
        self.web.wait("scroll", 30, mark, y=lambda y: y and y > 300)
        return picture

    def wait_bounds(self, viewer, colour, name):
        return wait_until(lambda: viewer.shot(name).bounds(colour), 30, "something is %s"
                          % (colour,))

    def go(self, viewer, path):
        # What is typed before the address bar has the focus belongs to the page.
        before = viewer.shot("address").data
        viewer.key("ctrl+l")
        wait_until(lambda: viewer.shot("address").data != before, 20, "the address bar answers")
        viewer.type("http://%s%s" % (lib_net.WEB, path))
        viewer.key("Return")

    def test_vncviewer(self):
        viewer = TigerViewer(self.screen, self.system, *self.system.users["alice"],
                             netns=self.network.workstations[0])
        self.addCleanup(viewer.close)
        viewer.wait_connected()
        self.browse(viewer, "vncviewer")
        self.assertIn("Lazaret: " + self.system.name("alice"), viewer.screen.title(viewer.window))
        # The picture follows the window.
        mark = self.web.mark()
        viewer.resize(900, 650)
        self.web.wait("resize", 30, mark, width=900)
        viewer.still("vncviewer-resized")

    def test_vncviewer_refuses_a_foreign_certificate(self):
        """With another CA it asks the person instead of going on; nothing of the page is seen."""
        other = self.system.state / "server.pem"  # no authority

        class Sham:
            ca = str(other)
            address = self.system.address
            port = self.system.port

        viewer = TigerViewer(self.screen, Sham, *self.system.users["alice"],
                             netns=self.network.workstations[0])
        self.addCleanup(viewer.close)
        wait_until(lambda: self.screen.windows(".*") or not viewer.process.running(), 30,
                   "it asks, or ends")
        self.assertEqual(self.screen.windows("Lazaret"), [])

    def test_gvncviewer(self):
        viewer = GtkViewer(self.screen, self.system, *self.system.users["bob"],
                           netns=self.network.workstations[0])
        self.addCleanup(viewer.close)
        viewer.wait_connected()
        self.browse(viewer, "gvncviewer")
        mark = self.web.mark()
        viewer.resize(900, 650)
        self.web.wait("resize", 30, mark, width=900)
        viewer.still("gvncviewer-resized")

    def test_wrong_password_is_told(self):
        viewer = TigerViewer(self.screen, self.system, self.system.name("alice"), "wrong",
                             netns=self.network.workstations[0])
        self.addCleanup(viewer.close)
        viewer.process.wait_line("Name or password is wrong", 60)

    def test_taken_over(self):
        first = TigerViewer(self.screen, self.system, *self.system.users["alice"],
                            netns=self.network.workstations[0])
        self.addCleanup(first.close)
        first.wait_connected().wait_share(BLUE, 0.4, "takeover-first")
        other = Screen()
        self.addCleanup(other.close)
        second = TigerViewer(other, self.system, *self.system.users["alice"],
                             netns=self.network.workstations[1])
        self.addCleanup(second.close)
        second.wait_connected().wait_share(BLUE, 0.4, "takeover-second")
        wait_until(lambda: not first.process.running(), 20, "the first viewer has ended")

    def look(self, encoding):
        """The hash of what one encoding shows, when two looks in a row agree."""
        viewer = LineViewer(self.system, *self.system.users["alice"],
                            netns=self.network.workstations[0], encodings=encoding + " copyrect")
        self.addCleanup(viewer.close)
        viewer.wait_event("picture")
        last = {"hash": ""}

        def settled():
            answer = viewer.ask("hash")
            same = answer == last
            last.clear()
            last.update(answer)
            return same and viewer.ask("pixel 600 500")["rgb"] == "3060c0"

        wait_until(settled, 60, "the picture is still")
        viewer.close()
        self.system.wait_state("alice", "detached")
        return last["hash"]

    def test_libvncclient_in_each_encoding(self):
        """The same page, pixel for pixel, whatever the encoding."""
        for _ in range(10):
            raw, zrle, tight, after = (self.look(e) for e in ("raw", "zrle", "tight", "raw"))
            if raw == after:
                break
            # Otherwise the browser painted something in between, as it does while it starts.
        self.assertEqual(raw, after, "the page never came to rest")
        self.assertEqual({raw}, {zrle, tight})
