# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates where systemd runs: by its timer's service, and for a holder of the role by a unit of its own, which
may what lazaretd's processes may not."""

import os
import pathlib
import pwd
import stat
import time
import unittest

from lib_proc import Process, run
from test_units import CONFIG, TLS, UNIT, UnitTest, certificates, accounts, journal, prop, status

ALONE = True

UPDATES = pathlib.Path("/check/updates")
PERSON = "uma"
SET_UID = pathlib.Path("/usr/libexec/lazaret/set-uid")

# An HTTP proxy that has all there is: addresses of the loopback are no host of the path.
SERVER = """
import functools, http.server
class Proxy(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        self.path = "/" + self.path.split("://", 1)[-1].partition("/")[2]
        super().do_GET()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 3128), functools.partial(
    Proxy, directory="/check/updates/web"))
print("READY", flush=True)
server.serve_forever()
"""

OPTIONS = """
update-method = proxy
update-url = "http://updates.example.org/lazaret"
update-proxy = "127.0.0.1:3128"
"""


class Updates(UnitTest):
    seconds = 240

    @classmethod
    def setUpClass(cls):
        cls.old, cls.new = (UPDATES / "versions").read_text("utf-8").split()
        run("dpkg", "--force-confold", "--install", *UPDATES.glob("lazaret_*.deb"))
        if not (TLS / "server.pem").exists():
            certificates()
            accounts()
        pathlib.Path("/etc/lazaret/update").mkdir(exist_ok=True)
        pathlib.Path("/etc/lazaret/update/repository.gpg").write_bytes(
            (UPDATES / "web/lazaret/repository.gpg").read_bytes())
        try:
            pwd.getpwnam(PERSON)
        except KeyError:
            run("useradd", "--no-create-home", "--groups", "lazaret-update", PERSON)
        cls.server = Process("python3", "-c", SERVER)
        cls.addClassCleanup(cls.server.stop)
        cls.server.wait_line("READY", 60)
        cls.start(OPTIONS)

    def ask(self, *words):
        """As a holder of the role, by the daemon."""
        return run("runuser", "-u", PERSON, "--", "lazaretctl", "update", *words, seconds=200)

    def version(self):
        return run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", "lazaret")[3:].strip()

    def test_timer_and_person(self):
        self.wait_serving()
        main = prop("MainPID")
        # What the schedule says.
        now = time.strftime("%H:%M", time.localtime(time.time() - 60))
        CONFIG.write_text(CONFIG.read_text("utf-8") + 'update-download-at = "%s"\nupdate-install-at = "%s"\n'
                          % (now, now), encoding="utf-8")
        run("systemctl", "start", "lazaret-update.service", seconds=200)
        self.assertEqual(self.version(), self.new)
        self.assertTrue(os.stat(SET_UID).st_mode & stat.S_ISUID)
        said = [entry["MESSAGE"] for entry in journal("--unit", "lazaret-update.service", since=self.mark)]
        self.assertTrue([line for line in said if "update.installed" in line], said)
        # The daemon is the new one, and the same process.
        self.assertEqual((prop("MainPID"), status()["version"]), (main, self.new))
        # A person takes it back, and asks for it again: dpkg runs in a unit of its own.
        self.ask("undo")
        self.assertEqual((self.version(), status()["version"]), (self.old, self.old))
        self.assertFalse(SET_UID.exists())
        self.ask("check")
        self.ask("download")
        said = self.ask("install")
        self.assertIn("lazaret: %s -> %s" % (self.old, self.new), said)
        self.assertEqual((self.version(), status()["version"]), (self.new, self.new))
        self.assertTrue(os.stat(SET_UID).st_mode & stat.S_ISUID)
        self.assertEqual(prop("MainPID"), main)
        self.assertEqual(prop("NRestarts", UNIT), "0")
        said = [entry["MESSAGE"] for entry in journal("--identifier", "lazaret-update", since=self.mark)]
        self.assertTrue([line for line in said if 'what="undo"' in line], said)
        self.ask("undo")


__all__ = ["Updates", "unittest"]
del UnitTest  # its own tests are in test_units.py
