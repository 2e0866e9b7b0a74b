# SPDX-License-Identifier: GPL-3.0-or-later
"""From the installed programs to the first login in a stock viewer, in the machine of `make check-vm`: the
steps of docs/operator.md, as far as one machine has them. It runs before the other tests of the machine and
leaves it as it was."""

import os
import pathlib
import shutil
import subprocess
import unittest

from lib_proc import run
from lib_viewer import FileViewer, Screen

ALONE = True

CONFIG = pathlib.Path("/etc/lazaret/lazaret.conf")
TLS = pathlib.Path("/etc/lazaret/tls")
# The background of the start page.
PAPER = (0xF6, 0xF8, 0xFA)
USER, PASSWORD = "first", "three weeks at sea"
ANSWERS = """
server-names = 127.0.0.1 check-vm
workstations = 192.0.2.0/24
certificate = trial
user = %s
user-password = %s
dns = 192.0.2.53
""" % (USER, PASSWORD)


class FirstLogin(unittest.TestCase):
    seconds = 150

    def setUp(self):
        self.before = CONFIG.read_bytes()
        self.addCleanup(self.put_back)

    def put_back(self):
        run("lazaretctl", "shutdown", check=False)
        run("systemctl", "disable", "lazaretd.service", check=False)
        run("systemctl", "stop", "lazaretd.service", "lazaret-cells.service", check=False)
        run("userdel", USER, check=False)
        shutil.rmtree(TLS, ignore_errors=True)
        TLS.mkdir(mode=0o700)
        CONFIG.write_bytes(self.before)
        CONFIG.with_name(CONFIG.name + ".before-setup").unlink(missing_ok=True)

    def test_first_login(self):
        steps = []
        # The one step on the host.
        done = subprocess.run(["lazaret-setup", "--answers", "-"], input=ANSWERS, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        steps.append("lazaret-setup")
        self.assertEqual(run("systemctl", "is-enabled", "lazaretd.service").strip(), "enabled")
        self.assertEqual(run("systemctl", "is-active", "lazaretd.service").strip(), "active")
        self.assertIn("serving", run("lazaretctl", "status"))
        # What a workstation gets.
        folder = pathlib.Path("/run/first-login")
        folder.mkdir()
        self.addCleanup(shutil.rmtree, folder)
        (folder / "ca.pem").write_text(run("lazaretctl", "viewer-config", "--ca"), encoding="utf-8")
        (folder / "Lazaret.tigervnc").write_text(run(
            "lazaretctl", "viewer-config", "--platform", "linux", "--ca-path", folder / "ca.pem"),
            encoding="utf-8")
        steps.append("viewer-config")
        # And what the person does.
        screen = Screen()
        self.addCleanup(screen.close)
        viewer = FileViewer(screen, folder / "Lazaret.tigervnc", USER, PASSWORD)
        self.addCleanup(viewer.close)
        viewer.window = screen.wait_window("Lazaret", 100)
        viewer.wait_share(PAPER, 0.2, "first-login", seconds=60)
        steps.append("open the file, name, password")
        self.assertIn(USER, run("lazaretctl", "sessions"))
        # Again, as after a failure: it is as it was, and the session is still there.
        pid = run("systemctl", "show", "--value", "--property", "MainPID", "lazaretd.service")
        done = subprocess.run(["lazaret-setup", "--answers", "-", "--force"], input=ANSWERS, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotEqual(pid, run("systemctl", "show", "--value", "--property", "MainPID",
                                     "lazaretd.service"))
        self.assertIn(USER, run("lazaretctl", "sessions"))
        self.assertTrue(viewer.process.running())
        print("result: first login after %d steps: %s" % (len(steps), ", ".join(steps)))
        self.assertTrue(os.path.exists("/etc/lazaret/tls/trial-ca.pem"))
