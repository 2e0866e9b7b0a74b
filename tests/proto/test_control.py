# SPDX-License-Identifier: GPL-3.0-or-later
"""The control socket, alive: who may ask, and what becomes of those who ask wrongly."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from lib_frontdoor import BUILD, SOURCE, TYPES, VERSION, string, take_string
from lib_proc import scaled, wait_until
from lib_roles import MAY, ROLES, table

# Of the roles, one group behind the other.
GROUPS = {role: 54000 + i for i, role in enumerate(ROLES)}
MAINT = GROUPS["maint"]
MEMBER, STRANGER = 54101, 54102
RECORDS, DONE, FAILED = range(3)
USAGE, DENIED = 2, 4
CONTROL_MAX, PER_UID = 32, 8
WORDS_MAX, WORD_MAX = 16, 512
CONTROL_VERSION = 2


def limit(name):
    text = (SOURCE / "src/monitor/limits.h").read_text()
    return int(text.split("#define %s " % name)[1].split()[0])


def packet(name, body=b"", version=VERSION):
    return struct.pack(">HH", TYPES[name], version) + body


def request(*words, version=CONTROL_VERSION, count=None):
    return packet("CONTROL_REQUEST", struct.pack(">II", version, len(words) if count is None
                                                 else count) + b"".join(map(string, words)))


def connect_as(path, uid=0, gid=0, groups=()):
    """A connection whose caller is this account, whoever speaks through it afterwards."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            client.connect(path)
            socket.send_fds(theirs, [b"x"], [client.fileno()])
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    theirs.close()
    with mine:
        if status != 0:
            raise AssertionError("cannot connect as %d" % uid)
        _, fds, _, _ = socket.recv_fds(mine, 1, 1)
    client = socket.socket(fileno=fds[0])
    client.settimeout(scaled(10))
    return client


class Server:
    def __init__(self, haste=1):
        self.folder = tempfile.TemporaryDirectory(prefix="lazaret-test-")
        os.chmod(self.folder.name, 0o755)
        self.path = os.path.join(self.folder.name, "control")
        self.log_file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [BUILD / "tests/proto/control-server", self.folder.name, str(GROUPS["config"]), str(haste)],
            stdout=subprocess.PIPE, stderr=self.log_file)
        if self.process.stdout.readline() != b"READY\n":
            raise AssertionError("it did not start: " + self.log())

    def log(self):
        return os.pread(self.log_file.fileno(), 1 << 22, 0).decode()

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def fds_at_rest(self):
        """How many it has open when nobody is connected; 0 while somebody is."""
        folder = pathlib.Path("/proc/%d/fd" % self.process.pid)
        names = []
        for fd in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                names.append(os.readlink(fd))
        sockets = {name for name in names if name.startswith("socket:")}
        return len(names) if len(sockets) == 1 else 0

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log_file.close()
        self.folder.cleanup()


class Control(unittest.TestCase):
    HASTE = 1

    def setUp(self):
        self.server = Server(self.HASTE)
        self.addCleanup(self.server.close)
        # With the descriptors that it opens at the first use, before any are counted.
        self.assert_serves()
        self.idle = wait_until(self.server.fds_at_rest, 10, "the first client is gone")

    def connect(self, uid=0, gid=0, groups=()):
        client = connect_as(self.server.path, uid, gid, groups)
        self.addCleanup(client.close)
        return client

    def receive(self, client):
        """(kind, status or None, sentence); None at the end of the connection."""
        data = b""
        # A reset is said once, ahead of the last words: something was left unread.
        for _ in range(2):
            with contextlib.suppress(ConnectionResetError):
                data = client.recv(70000)
                break
        if not data:
            return None
        self.assertEqual(data[:4], packet("CONTROL_ANSWER"))
        kind, body = data[4], data[5:]
        if kind == RECORDS:
            return RECORDS, None, body
        status = None
        if kind == FAILED:
            status, body = body[0], body[1:]
        sentence, rest = take_string(body)
        self.assertEqual(rest, b"")
        return kind, status, sentence

    def ask(self, client, *words):
        with contextlib.suppress(BrokenPipeError):  # turned away already, with a sentence
            client.send(request(*words))
        return self.receive(client)

    def assert_closed(self, client):
        self.assertIsNone(self.receive(client))

    def assert_serves(self):
        with connect_as(self.server.path) as client:
            self.assertEqual(self.ask(client, "status"), (DONE, None, "status by 0 with 0 "))


