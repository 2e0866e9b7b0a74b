# SPDX-License-Identifier: GPL-3.0-or-later
"""lazaret-checkd with a real clamd and signatures of our own, driven without SFTP, and files to be
checked: what must be found is found by a signature for EICAR's test file."""

import io
import json
import os
import pathlib
import queue
import shutil
import subprocess
import tarfile
import tempfile
import threading
import unittest
import zipfile

from lib_proc import BUILD, scaled

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"
USUAL = {"transfer": "both", "transfer-in-types": ["any", "unknown"],
         "transfer-out-types": ["any", "unknown"], "transfer-largest": 4096,
         "transfer-daily-size": 0, "transfer-daily-files": 0}


def zipped(*files):
    """(name, content)... in a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def tarred(name, content, mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


class Checkd:
    """One lazaret-checkd. `options` as in lib_system, `text` is more configuration."""

    def __init__(self, options=None, text="", lockcheck=None, keep=None):
        self.folder = keep or pathlib.Path(tempfile.mkdtemp(prefix="lazaret-check-", dir="/tmp"))
        self.folder.chmod(0o711)
        for name in ("run", "state", "libexec", "signatures", "scanners"):
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name).chmod(0o755)
        for name in ("lazaret-checkd", "lazaret-lockcheck", "lazaret-scanner"):
            link = self.folder / "libexec" / name
            link.unlink(missing_ok=True)
            link.symlink_to(BUILD / "src/lock" / name)
        if lockcheck:
            path = self.folder / "libexec/lazaret-lockcheck"
            path.unlink()
            path.write_text(lockcheck, encoding="utf-8")
            path.chmod(0o755)
        if not keep:
            self.sign("Eicar-Test", EICAR)
        self.config = self.folder / "test.conf"
        self.options = dict(USUAL, **{
            "runtime-directory": self.folder / "run", "state-directory": self.folder / "state",
            "libexec-directory": self.folder / "libexec",
            "lock-signatures": self.folder / "signatures",
            "lock-scanner-directory": self.folder / "scanners"}, **(options or {}))
        self.text = text
        self.write()
        self.log = open(self.folder / "log", "a", encoding="utf-8")
        self.popen = subprocess.Popen(
            [BUILD / "tests/tools/check_drive", self.folder / "libexec/lazaret-checkd", self.config],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.lines = queue.Queue()
        self.notices = []
        self.verdicts = {}
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        assert self.line("ready") == "ready"

    def write(self, **options):
        self.options.update({k.replace("_", "-"): v for k, v in options.items()})
        self.config.write_text("".join("%s = %s\n" % (k, self._value(v))
                                       for k, v in self.options.items()) + self.text,
                               encoding="utf-8")

    @staticmethod
    def _value(value):
        if isinstance(value, int):
            return str(value)
        if isinstance(value, list):
            return "{%s}" % ", ".join('"%s"' % v for v in value)
        return '"%s"' % value

    def sign(self, name, content):
        """One more signature, where clamd finds it."""
        with open(self.folder / "signatures/test.ndb", "a", encoding="ascii") as out:
            out.write("%s:0:*:%s\n" % (name, content.hex()))

    def _read(self):
        for line in self.popen.stdout:
            line = line.rstrip("\n")
            if line.startswith("notice "):
                self.notices.append(line[len("notice "):])
            else:
                self.lines.put(line)

    def say(self, *words):
        self.popen.stdin.write("\t".join(str(w) for w in words) + "\n")
        self.popen.stdin.flush()

    def line(self, start, seconds=60):
        """The next line, which must begin so."""
        try:
            line = self.lines.get(timeout=scaled(seconds))
        except queue.Empty:
            raise AssertionError("no line %r; the log ends:\n%s" % (start, self.log_text()[-3000:])) \
                from None
        assert line.startswith(start), line
        return line

    def user(self, name="alice", uid=1500, groups=""):
        self.say("user", name, uid, groups)
        return [int(w) for w in self.line("rights").split()[1:]]

    def put(self, name, content):
        path = self.folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def begin(self, direction, name, content):
        path = content if isinstance(content, pathlib.Path) else self.put(name, content)
        self.say("check", direction, name, path)

    def verdict(self, seconds=60):
        name, _, text = self.line("verdict ", seconds)[len("verdict "):].partition("\t")
        return dict(json.loads(text), name=name)

    def check(self, direction, name, content, seconds=60):
        self.begin(direction, name, content)
        return self.verdict(seconds)

    def ctl(self, *arguments, status=0):
        done = subprocess.run([BUILD / "src/ctl/lazaretctl", "--file", self.config, *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=scaled(60))
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done.stdout

    def json(self, *arguments, status=0):
        return json.loads(self.ctl("--json", *arguments, status=status))

    def children(self, name):
        """Processes below checkd that run a program, or are in its scanner's place."""
        mine, found = {self.popen.pid}, []
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    stat = pathlib.Path("/proc", entry, "stat").read_text(encoding="utf-8")
                except OSError:
                    continue
                comm = stat[stat.index("(") + 1:stat.rindex(")")]
                parents[int(entry)] = (int(stat[stat.rindex(")") + 2:].split()[1]), comm)
        for _ in range(4):
            mine |= {pid for pid, (parent, _comm) in parents.items() if parent in mine}
        for pid in mine:
            if parents.get(pid, (0, ""))[1] == name[:15]:
                found.append(pid)
        return found

    def log_text(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def end(self, remove=True):
        self.popen.stdin.close()
        self.popen.wait(scaled(20))
        self.reader.join(scaled(10))
        self.popen.stdout.close()
        self.log.close()
        if remove:
            shutil.rmtree(self.folder)


class CheckTest(unittest.TestCase):
    """Set `options`, `text`, `lockcheck`; one lazaret-checkd for all tests of the class."""

    options = {}
    text = ""
    lockcheck = None

    @classmethod
    def setUpClass(cls):
        cls.checkd = Checkd(cls.options, cls.text, cls.lockcheck)

    @classmethod
    def tearDownClass(cls):
        cls.checkd.end()

    def setUp(self):
        self.checkd.user()

    def refused(self, verdict, rule, **fields):
        self.assertEqual((verdict["result"], verdict["rule"]), ("refuse", rule), verdict)
        for key, value in fields.items():
            self.assertEqual(verdict[key], value, verdict)

    def passed(self, verdict):
        self.assertEqual(verdict["result"], "pass", verdict)
