# SPDX-License-Identifier: GPL-3.0-or-later
"""What passes the file lock: viruses, archives, limits, scanners that fail, quarantine."""

import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import time
import zipfile

from lib_check import EICAR, PNG, Checkd, CheckTest, tarred, zipped
from lib_proc import scaled, wait_until

FOUND = "Eicar-Test.UNOFFICIAL"


class Viruses(CheckTest):
    options = {"lock-note-en": "Ask extension 12.", "lock-note-de": "Fragen: Telefon 12."}
    seconds = 180

    def test_found_wherever_it_is(self):
        seven = self.checkd.folder / "x.7z"
        self.checkd.put("eicar.txt", EICAR)
        subprocess.run(["7z", "a", "-bd", str(seven), str(self.checkd.folder / "files/eicar.txt")],
                       stdout=subprocess.DEVNULL, check=True)
        inner = zipped(("eicar.txt", EICAR))
        files = {"plain.txt": EICAR, "x.zip": inner, "x.tar.gz": tarred("eicar.txt", EICAR),
                 "x.tar.xz": tarred("eicar.txt", EICAR, "w:xz"),
                 "nested.zip": zipped(("a.tar.gz", tarred("inner.zip", inner))),
                 "x.7z": seven.read_bytes()}
        for direction in ("up", "down"):
            for name, content in files.items():
                with self.subTest(name=name, direction=direction):
                    verdict = self.checkd.check(direction, name, content)
                    self.refused(verdict, "signature", signature=FOUND,
                                 sha256=hashlib.sha256(content).hexdigest(), size=len(content))

    def test_at_the_end_of_large_files(self):
        block = os.urandom(1 << 20)
        # It answers, so what it finds is remembered.
        wait_until(lambda: self.checkd.json("lock", "status")["scanner"] == "ready", 30, "clamd")
        for mib in (30, 200):
            path = self.checkd.folder / "files" / ("%d.bin" % mib)
            path.parent.mkdir(exist_ok=True)
            with open(path, "wb") as out:
                for _ in range(mib):
                    out.write(block)
                out.write(EICAR)
            for direction in ("up", "down"):
                self.refused(self.checkd.check(direction, path.name, path, 120), "signature",
                             signature=FOUND)
            path.unlink()
        # Both ways, but looked into once.
        self.assertGreaterEqual(self.checkd.json("lock", "status")["cache_hits"], 2)

    def test_the_person_is_told(self):
        self.checkd.user("berta", 1501)
        del self.checkd.notices[:]
        verdict = self.checkd.check("down", "folder/Angebot.txt", EICAR + b"\n1")
        english = '"Angebot.txt" was not let through: the virus scanner has found "%s".' % FOUND
        self.assertEqual(verdict["sentence"], english)
        self.assertEqual(verdict["sentence_en"], english)
        self.assertEqual(verdict["sentence_de"], "„Angebot.txt“ wurde nicht übertragen: der "
                         "Virenscanner hat „%s“ gefunden." % FOUND)
        for text in (english[:-1].split(": ")[0], "Virenscanner", "Ask extension 12.",
                     "Fragen: Telefon 12.", verdict["sha256"]):
            self.assertIn(text, verdict["text"])
        wait_until(lambda: self.checkd.notices, 10, "the notice")
        self.assertEqual(self.checkd.notices, ["1501 " + english])
        log = [l for l in self.checkd.log_text().splitlines() if "lock.refused" in l][-1]
        for part in ('direction="down"', 'name="Angebot.txt"', "size=70",
                     'sha256="%s"' % verdict["sha256"], 'type="text/plain"', 'rule="signature"',
                     'signature="%s"' % FOUND, 'user="berta"', "uid=1501", 'address="192.0.2.7"'):
            self.assertIn(part, log)

    def test_german(self):
        self.checkd.write(language="de")
        self.checkd.say("config", self.checkd.config)
        self.checkd.line("rights")
        try:
            self.assertIn("Virenscanner", self.checkd.check("up", "a.txt", EICAR)["sentence"])
        finally:
            self.checkd.write(language="en")
            self.checkd.say("config", self.checkd.config)
            self.checkd.line("rights")

    def test_many_refusals_one_notice(self):
        self.checkd.user("carla", 1502)
        del self.checkd.notices[:]
        for i in range(20):
            self.checkd.begin("up", "%d.txt" % i, EICAR + b"%d" % i)
        for _ in range(20):
            self.refused(self.checkd.verdict(), "signature")
        self.assertLess(len(self.checkd.notices), 10)

    def test_new_signatures_make_findings_void(self):
        content = b"harmless until somebody learns otherwise"
        self.passed(self.checkd.check("up", "a.txt", content))
        self.checkd.sign("Learnt", content)
        wait_until(lambda: self.checkd.check("up", "a.txt", content)["result"] == "refuse", 60,
                   "what was remembered as clean is found")
        self.refused(self.checkd.check("up", "a.txt", content), "signature",
                     signature="Learnt.UNOFFICIAL")