class Access(Control):
    def test_root(self):
        self.assertEqual(self.ask(self.connect(), "shutdown"), (DONE, None, "shutdown by 0 with 0 "))

    def test_member(self):
        """By its first group and by another one; what is root's stays root's."""
        for gid, groups in ((MAINT, ()), (STRANGER, (1, MAINT, 2))):
            client = self.connect(MEMBER, gid, groups)
            self.assertEqual(self.ask(client, "kick", "alice"),
                             (DONE, None, "kick by %d with 1 alice" % MEMBER))
            client = self.connect(MEMBER, gid, groups)
            kind, status, sentence = self.ask(client, "shutdown")
            self.assertEqual((kind, status), (FAILED, DENIED))
            self.assertIn("only root", sentence)

    def test_roles(self):
        """Each role with each command of the table: what it may and what not, and both in the log."""
        rows = table(SOURCE)
        self.assertEqual({words: roles for words, (_, _, roles) in rows.items()}, MAY)
        for role in ROLES:
            for words, (least, where, _) in rows.items():
                if words in ("end", "sessions", "version"):  # never answered, flooded, not asked
                    continue
                with self.subTest(role=role, command=words):
                    mark = len(self.server.log())
                    client = self.connect(MEMBER, STRANGER, (GROUPS[role],))
                    answer = self.ask(client, *words.split(), *["x y"] * least)
                    line = self.server.log()[mark:]
                    self.assertIn('user="u%d" uid=%d from="192.0.2.7 port 50000"'
                                  % (MEMBER, MEMBER), line)
                    self.assertIn('command="%s" arguments="%s"'
                                  % (words, " ".join(["'x y'"] * least)), line)
                    client.close()
                    if role in MAY[words]:
                        self.assertEqual(answer[0], DONE)
                        self.assertIn("audit admin.command", line)
                        self.assertIn('role="%s"' % role, line)
                        self.assertIn('result="done"', line)
                        continue
                    self.assertEqual(answer[:2], (FAILED, DENIED))
                    self.assertIn("audit admin.refused", line)
                    self.assertIn('reason="holds %s"' % role, line)
                    for needed in MAY[words] or {"root"}:
                        self.assertIn(needed, answer[2])

    def test_several_roles(self):
        """What one of them may; but not two that one person must not hold together."""
        groups = [GROUPS["maint"], GROUPS["config"]]
        self.assertEqual(self.ask(self.connect(MEMBER, STRANGER, groups), "reload")[0], DONE)
        self.assertEqual(self.ask(self.connect(MEMBER, STRANGER, groups), "kick", "a")[0], DONE)
        self.assertEqual(self.ask(self.connect(MEMBER, STRANGER, groups), "roles", "check")[:2],
                         (FAILED, DENIED))
        for others, pair in ((["audit", "config"], "audit with config"),
                             (["update", "audit"], "audit with update"),
                             (["security", "maint"], "security with maint")):
            mark = len(self.server.log())
            client = self.connect(MEMBER, GROUPS[others[0]], [GROUPS[o] for o in others[1:]])
            kind, status, sentence = self.receive(client)
            self.assertEqual((kind, status), (FAILED, DENIED))
            for role in others:
                self.assertIn("lazaret-" + role, sentence)
            self.assertIn('reason="%s"' % pair, self.server.log()[mark:])
            self.assert_closed(client)
        # Root is not asked for roles.
        self.assertEqual(self.ask(self.connect(0, 0, list(GROUPS.values())), "shutdown")[0], DONE)

    def test_stranger(self):
        """Is told why before it has said a word, and then nothing it says is read."""
        client = self.connect(STRANGER, STRANGER, (1, 2))
        kind, status, sentence = self.receive(client)
        self.assertEqual((kind, status), (FAILED, DENIED))
        self.assertIn("holders of a role", sentence)
        self.assert_closed(client)
        self.assertIn('control.denied uid=%d from="192.0.2.7 port 50000" reason="no role"' % STRANGER,
                      self.server.log())
        with self.assertRaises(BrokenPipeError):
            client.send(request("shutdown"))
        self.assert_serves()

    def test_group_whose_number_is_the_uid(self):
        client = self.connect(MAINT, STRANGER)
        self.assertEqual(self.receive(client)[:2], (FAILED, DENIED))

    def test_many_groups(self):
        """A member of more groups than are looked at is refused, not let in: in one of them might be a
        role that must not meet the others. As many as are looked at are."""
        most = [MAINT] + list(range(60000, 61023))
        self.assertEqual(self.ask(self.connect(MEMBER, STRANGER, most), "status")[0], DONE)
        client = self.connect(MEMBER, MAINT, most + [61023])
        self.assertEqual(self.receive(client)[:2], (FAILED, DENIED))
        self.assert_serves()


