# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role with each command of the table, over SSH and with a client that its person has written
himself; and the ways by which one could try to have more than one's role."""

import contextlib
import json
import pathlib
import re

from lib_proc import TOP, run, wait_until
from lib_roles import MAY, ROLES, table
from lib_ssh import SshTest

DENIED = 4
# What follows a command here, and how one ends that is allowed, when it is not with 0. In the order of
# the table there is a version to restore when it comes to that.
ARGUMENTS = {"config set": ["idle-limit", "1800"], "config restore": ["0"],
             "kick": ["who-is-not-there"], "end": ["who-is-not-there"], "paths explain": ["web"],
             "firewall apply": ["--within", "3"], "paths probe": ["--timeout", "100"],
             "roles grant": ["who-is-not-there", "maint"], "roles take": ["who-is-not-there", "maint"],
             "admin add": ["Not-a-name"], "admin remove": ["who-is-not-there"],
             "admin password": ["who-is-not-there", "-"], "admin key add": ["who-is-not-there", "-"],
             "admin key remove": ["who-is-not-there", "SHA256:x"],
             "maintenance on": ["--at", "25:00"], "user add": ["Nobody"], "user import": ["-", "--preview"],
             "user expire": ["never", "who-is-not-there"], "user lock": ["who-is-not-there"],
             "user unlock": ["who-is-not-there"], "user password": ["who-is-not-there", "--generate"],
             "user remove": ["who-is-not-there", "--yes"]}
STATUS = {"secure check": {1}, "roles grant": {3}, "roles take": {3}, "admin add": {2}, "admin remove": {3},
          "admin password": {3}, "admin key add": {3}, "admin key remove": {3}, "kick": {3}, "end": {3}, "paths probe": {0, 1},
          "update check": {1}, "maintenance on": {2}, "user add": {2}, "user import": {1}, "user expire": {3}, "user lock": {3}, "user unlock": {3},
          "user password": {3}, "user remove": {3}}

# Backups: no place for them is configured.
ARGUMENTS.update({"backup restore": ["latest"], "backup approve": ["00000000"],
                  "backup reject": ["00000000"], "backup key set": ["-"]})
STATUS.update({"backup " + word: {1} for word in (
    "run", "list", "check", "schedule", "restore", "requests", "approve", "reject", "key show", "key set",
    "key ssh")})

# The server's certificate.
ARGUMENTS.update({"cert install": ["-"], "viewer-config": ["--ca"]})
STATUS.update({"cert install": {1}, "cert revert": {1}})

# The file lock is off: nobody answers for it.
ARGUMENTS.update({"lock " + word: ["0" * 16] for word in ("show", "release", "drop")})
ARGUMENTS["lock check"] = ["-", "--user", "who-is-not-there", "--direction", "up"]
STATUS.update({"lock " + word: {5} for word in ("status", "list", "show", "release", "drop")})
STATUS["lock check"] = {1}

# A client of nobody's making but its person's: sends what it likes, prints what comes back.
RAW = """
import contextlib, json, socket, struct, sys
path, kind, version, commands = sys.argv[1], *map(json.loads, sys.argv[2:])
answers = []
for words in commands:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(path)
    s.settimeout(60)
    # Turned away already, with a sentence; the kernel says so once, ahead of that.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        s.send(struct.pack(">HHII", kind, version, 2, len(words)) + b"".join(
            struct.pack(">I", len(w)) + w.encode() for w in words))
    try:
        data = s.recv(70000)
    except ConnectionResetError:
        data = s.recv(70000)
    answers.append([data[4], data[5]] if len(data) > 5 else None)
print(json.dumps(answers))
"""
FAILED = 2