class Content(CheckTest):
    """Without a scanner: types, archives, limits."""

    options = {"lock-clamd": "", "lock-archive-size": 256, "lock-check-time": 5,
               "transfer-out-types": ["image/*", "text/plain", "application/zip"],
               "lock-checks": 2}
    text = """
group "macros" { transfer-out-types = {"any", "macros"} }
group "secrets" { transfer-out-types = {"any", "encrypted-archive"} }
group "large" { transfer-out-types = {"any", "unknown", "too-large-to-scan"} }
"""

    def both(self, name, content, groups=""):
        """Dry run and reality must say the same."""
        self.checkd.user(groups=groups)
        dry = self.checkd.check("try-down", name, content)
        real = self.checkd.check("down", name, content)
        for key in ("result", "rule", "type", "sha256", "sentence"):
            self.assertEqual(dry[key], real[key])
        return real

    def test_types(self):
        self.passed(self.both("a.png", PNG))
        self.passed(self.both("a.txt", b"hello\n"))
        self.passed(self.both("short.txt", b"y"))
        self.passed(self.both("empty.txt", b""))
        self.refused(self.both("a.pdf", b"%PDF-1.7\n"), "type", type="application/pdf")
        self.refused(self.both("noise", bytes(range(1, 200))), "type", type="unknown")
        self.refused(self.both("a.png", b"hello\n"), "name-mismatch")
        self.refused(self.both("a.zip", zipped(("a.png", PNG), ("x.pdf", b"%PDF-1.7\n"))), "type",
                     type="application/pdf")
        self.passed(self.both("a.zip", zipped(("a.png", PNG), ("b/", b""), ("b/c.txt", b"c\n"))))

    def test_macros(self):
        parts = [("[Content_Types].xml", b"<?xml version='1.0'?><Types/>"), ("_rels/.rels", b"<x/>"),
                 ("word/document.xml", b"<?xml version='1.0'?><w/>"), ("word/media/1.png", PNG)]
        plain = zipped(*parts)
        macros = zipped(*parts, ("word/vbaProject.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)))
        self.passed(self.both("a.docx", plain, "secrets"))
        self.refused(self.both("a.docm", macros, "secrets"), "type", type="macros")
        self.refused(self.both("a.zip", zipped(("a.docm", macros)), "secrets"), "type", type="macros")
        # The macros are named, the project's container is then a file like others.
        self.passed(self.both("a.docm", macros, "macros"))

    def test_encrypted(self):
        path = self.checkd.folder / "secret.7z"
        self.checkd.put("a.txt", b"a\n")
        for arguments in ((), ("-mhe=on",)):
            path.unlink(missing_ok=True)
            subprocess.run(["7z", "a", "-bd", "-psecret", *arguments, str(path),
                            str(self.checkd.folder / "files/a.txt")], stdout=subprocess.DEVNULL,
                           check=True)
            self.refused(self.both("secret.7z", path, "macros"), "type", type="encrypted-archive")
            self.passed(self.both("secret.7z", path, "secrets"))

    def test_bomb(self):
        path = self.checkd.folder / "bomb.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("zeros", "w", force_zip64=True) as out:
                for _ in range(160):
                    out.write(bytes(1 << 20))
        start = time.monotonic()
        verdict = self.both("bomb.zip", path, "macros")
        self.refused(verdict, "type", type="too-large-to-scan")
        self.assertIn("lock-archive-ratio", verdict["text"])
        self.assertLess(time.monotonic() - start, scaled(20))
        self.passed(self.both("bomb.zip", path, "large"))

    def test_hundred_deep(self):
        content = b"text\n"
        for _ in range(100):
            content = zipped(("inner.zip", content))
        self.refused(self.both("deep.zip", content, "macros"), "type", type="too-large-to-scan")
        self.passed(self.both("a.zip", zipped(("a.txt", b"a\n"))))

    def test_names_do_not_steer(self):
        name = "x\x1b]0;title\x07\u202e.exe"
        content = zipped((name, b"MZ" + bytes(200)))
        verdict = self.both("a.zip", content)
        self.assertEqual(verdict["result"], "refuse")
        for key in ("sentence", "text", "sentence_de"):
            self.assertNotIn("\x1b", verdict[key])
            self.assertNotIn("\u202e", verdict[key])

    def test_claims(self):
        """A hash that is claimed: known to pass, it passes; nothing else comes of it."""
        good, other = (os.urandom(8) + b"text\n" * 400000 for _ in range(2))
        good, other = (b"%s\n" % c[:8].hex().encode() + c[8:] for c in (good, other))
        bad = b"%PDF-1.7\n" + other
        self.checkd.user()

        def claim(of, content):
            self.checkd.say("claim", hashlib.sha256(of).hexdigest())
            return self.checkd.check("down", "a.txt", content)

        # Not known yet: what looks into it must come to the same.
        self.refused(claim(good, other), "check-failed")
        self.assertEqual(claim(good, good)["result"], "pass")
        hits = self.checkd.json("lock", "status")["cache_hits"]
        self.assertEqual(claim(good, good)["result"], "pass")
        self.assertEqual(self.checkd.json("lock", "status")["cache_hits"], hits + 1)
        # Nothing is remembered of, or refused by, a claim.
        self.refused(self.checkd.check("down", "a.txt", bad), "type")
        self.refused(claim(bad, other), "check-failed")
        self.passed(self.checkd.check("down", "a.txt", other))

    def test_cancelled(self):
        path = self.checkd.folder / "files/large.bin"
        path.parent.mkdir(exist_ok=True)
        with open(path, "wb") as out:
            out.truncate(1 << 30)
        self.checkd.user(groups="large")
        for _ in range(8):
            self.checkd.begin("down", "large.bin", path)
        self.checkd.say("cancel")
        self.checkd.line("cancelled")
        wait_until(lambda: not self.checkd.children("lazaret-lockcheck"), 20, "nothing runs for them")
        self.passed(self.checkd.check("down", "a.txt", b"after\n"))

    def test_leaving_in_the_middle(self):
        path = self.checkd.folder / "files/large.bin"
        path.parent.mkdir(exist_ok=True)
        with open(path, "wb") as out:
            out.truncate(1 << 30)
        self.checkd.user(groups="large")
        for _ in range(16):
            self.checkd.begin("down", "large.bin", path)
        self.checkd.say("leave")
        self.checkd.line("left")
        self.checkd.user()
        self.passed(self.checkd.check("down", "a.txt", b"somebody else\n"))
        wait_until(lambda: not self.checkd.children("lazaret-lockcheck"), 20, "nothing runs for him")

    def test_commands(self):
        path = self.checkd.put("a.pdf", b"%PDF-1.7\n")
        answer = self.checkd.json("lock", "check", str(path), "--user", "nobody", "--direction",
                                  "down", "--name", "b.png", status=1)
        self.assertEqual([r["rule"] for r in answer["reasons"]], ["type", "name-mismatch"])
        self.assertEqual(answer["reasons"][0]["option"], "transfer-out-types")
        self.checkd.ctl("lock", "check", str(path), "--user", "nobody", "--direction", "up")
        self.checkd.ctl("lock", "check", str(path), "--user", "nobody", status=2)


CRAFTED = """#!/bin/sh
# What a file can make of the process that looks into it.
exec 2>/dev/null
case $(head -c 5 <&5) in
    CRASH) kill -SEGV $$ ;;
    HANGS) sleep 600 ;;
    LIES1) head -c 32 /dev/zero >&3; printf 'nonsense' >&3; exit 0 ;;
    LIES2) head -c 200000 /dev/zero >&3; exit 0 ;;
    QUIET) exit 0 ;;
esac
exec %s
"""


class TakenOver(CheckTest):
    """The process that looks into a file crashes, hangs or lies: one refusal, and the next file works."""

    options = {"lock-clamd": "", "lock-check-time": 2, "lock-checks": 1}

    @classmethod
    def setUpClass(cls):
        from lib_proc import BUILD
        cls.lockcheck = CRAFTED % (BUILD / "src/lock/lazaret-lockcheck")
        super().setUpClass()

    def test_each(self):
        for word, how in ((b"CRASH", "signal 11"), (b"HANGS", "lock-check-time"),
                          (b"LIES1", "not understood"), (b"LIES2", "too much"),
                          (b"QUIET", "not understood")):
            with self.subTest(word=word):
                start = time.monotonic()
                verdict = self.checkd.check("up", "a.bin", word + bytes(2 << 20))
                self.refused(verdict, "check-failed")
                self.assertIn(how, verdict["text"] + self.checkd.log_text().splitlines()[-1])
                self.assertLess(time.monotonic() - start, scaled(10))
                self.passed(self.checkd.check("up", "b.txt", b"next " + word))

    def test_nothing_is_remembered_of_a_liar(self):
        content = b"LIES1" + bytes(100)
        for _ in range(2):
            self.refused(self.checkd.check("up", "a.bin", content), "check-failed")
        self.assertEqual(self.checkd.json("lock", "status")["cache_hits"], 0)


class Scanner(CheckTest):
    """clamd dies, is old, is slow, says nonsense."""

    def setUp(self):
        pass

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def start(self, **options):
        self.checkd = Checkd({k.replace("_", "-"): v for k, v in options.items()})
        self.addCleanup(self.checkd.end)
        self.checkd.user()
        return self.checkd

    def test_killed_in_the_middle(self):
        checkd = self.start()
        self.passed(checkd.check("up", "a.txt", b"a\n"))
        path = checkd.folder / "files/large.bin"
        block = os.urandom(1 << 20)
        with open(path, "wb") as out:
            for _ in range(80):
                out.write(block)
            out.write(EICAR)
        checkd.begin("up", "large.bin", path)
        wait_until(lambda: not checkd.children("lazaret-lockcheck")
                   and checkd.json("lock", "status")["checks_running"] == 0, 60, "it is being scanned")
        # What one that is killed has unpacked; a link in it is not followed.
        left = checkd.folder / "state/lock/clamd/left/deeper"
        left.mkdir(parents=True)
        (left / "unpacked").write_bytes(b"x")
        (left / "link").symlink_to(checkd.folder / "signatures")
        os.kill(checkd.children("clamd")[0], signal.SIGKILL)
        self.refused(checkd.verdict(120), "signature", signature=FOUND)
        self.assertEqual([p for p in (checkd.folder / "state/lock/clamd").iterdir()
                          if p.name == "left"], [])
        self.assertTrue((checkd.folder / "signatures/test.ndb").exists())
        self.passed(checkd.check("up", "b.txt", b"b\n"))
        # With checkd everything that it started ends.
        pid = checkd.children("clamd")[0]
        os.kill(checkd.children("lazaret-checkd")[0], signal.SIGKILL)
        wait_until(lambda: not pathlib.Path("/proc/%d" % pid).exists(), 20, "clamd is gone")

    def test_cannot_be_started(self):
        checkd = self.start(lock_clamd="/bin/false")
        start = time.monotonic()
        self.refused(checkd.check("up", "a.txt", b"a\n"), "scanner-down")
        self.assertLess(time.monotonic() - start, scaled(30))
        start = time.monotonic()
        self.refused(checkd.check("up", "a.txt", b"a\n"), "scanner-down")
        self.assertLess(time.monotonic() - start, scaled(5))
        self.assertEqual(checkd.json("lock", "status")["scanner"], "failed")
        checkd.write(lock_scanner_down="pass")
        checkd.say("config", checkd.config)
        checkd.line("rights")
        self.passed(checkd.check("up", "a.txt", b"a\n"))

    def test_old_signatures(self):
        checkd = self.start(lock_signature_age=7)
        eight = time.time() - 8 * 86400
        os.utime(checkd.folder / "signatures/test.ndb", (eight, eight))
        self.refused(checkd.check("up", "a.txt", b"a\n"), "signatures-old")
        self.refused(checkd.check("up", "b.txt", EICAR), "signature")
        checkd.write(lock_scanner_down="pass")
        checkd.say("config", checkd.config)
        checkd.line("rights")
        self.passed(checkd.check("up", "a.txt", b"a\n"))
        # Old signatures still find what they know.
        self.refused(checkd.check("up", "b.txt", EICAR), "signature")

    def sham(self, body):
        """A clamd of ours, in the place of the real one."""
        folder = pathlib.Path("/tmp/lazaret-sham-%d" % os.getpid())
        folder.mkdir(exist_ok=True)
        self.addCleanup(shutil.rmtree, folder)
        path = folder / "clamd"
        path.write_text("#!/usr/bin/python3\nimport socket, time\ns = socket.socket(fileno=3)\n"
                        "while True:\n    c, _ = s.accept()\n    said = c.recv(64)\n"
                        "    if b'VERSION' in said:\n"
                        "        c.sendall(b'ClamAV 9/1/Tue Nov 24 00:00:00 2099\\0')\n"
                        "        continue\n" + body, encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def test_nonsense(self):
        checkd = self.start(lock_clamd=self.sham("    c.sendall(b'\\xff\\x1b[2J: perhaps\\0')\n"))
        self.refused(checkd.check("up", "a.txt", b"a\n"), "scan-failed")
        self.refused(checkd.check("up", "a.txt", b"a\n"), "scan-failed")

    def test_endless_nonsense(self):
        checkd = self.start(lock_clamd=self.sham(
            "    try:\n        c.sendall(b'x' * 1000000)\n    except OSError:\n        pass\n"))
        self.refused(checkd.check("up", "a.txt", b"a\n"), "scan-failed")

    def test_hangs_up(self):
        checkd = self.start(lock_clamd=self.sham("    c.close()\n"))
        self.refused(checkd.check("up", "a.txt", b"a\n"), "scan-failed")

    def test_slow(self):
        checkd = self.start(lock_clamd=self.sham("    time.sleep(600)\n"), lock_scan_time=2)
        wait_until(lambda: checkd.json("lock", "status")["scanner"] == "ready", 20, "it is ready")
        start = time.monotonic()
        self.refused(checkd.check("up", "a.txt", b"a\n"), "scan-failed")
        self.assertLess(time.monotonic() - start, scaled(10))

    # --- a second one

    def second(self, text, **options):
        checkd = self.start(lock_clamd="", lock_second_scanner="mine", **options)
        path = checkd.folder / "scanners/mine"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return checkd, path

    def test_second(self):
        checkd, path = self.second(
            "#!/bin/sh\ncase $(head -c 3) in bad) echo Found-It; echo more; exit 1;; odd) exit 7;; "
            "slo) sleep 600;; net) test \"$(id -u)\" != 0 && test -z \"$(ip -o link | grep -v ' lo')\";; "
            "esac\nexit $?\n", lock_scan_time=2)
        self.passed(checkd.check("up", "a.txt", b"good"))
        self.refused(checkd.check("up", "a.txt", b"bad"), "signature", signature="Found-It")
        self.refused(checkd.check("up", "a.txt", b"odd"), "scan-failed")
        self.refused(checkd.check("up", "a.txt", b"slow"), "scan-failed")
        self.passed(checkd.check("up", "a.txt", b"net"))
        # Somebody else could have written it.
        for owner, mode in ((65534, 0o755), (0, 0o775), (0, 0o757)):
            os.chown(path, owner, 0)
            path.chmod(mode)
            self.refused(checkd.check("up", "a.txt", b"x%o%d" % (mode, owner)), "scanner-down")


class Days(CheckTest):
    """Limits of the day, the quarantine, and what survives a kill."""

    options = {"lock-clamd": "", "transfer-daily-files": 3, "transfer-daily-size": 1,
               "transfer-out-types": ["text/plain"], "transfer-out-review": ["image/*"]}

    def test_day(self):
        checkd = Checkd(self.options)
        checkd.user()
        for i in range(2):
            self.passed(checkd.check("up", "a.txt", b"a%d" % i))
        self.refused(checkd.check("up", "a.bin", bytes(2 << 20)), "daily-size")
        # A dry run counts nothing; what was refused did not either.
        self.passed(checkd.check("try-up", "a.txt", b"x"))
        self.passed(checkd.check("up", "a.txt", b"y"))
        self.refused(checkd.check("up", "a.txt", b"z"), "daily-files")
        # In the other direction, and for others, the day is fresh.
        self.passed(checkd.check("down", "a.txt", b"z"))
        os.kill(checkd.children("lazaret-checkd")[0], signal.SIGKILL)
        checkd.popen.wait(scaled(20))
        checkd.end(remove=False)
        again = Checkd(self.options, keep=checkd.folder)
        try:
            again.user()
            self.refused(again.check("up", "a.txt", b"z"), "daily-files")
            again.user("bob", 1501)
            self.passed(again.check("up", "a.txt", b"z"))
        finally:
            again.end()

    def test_release_and_drop(self):
        checkd = self.checkd
        checkd.user("dora", 1600)
        verdict = checkd.check("down", "a.png", PNG)
        self.assertEqual((verdict["result"], verdict["rule"]), ("quarantine", "review"))
        self.assertIn("waits for a release", verdict["sentence"])
        # Once, however often it is tried.
        self.assertEqual(checkd.check("down", "b.png", PNG)["result"], "quarantine")
        checkd.check("down", "c.png", PNG + b"other")
        items = checkd.json("lock", "list")
        self.assertEqual([i["name"] for i in items], ["c.png", "a.png"])
        shown = checkd.json("lock", "show", items[1]["id"])
        self.assertEqual(shown["sha256"], hashlib.sha256(PNG).hexdigest())
        self.assertEqual(shown["address"], "192.0.2.7")
        content = checkd.folder / "state/lock/quarantine" / (shown["id"] + ".file")
        self.assertEqual(content.read_bytes(), PNG)
        self.assertEqual(content.stat().st_mode & 0o077, 0)
        del checkd.notices[:]
        checkd.ctl("lock", "release", items[1]["id"])
        checkd.ctl("lock", "drop", items[0]["id"])
        wait_until(lambda: len(checkd.notices) == 2, 10, "the person is told of both")
        self.assertIn("released", checkd.notices[0])
        self.passed(checkd.check("down", "a.png", PNG))
        # Nobody else's, and nothing else.
        self.assertEqual(checkd.check("down", "c.png", PNG + b"other")["result"], "quarantine")
        checkd.user("erna", 1601)
        self.assertEqual(checkd.check("down", "a.png", PNG)["result"], "quarantine")
        checkd.ctl("lock", "show", "000000000000", status=1)
        self.assertIn("quarantine.released", checkd.log_text())

    def test_nobody_releases_his_own(self):
        self.checkd.user("root", 1700)
        self.checkd.check("down", "a.png", PNG + b"own")
        item = self.checkd.json("lock", "list")[0]
        self.checkd.ctl("lock", "release", item["id"], status=1)
        self.checkd.ctl("lock", "drop", item["id"])

    def test_rights_follow_the_configuration(self):
        self.assertEqual(self.checkd.user()[:2], [1, 1])
        self.checkd.write(transfer="in")
        self.checkd.say("config", self.checkd.config)
        self.assertEqual(self.checkd.line("rights").split()[1:3], ["1", "0"])
        self.refused(self.checkd.check("down", "a.txt", b"a"), "rights")
        self.checkd.write(transfer="both")
        self.checkd.say("config", self.checkd.config)
        self.assertEqual(self.checkd.line("rights").split()[1:3], ["1", "1"])