class Record(Control):
    """What the log says of commands that do not end by themselves."""

    def test_unanswered(self):
        """One that takes a while is written down when it begins, and when its caller has left."""
        client = self.connect(MEMBER, MAINT)
        client.send(request("end", "alice", "a\nb\" forged"))
        wait_until(lambda: "admin.begun" in self.server.log(), 10, "it is in the log")
        client.close()
        wait_until(lambda: 'result="unknown"' in self.server.log(), 10, "its end is")
        lines = [line for line in self.server.log().splitlines() if 'command="end"' in line]
        self.assertEqual(len(lines), 2)
        numbers = {line.partition("number=")[2].split()[0] for line in lines}
        self.assertEqual(len(numbers), 1)
        for line in lines:
            self.assertIn("arguments=\"alice 'a b\\\" forged'\"", line)


    def test_long(self):
        """As much of the arguments as one line has place for; the rest is cut."""
        self.assertEqual(limit("AUDIT_ARGUMENTS_MAX"), 512)
        for size, shown in ((511 - 12, 511), (512, 511)):
            mark = len(self.server.log())
            client = self.connect(MEMBER, MAINT)
            self.assertEqual(self.ask(client, "kick", "the-session", "x" * size)[0], DONE)
            line = self.server.log()[mark:]
            text = line.partition('arguments="')[2].partition('"')[0]
            self.assertEqual(text, ("the-session " + "x" * size)[:shown])
            self.assertIn('" result="done"', line)
            client.close()


