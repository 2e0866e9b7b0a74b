# SPDX-License-Identifier: GPL-3.0-or-later
"""Administrators are made, given keys and roles, and lose them, over SSH by one of the role security;
and nobody makes himself more than he is."""

import grp
import json
import os
import pathlib
import pwd

from lib_proc import run, wait_until
from lib_ssh import NO_SSH, SshTest

USAGE, NOT_FOUND, DENIED = 2, 3, 4


class Admins(SshTest):
    seconds = 180
    users = ("alice",)
    people = {"sue": ("security",), "sam": ("security",), "ann": ("audit",), "mary": ("config",)}

    def setUp(self):
        super().setUp()
        self.new = self.admins.prefix + "new"
        self.end_of_test(self.remove_new)

    def remove_new(self):
        run("userdel", self.new, check=False)
        (self.ssh_folder / "keys" / self.new).unlink(missing_ok=True)

    def good(self, person, *words, input=None):
        done = self.ssh(person, "lazaretctl", *words, input=input)
        self.assertEqual(done.status, 0, done)
        return done.out

    def bad(self, expected, person, *words, input=None, status=1):
        done = self.ssh(person, "lazaretctl", *words, input=input)
        self.assertEqual(done.status, status, done)
        self.assertIn(expected, done.err)

    def public(self, kind="ed25519", name="new", bits=None):
        path = pathlib.Path(self.keys.name) / name
        path.unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "at home", "-f", path,
            *(["-b", bits] if bits else []))
        return path.with_name(name + ".pub").read_text("utf-8")

    def login(self, *words):
        """As the new administrator."""
        return self.ssh("sue", "lazaretctl", *words, account=self.new,
                        key=pathlib.Path(self.keys.name) / "new")

    def test_life(self):
        """From the account to its removal."""
        line = self.public()
        self.good("sue", "admin", "add", self.new)
        entry = pwd.getpwnam(self.new)
        self.assertEqual((entry.pw_shell, entry.pw_dir), (self.shell, "/nonexistent"))
        self.bad("already", "sue", "admin", "add", self.new)
        out = self.good("sue", "admin", "key", "add", self.new, "-", input=line)
        self.assertIn("SHA256:", out)
        path = self.ssh_folder / "keys" / self.new
        self.assertEqual((path.stat().st_uid, path.stat().st_mode & 0o777), (0, 0o644))
        # A key without a role opens nothing.
        self.assertEqual(self.login("status").status, NO_SSH)
        self.good("sue", "roles", "grant", self.new, "maint")
        self.assertEqual(self.login("sessions").status, 0)
        self.assertEqual(self.login("config", "dump").status, DENIED)
        listed = {a["user"]: a for a in json.loads(self.good("ann", "admin", "list", "--json"))}
        self.assertEqual((listed[self.new]["roles"], listed[self.new]["keys"]), (["maint"], 1))
        self.assertTrue(listed[self.new]["shell"])
        key = json.loads(self.good("ann", "admin", "key", "list", self.new, "--json"))[0]
        self.assertIn(key["fingerprint"], out)
        self.assertEqual((key["comment"], key["bits"]), ("at home", 256))
        self.system.wait_log("admin.command", 'command="roles grant"', self.admins.name("sue"),
                             'arguments="%s maint"' % self.new, since=self.mark)
        self.bad("has no key", "sue", "admin", "key", "remove", self.new, "SHA256:x", status=NOT_FOUND)
        self.good("sue", "admin", "key", "remove", self.new, key["fingerprint"])
        self.assertEqual(self.login("status").status, NO_SSH)
        self.good("sue", "admin", "key", "add", self.new, "-", input=line)
        self.good("sue", "admin", "remove", self.new)
        self.assertFalse(path.exists())
        with self.assertRaises(KeyError):
            pwd.getpwnam(self.new)
        self.assertNotIn(self.new, grp.getgrnam(self.admins.group("maint")).gr_mem)

    def test_taken_at_once(self):
        """Who loses a role loses what he has open with it."""
        self.public()
        self.good("sue", "admin", "add", self.new)
        self.good("sue", "admin", "key", "add", self.new, "-",
                  input=(pathlib.Path(self.keys.name) / "new.pub").read_text("utf-8"))
        self.good("sue", "roles", "grant", self.new, "maint")
        (pathlib.Path(self.keys.name) / "x").unlink(missing_ok=True)
        uid = pwd.getpwnam(self.new).pw_uid
        options = ("-tt", "-l", self.new, "-i", pathlib.Path(self.keys.name) / "new")
        with self.running("sue", options=options) as process:
            self.read_until(process, "lazaret> ")
            self.assertTrue([p for p in self.system.processes("lazaret-admin") if p.uid == uid])
            self.good("sam", "roles", "take", self.new, "maint")
            wait_until(lambda: process.poll() is not None, 20, "the login has ended")
        self.assertEqual(self.login("status").status, NO_SSH)
        self.assertFalse([p for p in self.system.processes("lazaret-admin") if p.uid == uid])

    def test_not_oneself(self):
        """Nobody changes his own roles, by whatever name."""
        me = self.admins.name("sue")
        for role in ("config", "update", "audit", "security"):
            self.bad("himself" if role != "security" else "", "sue", "roles", "grant", me, role,
                     status=1 if role != "security" else 0)
        self.bad("his own", "sue", "roles", "take", me, "security")
        self.bad("his own", "sue", "admin", "remove", me)
        # Another account with the same user id is the same person.
        run("useradd", "-o", "-u", str(self.admins.uid("sue")), "-M", "-N", "--shell", self.shell, self.new)
        try:
            self.bad("himself", "sue", "roles", "grant", self.new, "config")
        finally:
            run("sed", "-i", "/^%s:/d" % self.new, "/etc/passwd", "/etc/shadow")
        self.assertEqual(sorted(os.getgrouplist(me, pwd.getpwnam(me).pw_gid))[-1:],
                         [max(pwd.getpwnam(me).pw_gid, grp.getgrnam(self.admins.group("security")).gr_gid)])
        for person in ("mary", "ann"):
            for words in (("roles", "grant", self.admins.name("mary"), "security"),
                          ("admin", "add", self.new), ("admin", "key", "add", me, "-")):
                self.assertEqual(self.ssh(person, "lazaretctl", *words, input="").status, DENIED)

    def test_refused_grants(self):
        mary, alice = self.admins.name("mary"), self.system.name("alice")
        self.bad("must not (roles-apart)", "sue", "roles", "grant", mary, "audit")
        self.bad("must not (roles-apart)", "sue", "roles", "grant", self.admins.name("sam"), "maint")
        self.bad("user of the viewer", "sue", "roles", "grant", alice, "config")
        self.bad("user of the viewer", "sue", "admin", "key", "add", alice, "-", input=self.public())
        self.bad("is root", "sue", "roles", "grant", "root", "config")
        self.bad("there is no role", "sue", "roles", "grant", mary, "root", status=USAGE)
        self.bad("no account", "sue", "roles", "grant", self.new, "config", status=NOT_FOUND)
        self.bad("no name", "sue", "admin", "add", "-o", status=USAGE)
        self.bad("no name", "sue", "admin", "add", "../x", status=USAGE)
        self.bad("no name", "sue", "admin", "add", "x:0:0", status=USAGE)
        self.bad("no account of an administrator", "sue", "admin", "remove", "daemon")
        self.bad("no administrator", "sue", "admin", "key", "add", "daemon", "-", input=self.public())
        # An account with a shell that reads its owner's files.
        run("usermod", "--shell", "/bin/bash", mary)
        try:
            self.bad("login shell", "sue", "roles", "grant", mary, "update")
        finally:
            run("usermod", "--shell", self.shell, mary)

    def test_refused_keys(self):
        """What is no key, or more than one, or not one person's."""
        mary = self.admins.name("mary")
        path = self.ssh_folder / "keys" / mary
        before = path.read_bytes()
        self.end_of_test(path.write_bytes, before)
        line = self.public()
        for expected, text in (
                ("options before it", 'command="/bin/sh" ' + line),
                ("options before it", "restrict,pty " + line), ("there is no key", ""),
                ("more than one line", line + line), ("does not begin", "x" * 5000),
                ("no text", "ssh-ed25519 \0 x"),
                ("not a public key", (pathlib.Path(self.keys.name) / "new").read_text("utf-8")),
                ("3072 bits", self.public("rsa", "weak", "2048")),
                ("certificates are not taken", "ssh-ed25519-cert-v01@openssh.com AAAA"),
                ("already", before.decode())):
            with self.subTest(expected=expected):
                self.bad(expected, "sue", "admin", "key", "add", mary, "-", input=text)
                self.assertEqual(path.read_bytes(), before)
        self.bad("already", "sue", "admin", "key", "add", self.admins.name("ann"), "-",
                 input=before.decode())
        # As many as there may be, and one more.
        path.write_text("".join(self.public(name="n%d" % i) for i in range(15)), encoding="utf-8")
        self.good("sue", "admin", "key", "add", mary, "-", input=self.public(name="n15"))
        self.bad("16 keys already", "sue", "admin", "key", "add", mary, "-", input=self.public(name="n16"))
        self.assertEqual(len(path.read_text("utf-8").splitlines()), 16)
        # RSA, ECDSA: what our sshd takes is taken here.
        path.write_bytes(before)
        for kind, bits in (("rsa", "3072"), ("ecdsa", "256"), ("ecdsa", "521")):
            self.good("sue", "admin", "key", "add", mary, "-", input=self.public(kind, "k", bits))

    def test_password(self):
        mary = self.admins.name("mary")
        self.bad("12 characters", "sue", "admin", "password", mary, "-", input="short\n")
        self.good("sue", "admin", "password", mary, "-", input="a longer secret\n")
        self.reload(login="password")
        try:
            self.assertEqual(self.ssh("mary", "status", login="password",
                                      password="a longer secret").status, 0)
        finally:
            self.reload()
        self.assertNotIn("longer secret", self.system.log_text()[self.mark:])
