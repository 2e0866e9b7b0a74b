# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate from the site's authority by a holder of role security, and viewers that are rolled out
with what viewer-config prints."""

import json
import pathlib
import pwd
import os
import subprocess

from lib_admin import Administrators
from lib_proc import run, scaled
from lib_system import SystemTest
from lib_viewer import FileViewer, Screen

BLUE = (0x30, 0x60, 0xC0)
DENIED = 4


class Rollout(SystemTest):
    seconds = 180
    users = ("alice",)
    workstations = 1

    @classmethod
    def setUpClass(cls):
        cls.admins = Administrators({"sam": ("security",), "mary": ("maint",)})
        cls.options = cls.admins.options
        try:
            super().setUpClass()
        except BaseException:
            cls.admins.close()
            raise

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.admins.close()

    def ctl(self, person, *words, stdin=""):
        """(status, output, errors), as the person; what he sends comes through the daemon."""
        text = (self.system.state / "lazaretctl").read_text(encoding="utf-8")
        entry = pwd.getpwnam(self.admins.name(person))
        done = subprocess.run(
            [self.system.programs + "/usr/bin/lazaretctl", "-s",
             text.partition('-s "')[2].partition('"')[0], *words],
            user=entry.pw_uid, group=entry.pw_gid,
            extra_groups=os.getgrouplist(entry.pw_name, entry.pw_gid), input=stdin, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=scaled(60), check=False,
            cwd="/")
        return done.returncode, done.stdout, done.stderr

    def serial(self):
        with self.system.connection() as connection:
            connection.to_credentials()
            return connection.socket.getpeercert()["serialNumber"]

    def sign(self, request, days):
        state = self.system.state
        (state / "request").write_text(request, encoding="utf-8")
        (state / "sign.template").write_text(
            "tls_www_server\nsigning_key\nhonor_crq_extensions\nexpiration_days = %d\n" % days,
            encoding="utf-8")
        run("certtool", "--generate-certificate", "--load-request", state / "request",
            "--load-ca-certificate", state / "ca.pem", "--load-ca-privkey", state / "ca.key",
            "--template", state / "sign.template", "--outfile", state / "signed.pem")
        return run("openssl", "x509", "-in", state / "signed.pem")

    def test_certificate(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        first = self.serial()
        before = self.system.ctl("status")["certificate"]
        self.assertRegex(before, r"^(89|90) days$")
        status, request, err = self.ctl("sam", "cert", "request", "browser.example",
                                        self.system.address)
        self.assertEqual((status, err), (0, ""))
        # Not hers, and not what is no chain.
        self.assertEqual(self.ctl("mary", "cert", "install", "-", stdin="x")[0], DENIED)
        status, _, err = self.ctl("sam", "cert", "install", "-", stdin=request)
        self.assertEqual(status, 1)
        self.assertIn("no certificate in PEM form", err)
        self.assertEqual(self.serial(), first)
        chain = self.sign(request, 10) + (self.system.state / "ca.pem").read_text("utf-8")
        status, out, err = self.ctl("sam", "cert", "install", "-", stdin=chain)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("In force: CN=browser.example", out)
        line = self.system.wait_log("certificate.ends", since=self.mark)
        self.assertRegex(line, r"days=(9|10) ")
        second = self.serial()
        self.assertNotEqual(second, first)
        self.assertRegex(self.system.ctl("status")["certificate"], r"^(9|10) days, ends soon$")
        status, out, _ = self.ctl("mary", "cert", "status", "--json")
        self.assertEqual((status, json.loads(out)["state"]), (1, "ends-soon"))
        # Who is there notices nothing.
        client.refresh(False)
        self.assertGreater(client.share(BLUE), 0.5)
        mark = self.system.log_mark()
        self.assertEqual(self.ctl("sam", "cert", "revert")[0], 0)
        self.system.wait_log("certificate.loaded", since=mark)
        self.assertEqual(self.serial(), first)
        self.system.wait_log("admin.command", 'command="cert install"', 'arguments="-"',
                             since=self.mark)

    def test_viewer(self):
        ca = self.system.state / "rolled-out.pem"
        ca.write_text(self.ctl("mary", "viewer-config", "--ca")[1], encoding="utf-8")
        self.assertEqual(ca.read_text("utf-8"), (self.system.state / "ca.pem").read_text("utf-8"))
        status, text, err = self.ctl("mary", "viewer-config", "--platform", "linux", "--ca-path",
                                     str(ca), "--server", self.system.address)
        self.assertEqual((status, err), (0, ""))
        path = self.system.state / "lazaret.tigervnc"
        path.write_text(text, encoding="utf-8")
        screen = Screen()
        self.addCleanup(screen.close)
        viewer = FileViewer(screen, path, *self.system.users["alice"],
                           netns=self.network.workstations[0])
        self.addCleanup(viewer.close)
        viewer.window = screen.wait_window("Lazaret", 60)
        viewer.wait_share(BLUE, 0.4, "rollout")

    def test_files(self):
        status, text, _ = self.ctl("mary", "viewer-config", "--platform", "windows")
        self.assertEqual(status, 0)
        lines = text.splitlines()
        self.assertEqual(lines[0], "TigerVNC Configuration file Version 1.0")
        self.assertIn("X509CA=C:\\\\ProgramData\\\\Lazaret\\\\ca.pem", lines)
        self.assertIn("SecurityTypes=X509Plain", lines)
        self.assertIn("SendClipboard=0", lines)
        text = self.ctl("mary", "viewer-config", "--platform", "macos")[1]
        self.assertIn("X509CA=/Library/Application Support/Lazaret/ca.pem", text)
        for words, expected in ((("--server", "other.example", "--platform", "linux"),
                                 "is not for \"other.example\""),
                                (("--platform", "vms"), "is no platform"),
                                (("--server", "x"), "--platform"),
                                (("--platform", "linux", "--ca-path", "a\nServerName=b"),
                                 "")):
            status, out, err = self.ctl("mary", "viewer-config", *words)
            self.assertNotEqual(status, 0, words)
            self.assertEqual(out, "")
            self.assertIn(expected, err)
        self.assertEqual(pathlib.Path(self.system.state / "ca.pem").stat().st_mode & 0o777, 0o644)
