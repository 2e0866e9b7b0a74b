# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings as a draft: set, looked at, applied, given up, brought back; by two persons; and what must
not come of it."""

import json

from lib_admin import Administrators
from lib_proc import run, wait_until
from lib_system import SystemTest

DENIED, USAGE, NOT_FOUND = 4, 2, 3


class Settings(SystemTest):
    seconds = 120
    users = ("alice",)
    workstations = 1

    @classmethod
    def setUpClass(cls):
        cls.admins = Administrators({"mary": ("config",), "max": ("config",), "ann": ("audit",)})
        cls.options = dict(cls.admins.options, **{"idle-limit": 100})
        try:
            super().setUpClass()
        except BaseException:
            cls.admins.close()
            raise

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.admins.close()

    def setUp(self):
        super().setUp()
        self.file = self.system.state / "own.conf"
        self.before = self.file.read_text(encoding="utf-8")
        self.end_of_test(self.put_back)

    def put_back(self):
        self.ctl("mary", "config", "revert")
        self.file.write_text(self.before, encoding="utf-8")
        self.system.ctl("reload")

    def ctl(self, person, *words):
        program = self.system.programs + "/usr/bin/lazaretctl"
        text = (self.system.state / "lazaretctl").read_text(encoding="utf-8")
        return self.admins.run(person, program, "-s", text.partition('-s "')[2].partition('"')[0],
                               *words)

    def good(self, person, *words):
        status, out, err = self.ctl(person, *words)
        self.assertEqual((status, err), (0, ""), words)
        return out

    def bad(self, expected, person, *words, status=1):
        got, out, err = self.ctl(person, *words)
        self.assertEqual((got, out), (status, ""), (words, err))
        self.assertIn(expected, err)

    def value(self, option):
        for line in self.good("mary", "config", "dump").splitlines():
            if line.startswith(option + " = "):
                return line.partition(" = ")[2]
        return None

    def versions(self):
        return json.loads(self.good("ann", "config", "history", "--json"))

    def test_draft(self):
        """Nothing holds before it is applied; then all of it does, and no session is cut."""
        client = self.login("alice")
        self.wait_web(client, "loaded", 60, page="/colour")
        session = self.system.session("alice")
        self.assertEqual(self.good("mary", "config", "set", "idle-limit", "200"), "")
        self.good("mary", "config", "set", "clipboard", "in")
        self.good("mary", "config", "set", "zone-dns", "10.9.9.1", "10.9.9.2")
        self.good("mary", "config", "set", "path.ntp.hosts", "192.0.2.123")
        self.assertEqual(self.value("idle-limit"), "100")
        diff = self.good("ann", "config", "diff")
        self.assertIn(self.admins.name("mary"), diff)
        for line in ('+ idle-limit = "200"', '+ clipboard = "in"',
                     '+ zone-dns = {"10.9.9.1", "10.9.9.2"}',
                     '+ path "ntp" { hosts = {"192.0.2.123"} }'):
            self.assertIn(line + "\n", diff)
        # One of them is taken back before anybody has seen it.
        self.good("mary", "config", "set", "clipboard")
        self.assertNotIn("clipboard", self.good("ann", "config", "diff"))
        self.assertEqual(self.file.read_text(encoding="utf-8"), self.before)
        self.assertIn("Applied as version", self.good("mary", "config", "apply"))
        self.system.wait_log("config.loaded", since=self.mark)
        self.assertEqual(self.value("idle-limit"), "200")
        # What was written by hand is as it was.
        self.assertTrue(self.file.read_text(encoding="utf-8").startswith(self.before))
        self.assertEqual(self.good("ann", "config", "diff"), "There is no draft.\n")
        latest = self.versions()[0]
        self.assertEqual(latest["user"], self.admins.name("mary"))
        self.assertRegex(latest["time"], r"^20\d\d-")
        memory = {"cell_mib": 0, "display_mib": 0}
        self.assertEqual(dict(self.system.session("alice"), **memory), dict(session, **memory))
        client.refresh(False)
        self.system.wait_log("admin.command", 'command="config set"',
                             'arguments="zone-dns 10.9.9.1 10.9.9.2"', since=self.mark)

    def test_wrong(self):
        """A wrong value does not even come into the draft."""
        self.good("mary", "config", "set", "idle-limit", "300")
        draft = self.good("mary", "config", "diff")
        for expected, words, status in (
                ("must be a number", ("idle-limit", "soon"), 1),
                ("there is no option", ("idle-limt", "3"), USAGE),
                ("takes one value", ("idle-limit", "3", "4"), USAGE),
                ("must not contain", ("admin-banner", 'x" port = 1 #'), USAGE),
                ("must be a number", ("max-sessions", "-1"), 1),
                ("there is no path", ("path.nothing.enabled", "yes"), 1),
                ("", ("dns", "nowhere"), 1)):
            with self.subTest(words=words):
                self.bad(expected, "mary", "config", "set", *words, status=status)
                self.assertEqual(self.good("mary", "config", "diff"), draft)
        self.assertEqual(self.file.read_text(encoding="utf-8"), self.before)

    def test_not_taken(self):
        """What the daemon does not take is not in the file afterwards, and the draft stays."""
        count = len(self.versions())
        self.good("mary", "config", "set", "port", "5999")
        self.bad("cannot change while the system runs", "mary", "config", "apply")
        self.assertEqual(self.file.read_text(encoding="utf-8"), self.before)
        self.assertEqual(self.value("port"), "5900")
        self.assertIn('+ port = "5999"', self.good("mary", "config", "diff"))
        self.assertLessEqual(len(self.versions()), max(count, 1))
        self.system.ctl("reload")

    def serving(self, port):
        """The status of a system that serves on that port; None: not yet."""
        try:
            now = self.system.ctl("status", check=False)
        except ValueError:  # nobody listens just now
            return None
        return now if now and now["state"] == "serving" and now["port"] == port else None

    def test_full(self):
        """What cannot change while the system runs does by a restart, which says what it costs."""
        client = self.login("alice")
        self.wait_web(client, "loaded", 60, page="/colour")
        before = self.system.ctl("status")
        self.good("mary", "config", "set", "port", "5999")
        self.bad("config apply --full", "mary", "config", "apply")
        self.bad("would end 1 sessions", "mary", "config", "apply", "--full")
        self.assertEqual(self.system.session("alice")["state"], "attached")
        self.assertEqual(self.file.read_text(encoding="utf-8"), self.before)
        self.bad("usage", "mary", "config", "apply", "--fully", status=USAGE)
        status, out, _ = self.ctl("mary", "config", "apply", "--full", "--yes")
        self.assertIn("1 sessions end", out)
        self.system.wait_log("monitor.shutdown", "restart=1", since=self.mark)

        after = wait_until(lambda: self.serving(5999), 60, "the system serves on another port")
        # The same process, begun anew.
        self.assertEqual(after["pid"], before["pid"])
        self.assertNotEqual(after["started"], before["started"])
        self.assertEqual(after["sessions"], 0)
        self.assertEqual(self.versions()[0]["user"], self.admins.name("mary"))
        # And back, with nobody there: nothing has to be said.
        self.good("mary", "config", "set", "port")
        status, out, err = self.ctl("mary", "config", "apply", "--full")
        self.assertNotIn("nothing was changed", err, (status, out))
        wait_until(lambda: self.serving(5900), 60, "it is as before")
        self.file.write_text(self.before, encoding="utf-8")

    def test_two_persons(self):
        self.good("mary", "config", "set", "idle-limit", "300")
        self.bad(self.admins.name("mary") + " has a draft", "max", "config", "set", "idle-limit", "1")
        self.bad(self.admins.name("mary") + " has a draft", "max", "config", "apply")
        # He may give it up, and both are in the log.
        self.assertIn(self.admins.name("mary"), self.good("max", "config", "revert"))
        self.good("max", "config", "set", "idle-limit", "400")
        # Meanwhile somebody edits the file.
        self.file.write_text(self.before + "max-sessions = 49\n", encoding="utf-8")
        self.bad("was changed since", "max", "config", "apply")
        self.bad("was changed since", "max", "config", "set", "idle-limit", "500")
        self.assertIn("cannot be applied", self.good("max", "config", "diff"))
        self.assertEqual(self.file.read_text(encoding="utf-8"), self.before + "max-sessions = 49\n")

    def test_restore(self):
        for value in ("501", "502"):
            self.good("mary", "config", "set", "idle-limit", value)
            self.good("mary", "config", "apply")
        number = self.versions()[1]["version"]
        self.bad("no version", "max", "config", "restore", "9999", status=NOT_FOUND)
        self.bad("no version", "max", "config", "restore", "../draft", status=NOT_FOUND)
        self.good("max", "config", "restore", str(number))
        self.good("max", "config", "apply")
        self.assertEqual(self.value("idle-limit"), "501")
        latest = self.versions()[0]
        self.assertEqual((latest["version"], latest["user"]),
                         (number + 2, self.admins.name("max")))
        self.good("max", "config", "restore", "0")
        self.good("max", "config", "apply")
        self.assertEqual(self.value("idle-limit"), "100")

    def test_no_raising(self):
        """Who decides about settings does not decide whom the system trusts."""
        own = self.admins.name("mary")
        for option in ("role-security", "role-maint", "roles-apart", "pam-service", "certificate",
                       "admin-pam-service", "libexec-directory", "ssh-directory", "keyd-user",
                       "admin-groups", "private-key", "state-directory"):
            self.bad("only root", "mary", "config", "set", option, own, status=DENIED)
        # Not by a version of the time when it was so.
        self.good("mary", "config", "set", "idle-limit", "601")
        self.good("mary", "config", "apply")
        number = self.versions()[0]["version"]
        group = "role-update = \"%s\"" % self.admins.group("update")
        text = self.file.read_text(encoding="utf-8")
        self.assertIn(group, text)
        self.file.write_text(text.replace(group, 'role-update = ""'), encoding="utf-8")
        self.system.ctl("reload")
        self.bad("role-update", "mary", "config", "restore", str(number))
        self.assertEqual(self.good("mary", "config", "diff"), "There is no draft.\n")
        # Root may.
        said = run(self.system.programs + "/usr/bin/lazaretctl", "-f",
                   self.system.state / "lazaret.conf", "-f", self.file, "config", "restore",
                   str(number))
        self.assertEqual(said, "")
        self.bad("root has a draft", "mary", "config", "apply")

    def test_readers(self):
        for words in (("set", "idle-limit", "1"), ("apply",), ("revert",), ("restore", "0")):
            self.bad("needs one of the roles: config", "ann", "config", *words, status=DENIED)
