# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals as persons meet them: over stock SFTP both ways, in the picture, and beside the file."""

import hashlib
import os
import pathlib
import tempfile

from lib_check import EICAR, PNG, zipped
from lib_proc import wait_until
from lib_sftp import SftpTest

# The strip above the browser's window.
STRIP = (0xFF, 0xEE, 0xA8)
FOUND = "Eicar-Test.UNOFFICIAL"


class Refusals(SftpTest):
    seconds = 120
    more = """
group "lazaret-users" {
    transfer-in-types = {"text/*", "image/*", "application/zip"}
    transfer-out-types = {"text/*", "application/zip"}
    transfer-out-review = {"image/*"}
}
"""

    @classmethod
    def setUpClass(cls):
        cls.signatures = tempfile.TemporaryDirectory(prefix="lazaret-signatures-", dir="/tmp")
        folder = pathlib.Path(cls.signatures.name)
        folder.chmod(0o755)
        (folder / "test.ndb").write_text("Eicar-Test:0:*:%s\n" % EICAR.hex(), encoding="ascii")
        cls.addClassCleanup(cls.signatures.cleanup)
        cls.sftp_options = {"lock-clamd": "/usr/sbin/clamd", "lock-signatures": str(folder),
                            "lock-name-mismatch": "refuse", "lock-note-de": "Telefon 12.",
                            "sftp-staging": 8}
        super().setUpClass()
        wait_until(lambda: cls.system.ctl("lock", "status")["scanner"] == "ready", 60, "clamd")

    def note(self, name):
        """What stands beside a refused file."""
        self.good(self.sftp("get %s.refused.txt note.txt\n" % name))
        return self.local("note.txt").read_bytes().decode("utf-8")

    def test_down(self):
        viewer = self.login("alice")
        viewer.wait_colour((0x30, 0x60, 0xC0), 0.5)
        content = zipped(("eicar.txt", EICAR))
        self.put_in_cell("report.zip", content)
        self.put_in_cell("good.zip", zipped(("a.txt", b"a\n")))
        mark = self.system.log_mark()
        done = self.sftp("get report.zip got.zip\n")
        self.assertNotEqual(done.status, 0)
        self.assertFalse(self.local("got.zip").exists() and self.local("got.zip").stat().st_size)
        line = self.system.wait_log("lock.refused", since=mark)
        for part in ('direction="down"', 'name="report.zip"', 'rule="signature"',
                     'signature="%s"' % FOUND, 'user="%s"' % self.system.name("alice"),
                     'sha256="%s"' % hashlib.sha256(content).hexdigest(), "size=%d" % len(content)):
            self.assertIn(part, line)
        self.assertNotIn('address=""', line)
        viewer.wait_colour(STRIP, 0.01, 18)
        text = self.note("report.zip")
        for part in ("was not let through", "wurde nicht übertragen", FOUND, "Telefon 12.",
                     hashlib.sha256(content).hexdigest()):
            self.assertIn(part, text)
        self.good(self.sftp("get good.zip good.zip\n"))

    def test_up(self):
        self.local("virus.zip", zipped(("inner.zip", zipped(("eicar.txt", EICAR)))))
        self.local("fine.txt", b"fine\n")
        self.local("tool.exe", b"MZ" + bytes(400))
        self.assertNotEqual(self.sftp("put virus.zip\n").status, 0)
        self.assertNotEqual(self.sftp("put tool.exe\n").status, 0)
        self.good(self.sftp("put fine.txt\n"))
        inside = {p.name for p in self.transfer().iterdir()}
        self.assertIn("fine.txt", inside)
        self.assertFalse([n for n in inside if "virus" in n or "tool" in n or "refused" in n], inside)

    def test_split_over_two_uploads(self):
        self.local("half.txt", EICAR[:34])
        self.local("half-and-half.txt", EICAR)
        self.good(self.sftp("put half.txt x.txt\n"))
        self.assertNotEqual(self.sftp("reput half-and-half.txt x.txt\n").status, 0)
        path = self.transfer() / "x.txt"
        self.assertFalse(path.exists() and EICAR in path.read_bytes())

    def test_release(self):
        self.put_in_cell("photo.png", PNG + b"e2e")
        self.assertNotEqual(self.sftp("get photo.png photo.png\n").status, 0)
        item = self.system.ctl("lock", "list")[0]
        self.assertEqual((item["name"], item["state"]), ("photo.png", "waiting"))
        self.system.ctl("lock", "release", item["id"])
        self.good(self.sftp("get photo.png photo.png\n"))
        self.assertEqual(self.local("photo.png").read_bytes(), PNG + b"e2e")
        status = self.system.ctl("lock", "status")
        self.assertGreaterEqual(status["quarantined_down"], 1)

    def test_staging_full(self):
        """The space for copies of downloads."""
        self.good(self.sftp("ls\n"))
        self.put_in_cell("fits", b"x" * (7 << 20))
        self.put_in_cell("too-large", b"x" * (9 << 20))
        self.assertNotEqual(self.sftp("get too-large\n").status, 0)
        self.system.wait_log("lock.staging-full", since=self.mark)
        for _ in range(3):
            self.good(self.sftp("get fits\n"))
        # A sparse file as large as the file system allows costs nothing but the error.
        path = self.put_in_cell("sparse", b"")
        os.truncate(path, 1 << 42)
        self.assertNotEqual(self.sftp("get sparse\n").status, 0)
