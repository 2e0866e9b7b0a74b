# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates over every way there is, from a real server; what is shown first; undo; schedules."""

import lib_package
from lib_package import Repository
from lib_update import UpdateTest


class Ways(UpdateTest):
    seconds = 180

    def test_ssh(self):
        self.client()
        self.assertIn("up to date", self.good("check"))
        self.publish_update()
        said = self.good("check")
        self.assertRegex(said, r"Lazaret:\n  lazaret +%s -> %s, \d+" % (self.old, self.new))
        self.assertIn("not downloaded", self.good("status"))
        self.good("download")
        self.assertEqual(self.machine.version("lazaret"), self.old)
        self.good("install")
        self.assertEqual(self.machine.version("lazaret"), self.new)
        self.good("undo")
        self.assertEqual(self.machine.version("lazaret"), self.old)


__all__ = ["Repository", "lib_package"]