class Nonsense(Control):
    def refused(self, data, fds=()):
        client = self.connect()
        if fds:
            socket.send_fds(client, [data], fds)
        else:
            client.send(data)
        self.assert_closed(client)
        client.close()

    def tearDown(self):
        self.assert_serves()

    def test_words(self):
        """As many and as long as may be, and one more of each."""
        for words, expected in ((["kick"] + ["a"] * (WORDS_MAX - 1), USAGE),
                                (["a" * WORD_MAX], USAGE)):
            self.assertEqual(self.ask(self.connect(), *words)[:2], (FAILED, expected))
        self.refused(request(*["a"] * (WORDS_MAX + 1)))
        self.refused(request("a" * (WORD_MAX + 1)))
        self.assertEqual((limit("CONTROL_WORDS_MAX"), limit("CONTROL_WORD_MAX")),
                         (WORDS_MAX, WORD_MAX))

    def test_usage(self):
        for words in (["frobnicate"], ["kick"], ["kick", "a", "b", "c"], [""], []):
            client = self.connect()
            client.send(request(*words))
            answer = self.receive(client)
            if not words:
                self.assertTrue(answer is None or answer[:2] == (FAILED, USAGE), answer)
            else:
                self.assertEqual(answer[:2], (FAILED, USAGE), words)
        self.assert_serves()

    def test_truncated(self):
        whole = request("kick", "alice")
        for size in range(len(whole)):
            client = self.connect()
            client.send(whole[:size])
            self.assert_closed(client)
        self.assert_serves()

    def test_oversize(self):
        self.refused(whole := request("status") + b"\0" * 70000)
        self.refused(whole[:65540])
        self.refused(request("status") + b"\0")

    def test_lies(self):
        self.refused(request("status", count=2))
        self.refused(request("status", "x", count=1))
        self.refused(request("status", count=0xffffffff))
        self.refused(packet("CONTROL_REQUEST", struct.pack(">III", CONTROL_VERSION, 1, 0xffffffff) + b"status"))
        self.refused(request("sta\0tus"))

    def test_versions(self):
        """Of the frame: nothing we understand. Of the commands: a sentence that says so."""
        self.refused(struct.pack(">HH", TYPES["CONTROL_REQUEST"], VERSION + 1) + request("status")[4:])
        client = self.connect()
        client.send(request("a", version=CONTROL_VERSION + 1) + b"whatever comes then")
        kind, status, sentence = self.receive(client)
        self.assertEqual((kind, status), (FAILED, 1))
        self.assertIn("another version", sentence)
        self.assert_serves()

    def test_other_messages(self):
        """Each message of the system but the one that is a client's to say."""
        for name in TYPES:
            if name != "CONTROL_REQUEST":
                self.refused(packet(name))
        self.refused(struct.pack(">HH", len(TYPES), VERSION))

    def test_second_command(self):
        client = self.connect()
        client.send(request("status"))
        client.send(request("shutdown"))
        self.assertEqual(self.receive(client)[0], DONE)
        self.assert_closed(client)
        self.assert_serves()

    def test_descriptors(self):
        """Nothing that is sent along stays open, with a good request, a bad one, or none."""
        with open("/dev/null", "rb") as null:
            fds = [null.fileno()] * 4
            client = self.connect()
            socket.send_fds(client, [request("status")], fds)
            self.assertEqual(self.receive(client)[0], DONE)
            client.close()
            self.refused(b"nonsense", fds)
            self.refused(b"", fds)
            self.refused(request("status"), fds * 3)
        wait_until(lambda: self.server.fds() == self.idle, 10, "all descriptors closed")


