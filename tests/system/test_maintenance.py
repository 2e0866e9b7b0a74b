# SPDX-License-Identifier: GPL-3.0-or-later
"""Maintenance: who is told, who may still come, who is turned away, and what a restart makes of it."""

import datetime

from lib_proc import run, wait_until
from lib_rfb import Closed, Refused
from lib_system import SystemTest

BLUE = (0x30, 0x60, 0xC0)
# Where a strip stands, when one stands; the browser's tabs are there otherwise.
STRIP = (0, 2, 900, 16)


class Maintenance(SystemTest):
    options = {"parked-cells": 1, "page-title": False, "language": "de"}
    workstations = 1
    seconds = 150

    def tearDown(self):
        self.system.ctl("maintenance", "off")
        self.system.end_sessions()

    def status(self):
        return self.system.ctl("maintenance", "status")

    def turned_away(self, user):
        try:
            self.system.client(user)
        except Refused as refusal:
            return str(refusal)
        raise AssertionError("the login was accepted")

    def wait_parked(self, count):
        wait_until(lambda: self.system.ctl("status")["parked_cells"] == count, 60,
                   "%d cells are parked" % count)

    def test_announced(self):
        """Users see it, and can come back to what they have; nobody begins anew. A restart of the
        daemon changes nothing; taken back, all is as before."""
        client = self.login("alice")
        client.wait_colour(BLUE)
        client.refresh(False)
        before = client.region(*STRIP)
        self.system.ctl("maintenance", "on", "--in", "10", "Neuer Browser um drei.")
        status = self.status()
        self.assertEqual((status["state"], status["minutes_left"], status["sentence"], status["by"]),
                         ("announced", 10, "Neuer Browser um drei.", "root"))
        self.assertEqual(self.system.ctl("status")["maintenance"], "announced")
        client.wait_change(before, STRIP, 30)
        # It takes no key from her, nor the session.
        self.open(client, "/colour?c=20a040")
        client.wait_colour((0x20, 0xA0, 0x40))
        self.assertEqual(self.turned_away("bob"), "Neuer Browser um drei.")
        self.system.wait_log("login.unserved", self.system.name("bob"), 'reason="maintenance"',
                             since=self.mark)
        client.close()
        self.system.wait_state("alice", "detached")
        client = self.login("alice")
        client.wait_colour((0x20, 0xA0, 0x40))
        # Killed, and started again.
        self.kill_daemon()
        self.assertEqual(self.status()["state"], "announced")
        self.assertEqual(self.status()["sentence"], "Neuer Browser um drei.")
        self.assertEqual(self.turned_away("bob"), "Neuer Browser um drei.")
        client.refresh(False)
        noticed = client.region(*STRIP)
        self.system.ctl("maintenance", "off")
        client.wait_change(noticed, STRIP, 30)
        self.assertEqual(self.status()["state"], "off")
        with self.system.client("bob") as other:
            other.wait_colour(BLUE)

    def kill_daemon(self):
        daemon = self.system.processes("lazaretd")[0]
        mark = self.system.log_mark()
        daemon.kill()
        wait_until(lambda: [p for p in self.system.processes("lazaretd") if p.pid != daemon.pid], 20,
                   "another daemon is there")
        self.system.wait_log("monitor.ready", since=mark, seconds=60)

    def test_begun(self):
        """At the time sessions end with the sentence, parked cells too, and nobody comes in."""
        self.wait_parked(1)
        client = self.login("alice")
        client.wait_colour(BLUE)
        self.system.ctl("maintenance", "on", "Bis", "drei", "Uhr.")
        self.assertEqual(self.status()["state"], "on")
        self.system.wait_log("session.ending", 'reason="Bis drei Uhr."', since=self.mark)
        self.system.wait_ended("alice")
        with self.assertRaises(Closed):
            while True:
                client.message()
        self.wait_parked(0)
        for user in ("alice", "bob"):
            self.assertEqual(self.turned_away(user), "Bis drei Uhr.")
        line = self.system.wait_log("login.refused", self.system.name("bob"), since=self.mark)
        self.assertIn('reason="maintenance"', line)
        self.assertEqual(self.system.sessions(), [])
        self.kill_daemon()
        self.assertEqual(self.turned_away("bob"), "Bis drei Uhr.")
        self.system.ctl("maintenance", "off")
        with self.system.client("alice") as other:
            other.wait_colour(BLUE)
        self.wait_parked(1)

    def test_planned(self):
        """Long before nothing is different; the time is that of the host's clock."""
        later = datetime.datetime.now() + datetime.timedelta(hours=2)
        self.system.ctl("maintenance", "on", "--at", later.strftime("%H:%M"))
        status = self.status()
        self.assertEqual(status["state"], "planned")
        self.assertIn(status["minutes_left"], (119, 120))
        self.assertIn("Das System wird gewartet", status["sentence"])
        with self.system.client("bob") as client:
            client.wait_colour(BLUE)
        for words in (("--at", "25:00"), ("--in", "x"), ("--at", "2020-01-01 10:00"), ("--in",),
                      ("x" * 301,)):
            with self.assertRaises(AssertionError):
                run(self.system.state / "lazaretctl", "maintenance", "on", *words)
            self.assertEqual(self.status()["state"], "planned")