class Table(SshTest):
    seconds = 300

    def test_ssh(self):
        rows = table(TOP)
        self.assertEqual({words: roles for words, (_, _, roles) in rows.items()}, MAY)
        for role in ROLES:
            with self.one_connection(role) as options:
                for words in MAY:
                    with self.subTest(role=role, command=words):
                        self.try_command(role, words, options)

    @contextlib.contextmanager
    def one_connection(self, person):
        """A login for many commands, each a session of its own: options for those."""
        socket = pathlib.Path(self.keys.name) / ("to-" + person)
        with self.running(person, options=("-N", "-M", "-S", str(socket))):
            wait_until(socket.exists, 20, "the connection is there")
            yield ("-S", str(socket))
        socket.unlink(missing_ok=True)

    def try_command(self, role, words, options):
        mark = self.system.log_mark()
        done = self.ssh(role, "lazaretctl", *words.split(), *ARGUMENTS.get(words, []),
                        options=options)
        if role in MAY[words]:
            self.assertIn(done.status, STATUS.get(words, {0}), done)
            event, expected = "admin.command", 'role="%s"' % role
        else:
            self.assertEqual(done.status, DENIED, done)
            self.assertEqual(done.out, "")
            for needed in MAY[words] or {"root"}:
                self.assertIn(needed, done.err)
            event, expected = "admin.refused", 'reason="holds %s"' % role
        if words == "version":  # done by the program that runs for the person
            return
        line = self.system.wait_log(event, 'command="%s"' % words, since=mark)
        self.assertIn('user="%s" uid=%d from="10.77.0.10 port ' % (
            self.admins.name(role), self.admins.uid(role)), line)
        self.assertIn(expected, line)
        self.assertIn('arguments="%s"' % " ".join(ARGUMENTS.get(words, [])), line)
        if words == "firewall apply" and role in MAY[words]:
            # It goes by itself: nobody confirms it.
            wait_until(lambda: "lazaret_host" not in run(
                "nft", "list", "tables", netns=self.network.system), 20, "the rules are gone")

    @property
    def control(self):
        text = (self.system.state / "lazaretctl").read_text(encoding="utf-8")
        return text.partition('-s "')[2].partition('"')[0]

    def raw(self, person, commands, prefix=()):
        ipc = TOP / "src/ipc"
        kind = re.findall(r"^M\((\w+),", (ipc / "messages.def").read_text("utf-8"), re.M).index(
            "CONTROL_REQUEST")
        version = re.search(r"IPC_VERSION (\d+)", (ipc / "message.h").read_text("utf-8")).group(1)
        status, out, err = self.admins.run(
            person, *prefix, "/usr/bin/python3", "-c", RAW, self.control, json.dumps(kind), version,
            json.dumps(commands))
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def test_forged_client(self):
        """What lazaretctl would never ask for is refused all the same."""
        for role in ROLES:
            refused = [words for words in MAY if role not in MAY[words]]
            mark = self.system.log_mark()
            answers = self.raw(role, [words.split() + ARGUMENTS.get(words, [])
                                      for words in refused])
            for words, answer in zip(refused, answers):
                with self.subTest(role=role, command=words):
                    self.assertEqual(answer, [FAILED, DENIED])
                    self.system.wait_log("admin.refused", 'command="%s"' % words,
                                         'uid=%d from="local"' % self.admins.uid(role), since=mark)

    def test_root_of_his_own(self):
        """Root in a user namespace of one's own is nobody's root; not even a holder of more roles."""
        as_root = ("unshare", "--user", "--map-root-user")
        self.assertEqual(self.raw("maint", [["shutdown"], ["config", "dump"], ["kick", "x"]], as_root),
                         [[FAILED, DENIED], [FAILED, DENIED], [FAILED, 3]])
        self.assertEqual(self.raw("nobody", [["status"]], as_root), [[FAILED, DENIED]])
        self.assertEqual(self.system.ctl("status")["state"], "serving")

    def test_by_groups(self):
        """Programs that change groups ask for more than a person without a role has."""
        group = self.admins.group("maint")
        for command in (("sg", group, "true"), ("newgrp", group)):
            status, _, _ = self.admins.run("nobody", *command)
            self.assertNotEqual(status, 0)
        for person in ("config", "nobody"):
            for command in ("sg %s -c sessions" % group, "newgrp " + group, "su root", "sudo sessions",
                            "setpriv --groups 0 sessions"):
                done = self.ssh(person, command)
                self.assertIn(done.status, (2, 255), done)

    def test_no_new_privileges(self):
        """Below the shell of administrators no set-uid program has an effect."""
        status, out, _ = self.admins.run("maint", self.shell, "-c", "roles show --json",
                                         env={"LAZARET_SOCKET": self.control})
        self.assertEqual(status, 0)
        self.assertEqual(json.loads(out)["roles"], "maint")
        with self.running("maint", options=("-tt",)) as process:
            self.read_until(process, "lazaret> ")
            found = [p for p in self.system.processes("lazaret-admin")]
            self.assertTrue(found)
            for item in found:
                with open("/proc/%d/status" % item.pid, encoding="utf-8") as file:
                    text = file.read()
                self.assertIn("NoNewPrivs:\t1", text)
                self.assertIn("Uid:\t%d" % self.admins.uid("maint"), text)