class Greedy(Control):
    def test_one_uid(self):
        """As many as one account may have; then a sentence; then, when one has left, service."""
        self.assertEqual(limit("CONTROL_PER_UID"), PER_UID)
        clients = [self.connect(MEMBER, MAINT) for _ in range(PER_UID)]
        self.assertEqual(self.receive(self.connect(MEMBER, MAINT))[:2], (FAILED, 1))
        self.assert_serves()
        clients[0].close()
        self.wait_for_place(MEMBER)

    def wait_for_place(self, uid):
        def place():
            with connect_as(self.server.path, uid, MAINT) as client:
                client.send(request("status"))
                return self.receive(client)[0] == DONE
        wait_until(place, 10, "a place is free again")

    def test_all(self):
        self.assertEqual(limit("CONTROL_MAX"), CONTROL_MAX)
        clients = []
        for uid in range(CONTROL_MAX // PER_UID):
            clients += [self.connect(MEMBER + uid, MAINT) for _ in range(PER_UID)]
        self.assertEqual(self.receive(self.connect())[:2], (FAILED, 1))
        clients[0].close()
        self.wait_for_place(0)
        for client in clients[1:]:
            client.send(request("status"))
            self.assertEqual(self.receive(client)[0], DONE)

    def test_storm(self):
        """Hundreds that come and go at once, some with half a word: those that ask are answered."""
        for _ in range(20):
            clients = []
            for i in range(30):
                client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                client.connect(self.server.path)
                if i % 3 == 0:
                    with contextlib.suppress(BrokenPipeError):  # turned away already
                        client.send(b"\0")
                clients.append(client)
            for client in clients:
                client.close()
        wait_until(self.served, 10, "it serves after the storm")
        self.assertIsNone(self.server.process.poll())

    def served(self):
        with connect_as(self.server.path) as client:
            return (self.ask(client, "status") or [None])[0] == DONE

    def test_reads_nothing(self):
        """What it does not take is dropped at a bound; nobody else waits for it."""
        client = self.connect(MEMBER, MAINT)
        client.send(request("sessions"))
        self.assert_serves()
        memory = (pathlib.Path("/proc") / str(self.server.process.pid) / "status").read_text()
        self.assertLess(int(memory.split("VmRSS:")[1].split()[0]), 32 * 1024)
        # What had been queued still comes, whole and in order.
        count = 0
        while (answer := self.receive(client)) and answer[0] == RECORDS:
            count += 1
            if count > 64:
                break
        self.assertGreater(count, 10)

    def test_killed_in_the_middle(self):
        """A client that is killed while it is being answered takes nothing with it."""
        for _ in range(5):
            client = self.connect(MEMBER, MAINT)
            process = subprocess.Popen(["sleep", "60"], pass_fds=[client.fileno()])
            client.send(request("sessions"))
            client.close()
            process.send_signal(signal.SIGKILL)
            process.wait()
        wait_until(lambda: self.server.fds() == self.idle, 10, "its connections are closed")
        self.assert_serves()


class Slow(Control):
    HASTE = 15

    def test_says_nothing(self):
        self.assertEqual(limit("CONTROL_TIMEOUT"), 30)
        client = self.connect()
        started = time.monotonic()
        self.assert_closed(client)
        self.assertGreater(time.monotonic() - started, 1.5)
        self.assert_serves()

    def test_never_leaves(self):
        """Answered, and still there: it gives its place back."""
        client = self.connect()
        self.assertEqual(self.ask(client, "status")[0], DONE)
        self.assert_closed(client)

    def test_unanswered(self):
        """A command that never answers holds its caller only so long."""
        client = self.connect()
        client.send(request("end", "alice"))
        self.assertEqual(select.select([client], [], [], 0.5)[0], [])
        self.assert_closed(client)


class Program(Control):
    """lazaretctl itself at the other end."""

    def lazaretctl(self, *words, program=BUILD / "src/ctl/lazaretctl", **named):
        return subprocess.Popen(
            [program, "--socket", self.server.path, *words], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **named)

    def finish(self, process):
        out, err = process.communicate(timeout=scaled(10))
        return process.returncode, out, err

    def test_answers(self):
        self.assertEqual(self.finish(self.lazaretctl("kick", "alice", "for a reason")),
                         (0, "kick by 0 with 2 alice\n", ""))

    def test_denied(self):
        # The tree may stand where a stranger has no way to.
        program = os.path.join(self.server.folder.name, "lazaretctl")
        shutil.copy(BUILD / "src/ctl/lazaretctl", program)
        status, out, err = self.finish(self.lazaretctl(
            "status", program=program, user=STRANGER, group=STRANGER, extra_groups=[]))
        self.assertEqual((status, out), (DENIED, ""))
        self.assertIn("holders of a role", err)

    def test_daemon_dies(self):
        process = self.lazaretctl("end", "alice")
        wait_until(lambda: self.server.fds() > self.idle, 10, "it is connected")
        self.server.process.kill()
        status, out, err = self.finish(process)
        self.assertEqual((status, out), (5, ""))
        self.assertIn("did not answer", err)
        self.assertEqual(self.finish(self.lazaretctl("status"))[0], 5)


if __name__ == "__main__":
    unittest.main()
