# SPDX-License-Identifier: GPL-3.0-or-later
"""The administrators' menu over real SSH, at a terminal of tmux, by keys: in English and German. The
screens are kept in the build tree under shots/."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import lib_net
from lib_proc import BUILD, run, scaled, wait_until
from lib_ssh import ADMIN, SshTest
from lib_terminal import Terminal

BLUE = (0x30, 0x60, 0xC0)


class Menu(SshTest):
    people = {"both": ("config", "maint"), "audit": ("audit",), "security": ("security",),
              "nobody": ()}
    users = ("alice",)
    seconds = 180

    def terminal(self, person, language="C.UTF-8", columns=80, rows=30, words=()):
        command = ["ssh", "-t", "-o", "SendEnv=LANG", *self.client_options(person),
                   "%s@%s" % (self.admins.name(person), lib_net.SYSTEM_LAN), *words]
        terminal = Terminal(command, columns, rows, netns=self.network.workstations[ADMIN],
                            env={"LANG": language, "LC_ALL": ""})
        self.addCleanup(terminal.close)
        return terminal

    def menu_processes(self):
        found = []
        for entry in os.listdir("/proc"):
            try:
                exe = os.readlink("/proc/%s/exe" % entry) if entry.isdigit() else ""
            except OSError:
                continue
            if exe.startswith(self.system.programs) and os.path.basename(exe) in (
                    "lazaret-menu", "lazaret-admin"):
                found.append(entry)
        return found

    def test_operations(self):
        """A day in English: status, a session, settings, a command with a form, the prompt, out."""
        client = self.login("alice")
        client.wait_colour(BLUE)
        t = self.terminal("both")
        screen = t.wait("State: serving", "Sessions: 1/50", "Settings", "Packet filters", "Log out")
        t.shot("menu-main")
        self.assertIn("%s (config, maint)" % self.admins.name("both"), screen)
        # Roles decide: of these two none may.
        self.assertNotIn("Updates", screen)

        # A session, by its user; the person is told why.
        t.choose("Sessions", self.system.name("alice"), "attached")
        t.shot("menu-sessions")
        t.keys("Enter")
        t.wait("Reason, for the person", "cell_mib")
        t.type("Please log in again, \"now\".")
        t.keys("Tab", "Enter")
        t.wait("Done.")
        line = self.system.wait_log("session.kicked", since=self.mark)
        self.assertIn('reason="Please log in again, \\"now\\"."', line)
        t.keys("Enter")
        t.wait("F5: look again")
        wait_until(lambda: t.keys("F5") or "detached" in t.screen(), 20, "nobody is attached")
        # Until the last look is over no key counts.
        time.sleep(scaled(1))
        t.keys("Escape")
        t.wait("Log out")

        # Settings: help, a wrong value, a right one, the draft, applied.
        t.choose("Settings", "There is no draft.")
        t.choose("Sessions", "idle-limit")
        t.choose("idle-limit", "A session without a viewer ends after this time",
                 "A number, 0 - 2592000 seconds", "In force: 3600")
        t.shot("menu-option")
        t.keys("C-u")
        t.type("soon")
        t.keys("Enter")
        t.wait("This was not done", "must be a number", "the draft was not changed")
        t.shot("menu-refused")
        t.keys("Enter")
        t.wait("max-sessions", "idle-limit 3600")
        t.choose("idle-limit", "In force")
        t.keys("C-u")
        t.type("4711")
        t.keys("Enter")
        t.wait("* idle-limit 4711")
        t.keys("Escape")
        t.wait("Draft of " + self.admins.name("both"))
        t.choose("Show what the draft changes", "config diff", "<Do it>")
        t.keys("Enter")
        t.wait('+ idle-limit = "4711"')
        t.keys("Enter")
        t.wait("Apply the draft")
        t.choose("Apply the draft", "Put the draft in force", "<Do it>")
        # Behind --full and --yes.
        t.keys("Tab", "Tab", "Enter")
        t.wait("Applied as version")
        t.keys("Enter")
        t.wait("There is no draft.")
        # Lists, and a path's options.
        t.choose("Network", "zone-dns")
        t.choose("zone-dns", "Several, with blanks between them")
        t.type("192.0.2.53 192.0.2.54")
        t.keys("Enter")
        t.wait("* zone-dns", "192.0.2.53 192.0.2.54")
        t.keys("Escape")
        t.wait("Draft of")
        t.choose("Paths of the network", "ntp")
        t.choose("ntp", "enabled", "hosts")
        t.choose("hosts", "The other side")
        t.type("192.0.2.123")
        t.keys("Enter")
        t.wait("* hosts", "192.0.2.123")
        t.keys("Escape")
        t.wait("ntp", "dns")
        t.keys("Escape")
        t.wait("Draft of")
        t.choose("Show what the draft changes", "<Do it>")
        t.keys("Enter")
        t.wait('zone-dns = {"192.0.2.53", "192.0.2.54"}', 'path "ntp" { hosts = {"192.0.2.123"} }')
        t.keys("Enter")
        t.wait("Give the draft up")
        t.choose("Give the draft up", "<Do it>")
        t.keys("Enter")
        t.wait("is given up")
        t.keys("Enter")
        t.wait("There is no draft.")
        t.keys("Escape")
        t.wait("Log out")

        # A command with options; what it takes and what it says.
        t.choose("Packet filters", "firewall export")
        t.choose("firewall export", "--for WHO", "--format FORMAT")
        t.shot("menu-form")
        t.type("operator")
        t.keys("Tab")
        t.type("markdown")
        t.keys("Enter")
        t.wait("| ")
        t.shot("menu-output")
        self.system.wait_log("admin.command", 'command="firewall export"',
                             'arguments="--for operator --format markdown"', since=self.mark)
        t.keys("Escape")
        t.wait("firewall show")
        t.keys("Escape")
        t.wait("Log out")
        # What is missing is said; and what the daemon says.
        t.choose("Other commands", "kick")
        t.choose("kick", "ID|USER *")
        t.keys("Enter")
        t.wait("has to be filled in")
        t.keys("Enter")
        t.wait("ID|USER *")
        t.type("nobody; reboot")
        t.keys("Enter")
        t.wait('no session or user "nobody; reboot"')
        t.keys("C-c")
        t.wait("ID|USER *")
        t.keys("C-c")
        t.wait("viewer-config")
        t.keys("C-c")
        t.wait("To the prompt")
        # There and back.
        t.choose("To the prompt", "lazaret> ")
        t.type("roles show\n")
        t.wait("10.77.0.10 port")
        t.type("menu\n")
        t.wait("State: serving", "Log out")
        t.choose("Log out", "ended with 0")
        wait_until(lambda: not self.menu_processes(), 10, "nothing is left")

    def test_german(self):
        t = self.terminal("both", "de_DE.UTF-8")
        t.wait("Zustand: serving", "Sitzungen: 0/", "Einstellungen", "Wege des Netzes", "Abmelden",
               "Pfeile, Tab: bewegen")
        t.shot("menu-main-de")
        t.choose("Einstellungen", "There is no draft.", "Zugang", "Den Entwurf in Kraft setzen")
        t.choose("Sitzungen", "idle-limit")
        t.choose("idle-limit", "Eine Sitzung ohne Betrachter endet nach dieser Zeit",
                 "Eine Zahl, 0 - 2592000 Sekunden", "In Kraft:", "<In den Entwurf>", "<Zurück>")
        t.shot("menu-option-de")
        t.keys("Escape")
        t.wait("im Entwurf geändert")
        t.keys("Escape")
        t.wait("Zugang")
        t.keys("Escape")
        t.wait("Abmelden")
        t.choose("Paketfilter", "Unsere geltenden Regeln")
        t.choose("firewall check", "Die geltenden Regeln mit der Konfiguration vergleichen")
        t.keys("Escape")
        t.wait("firewall show")
        t.keys("Escape")
        t.wait("Abmelden")
        t.choose("Weitere Befehle", "kick")
        t.choose("kick", "Den Betrachter einer Sitzung schließen", "<Ausführen>")
        t.keys("Enter")
        t.wait("Was mit * bezeichnet ist")
        t.keys("Enter")
        t.wait("<Ausführen>")
        t.type("niemand")
        t.keys("Enter")
        # What the daemon says is in its own words.
        t.wait("Das wurde nicht oder nicht ganz ausgeführt:", 'no session or user "niemand"')
        t.keys("Escape")
        t.wait("<Ausführen>")
        t.keys("Escape")
        t.wait("viewer-config")
        t.keys("Escape")
        t.wait("Abmelden")
        t.choose("English", "Log out", "Other commands", "Arrows, Tab")
        t.choose("Deutsch", "Abmelden")
        t.choose("Abmelden", "ended with 0")

    def test_roles(self):
        """Who reads sees no way to change; who has no role, not even a menu."""
        t = self.terminal("audit")
        screen = t.wait("Log out", "Sessions", "Roles")
        self.assertNotIn("Settings", screen)
        t.choose("Configuration", "config diff")
        screen = t.screen()
        for word in ("config set", "config apply", "config revert"):
            self.assertNotIn(word, screen)
        t.keys("Escape")
        t.wait("Log out")
        t.choose("Other commands", "status")
        self.assertNotIn("kick", t.screen())
        t = self.terminal("nobody")
        t.wait("Permission denied", "ended with")

    def test_pasted(self):
        """A text for a command's standard input; it is the person's terminal that makes its end."""
        t = self.terminal("security")
        t.wait("Log out")
        t.choose("Certificate", "cert install")
        t.choose("cert install", "[*] Type or paste a text *")
        t.keys("Tab", "Tab", "Enter")
        t.wait("Type or paste the text now")
        t.type("no certificate\n")
        t.keys("C-d")
        t.wait("This was not done", "there is no certificate in PEM form", "nothing was changed")
        t.keys("Escape")
        t.wait("<Do it>")

    def test_secret(self):
        """It is not shown, not among the words of the command, and not in the log."""
        secret = "Three weeks at sea 77"
        t = self.terminal("both")
        t.wait("Log out")
        t.choose("Users", "user password")
        t.choose("user password", "USER *", "Secret", "--generate")
        t.type(self.system.name("alice"))
        t.keys("Tab")
        t.type(secret)
        screen = t.wait("*********")
        self.assertNotIn("sea", screen)
        t.keys("Enter")
        line = self.system.wait_log("admin.command", 'command="user password"', since=self.mark)
        self.assertIn('arguments="%s -"' % self.system.name("alice"), line)
        self.assertIn('result="done"', line)
        self.assertNotIn(secret, self.system.log_text()[self.mark:])
        with self.system.connection() as connection:
            connection.to_credentials()
            connection.credentials(self.system.name("alice"), secret)
            connection.security_result()
        subprocess.run(["chpasswd"], check=True, text=True,
                       input="%s:%s\n" % self.system.users["alice"])

    def test_sizes(self):
        """40 x 10, larger, smaller than anything; and each time the page is whole."""
        t = self.terminal("both", columns=40, rows=10)
        t.wait("State: serving", "Settings")
        t.shot("menu-small")
        t.choose("Log out")
        t.wait("ended with 0")
        t = self.terminal("both", rows=24)
        t.wait("State: serving", "Settings")
        t.resize(40, 10)
        t.wait("Settings", absent=("Log out",))
        t.choose("Settings", "There is no draft.")
        t.choose("Sessions", "changed in the draft")
        t.choose("idle-limit", "Value")
        t.shot("menu-option-small")
        t.keys("Escape")
        t.wait("changed in the draft")
        t.keys("Escape")
        t.wait("There is no draft.")
        t.keys("Escape")
        t.wait("State: serving")
        # More fields than lines: arrows go through them.
        t.choose("Paths of the network", "paths probe")
        t.choose("paths probe", "ID", "<Do it>")
        t.keys("Down", "Down", "Down")
        t.wait("--timeout MS")
        t.type("1")
        t.shot("menu-form-small")
        t.keys("Escape")
        t.wait("paths list")
        t.keys("Escape")
        t.wait("State: serving")
        t.choose("Settings", "There is no draft.")
        t.choose("Sessions", "changed in the draft")
        t.choose("idle-limit", "Value")
        t.resize(132, 43)
        screen = t.wait("In force:", "<Back>", "Arrows, Tab")
        # The frame reaches the new edges.
        self.assertGreater(max(map(len, screen.splitlines())), 125)
        t.resize(20, 5)
        time.sleep(0.5)
        t.resize(80, 24)
        t.wait("In force:", "<Back>")
        t.keys("C-c")
        t.wait("max-sessions")
        # What was typed survives a change of size.
        t.choose("idle-limit", "In force")
        t.keys("C-u")
        t.type("12")
        t.resize(90, 30)
        t.wait("Value 12_")

    def test_hangup(self):
        """The connection goes, in a page and while a command runs: nothing is left."""
        t = self.terminal("both")
        t.wait("Log out")
        t.close()
        wait_until(lambda: not self.menu_processes(), 20, "nothing is left")
        t = self.terminal("both")
        t.wait("Log out")
        t.choose("Paths of the network", "paths probe")
        t.choose("paths probe", "--target")
        t.type("web")
        t.keys("Tab")
        # Nobody answers from there: that takes as long as is said.
        run("ip", "-n", self.network.internet, "route", "replace", "blackhole", "203.0.113.99/32")
        t.type("203.0.113.99:80")
        t.keys("Tab", "Tab")
        t.type("30000")
        t.keys("Enter")
        t.wait("This is being done")
        t.shot("menu-waiting")
        t.keys("C-c")
        t.wait("It was stopped.")
        t.keys("Enter")
        t.wait("--target")
        t.keys("Enter")
        t.wait("This is being done")
        t.close()
        wait_until(lambda: not self.menu_processes(), 20, "nothing is left")

    def test_no_menu_where_none_can_be(self):
        done = self.ssh("both", "menu")
        self.assertEqual(done.status, 2, done)
        for term in ("dumb", "no-such-terminal", "../../etc"):
            t = Terminal(["env", "TERM=" + term, "ssh", "-t", *self.client_options("both"),
                          "%s@%s" % (self.admins.name("both"), lib_net.SYSTEM_LAN)],
                         netns=self.network.workstations[ADMIN])
            self.addCleanup(t.close)
            t.wait("lazaret> ")
        t = self.terminal("both", words=("prompt",))
        t.wait("lazaret> ")


FAKE = r'''#!/usr/bin/python3
import json, sys
evil = "\x1b]0;stolen\x07\x1b[2J\x1b[31mred\u202e\x9b5n"
words = sys.argv[1:]
if words[:2] == ["roles", "show"]:
    print(json.dumps({"user": "root" + evil, "uid": 0, "roles": "root", "from": evil}))
elif words[0] == "status":
    print(json.dumps({"state": "serving" + evil, "sessions": 1, "sessions_max": 2,
                      "certificate": evil}))
elif words[0] == "sessions":
    print(json.dumps([{"id": "1", "user": "mallory" + evil, "state": "attached", "viewer": evil}]))
else:
    sys.stdout.buffer.write(b"out" + evil.encode() + b"\xff\x1bc end\n")
    sys.stderr.write("lazaretctl: err" + evil + "\n")
    sys.exit(1)
'''


class Hostile(unittest.TestCase):
    """What commands print is not ours: names, titles, files of others. Here all of it is hostile."""

    def test_output(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-hostile-"))
        self.addCleanup(shutil.rmtree, folder)
        shutil.copy(BUILD / "src/menu/lazaret-menu", folder)
        (folder / "lazaretctl").write_text(FAKE, encoding="utf-8")
        (folder / "lazaretctl").chmod(0o755)
        t = Terminal([folder / "lazaret-menu"])
        self.addCleanup(t.close)
        # As blanks, and what is left of them.
        t.wait("State: serving ]0;stolen [2J [31mred", "Sessions")
        title = t.tmux("display-message", "-p", "#{pane_title}")
        t.choose("Sessions", "mallory ]0;stolen [2J [31mred")
        t.keys("Enter")
        t.wait("End the session", "mallory ]0;stolen")
        t.shot("menu-hostile")
        t.keys("Escape")
        t.wait("F5: look again")
        t.keys("Escape")
        t.wait("State:")
        t.choose("Other commands", "version")
        t.choose("Print the version", "<Do it>")
        t.keys("Enter")
        t.wait("This was not done", "err ]0;stolen [2J [31mred", "out ]0;stolen", "\ufffd c end")
        self.assertEqual(t.tmux("display-message", "-p", "#{pane_title}"), title)
        self.assertNotIn("stolen", title)
