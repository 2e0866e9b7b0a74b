# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates over every way there is, from real servers; what is shown first; going back; what is refused."""

import os
import re
import time

import lib_package
from lib_package import Repository
from lib_proc import run, wait_until
from lib_update import ACCOUNT, HTTPS, SSH, UpdateTest


class Ways(UpdateTest):
    seconds = 180

    def assert_found(self):
        said = self.good("check")
        self.assertRegex(said, r"Lazaret:\n  lazaret +%s -> %s, \d+" % (self.old, self.new))

    def test_ssh(self):
        """All of it once, over port 22."""
        self.client(update_port="22")
        self.assertIn("up to date", self.good("check"))
        self.publish_update()
        self.assert_found()
        self.assertIn("To be installed, not downloaded:", self.good("status"))
        self.assertEqual(self.ctl("install")[0], 1)
        self.good("download")
        self.assertIn("To be installed, downloaded:", self.good("status"))
        self.assertEqual(self.machine.version("lazaret"), self.old)
        self.machine.write("/etc/lazaret/marker", "as the administrator wants it\n")
        settings = self.machine.read("/etc/lazaret/lazaret.conf")
        said = self.good("install")
        self.assertIn("lazaret: %s -> %s" % (self.old, self.new), said)
        self.assertEqual(self.machine.version("lazaret"), self.new)
        self.assertIn(self.new, self.machine.run("lazaretctl", "version"))
        self.assertIn("up to date", self.good("check"))
        self.assertIn("takes it back:", self.good("status"))
        self.good("undo")
        self.assertEqual(self.machine.version("lazaret"), self.old)
        self.assertIn(self.old, self.machine.run("lazaretctl", "version"))
        self.assertEqual(self.machine.read("/etc/lazaret/marker"), "as the administrator wants it\n")
        # And forward again, from what was kept.
        self.good("undo")
        self.assertEqual(self.machine.version("lazaret"), self.new)
        # What the administrator has changed is nobody else's, however often the version changes.
        self.assertEqual(self.machine.read("/etc/lazaret/lazaret.conf"), settings)
        # Nothing of it is left running or lying about.
        self.assertEqual(self.machine.run("ls", "/run/lazaret/update").split(), ["sources.list"])
        self.assertNotIn("reserve", self.machine.run("ls", "/var/lib/lazaret/update"))

    def test_ssh_443(self):
        self.client(update_port="443")
        self.publish_update()
        self.assert_found()
        self.good("download")

    def test_https(self):
        self.client("https")
        self.publish_update()
        self.assert_found()
        self.good("download")
        self.set(update_ca="")
        self.refused("certificate is not one that", "check")

    def test_proxy(self):
        self.client("proxy")
        self.publish_update()
        self.assert_found()
        self.good("download")
        log = self.server.machine.read("/var/squid/access")
        self.assertRegex(log, r"GET http://%s/lazaret/pool/lazaret_%s_\S+ lazaret " % (HTTPS, self.new))
        # The password stands in no place where others could read it.
        self.assertEqual(self.machine.run("grep", "-rl", "cret", "/run/lazaret",
                                          "/var/lib/lazaret", check=False), "")
        self.machine.write("/etc/lazaret/update/proxy-password", "wrong\n", 0o600)
        self.refused("update-proxy-password-file", "check")
        self.machine.write("/etc/lazaret/update/proxy-password", "se cret:1\n", 0o644)
        self.refused("nobody else may read it", "check")

    def test_account_can_nothing_else(self):
        """The account on the server, with its key, as anybody could use it."""
        machine = self.client()
        self.publish_update()
        ssh = ["ssh", "-F", "none", "-i", "/etc/lazaret/update/id_ed25519", "-oBatchMode=yes",
               "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oLogLevel=ERROR"]
        there = "%s@%s" % (ACCOUNT, SSH)
        for words in ([there, "touch", "/var/tmp/marker"], ["-tt", there], ["-s", there, "sftp"],
                      ["-oExitOnForwardFailure=yes", "-R", "9000:127.0.0.1:22", there, "id"],
                      ["-oExitOnForwardFailure=yes", "-N", "-R", "/var/tmp/socket:/x", there]):
            out = machine.run("sh", "-c", "echo id | timeout 10 \"$@\"; echo status $?", "sh", *ssh, *words)
            self.assertNotIn("status 0", out)
            self.assertNotIn("status 124", out)
            self.assertNotIn("uid=", out)
        self.assertFalse(self.server.machine.path("/var/tmp/marker").exists())
        # To no other address than that of the web server.
        for target in ("127.0.0.1:22", HTTPS + ":80", "[::1]:80"):
            out = machine.run("sh", "-c", "echo | timeout 10 \"$@\" 2>&1", "sh", *ssh, "-W", target, there,
                              check=False)
            self.assertRegex(out, "prohibited|forwarding failed")
        out = machine.run("sh", "-c", "printf 'GET /lazaret/repository.gpg HTTP/1.0\\r\\n\\r\\n' | timeout 10 "
                          "\"$@\" 2>&1 | head -c 15", "sh", *ssh, "-W", "127.0.0.1:80", there, check=False)
        self.assertIn("200", out)

    def test_distribution(self):
        """Debian's updates the same way, with its own keys; security is marked."""
        debian = Repository(self.keys, "debian", self.server.web / "debian", "bookworm", "Debian")
        security = Repository(self.keys, "debian", self.server.web / "debian-security",
                              "bookworm-security", "Debian-Security")
        one, two, three = (lib_package.small_package(self.folder, name, version) for name, version in (
            ("plain", "1.0-1"), ("leaky", "2:2.0-1"), ("plain", "1.1-1")))
        fixed = lib_package.small_package(self.folder, "leaky", "2:2.0-1+deb12u1")
        debian.publish(one, two, three)
        security.publish(fixed)
        self.client(packages=(one, two), update_debian=[
            "http://127.0.0.1/debian bookworm main",
            "http://127.0.0.1/debian-security bookworm-security main"])
        self.publish_update()
        said = self.good("check")
        self.assertRegex(said, r"(?s)Lazaret:\n  lazaret .*\nDebian:\n  leaky +2:2.0-1 -> 2:2.0-1\+deb12u1, "
                               r"\d+ kB, security\n  plain +1.0-1 -> 1.1-1, \d+ kB\n3 packages, .* 1 of them")
        self.good("download")
        self.good("install")
        self.assertEqual([self.machine.version(p) for p in ("lazaret", "leaky", "plain")],
                         [self.new, "2:2.0-1+deb12u1", "1.1-1"])
        self.good("undo")
        self.assertEqual([self.machine.version(p) for p in ("lazaret", "leaky", "plain")],
                         [self.old, "2:2.0-1", "1.0-1"])
        # Our key does not sign for Debian.
        security.sign_again(lambda text: text, key="ours")
        self.refused("key that this system does not trust", "check")

    def test_schedule(self):
        machine = self.client()
        self.publish_update()
        due = ["/usr/libexec/lazaret/lazaret-update", "due"]
        machine.run(*due)
        self.assertNotIn("checked", self.state())
        now = time.strftime("%H:%M", time.localtime(time.time() - 60))
        self.set(update_download_at=now)
        machine.run(*due)
        state = self.state()
        self.assertIn("downloaded", state)
        self.assertEqual(machine.version("lazaret"), self.old)
        # Once is enough.
        machine.run(*due)
        self.assertEqual(self.state()["checked"], state["checked"])
        self.set(update_download_at=now, update_install_at=now)
        machine.run(*due)
        self.assertEqual(machine.version("lazaret"), self.new)
        # What was taken back is not installed again by itself.
        self.good("undo")
        self.good("check")
        self.good("download")
        for when in ("off", "default"):
            self.assertIn("install: %s" % ("not by itself" if when == "off" else now),
                          self.good("schedule", "install", when))
        state = self.machine.path("/var/lib/lazaret/update/state")
        state.write_text(re.sub(r'"scheduled-install":\d+', '"scheduled-install":1', re.sub(
            r'"scheduled-install": ?\d+', '"scheduled-install":1', state.read_text())))
        out = machine.run(*due, check=False)
        self.assertIn("is not installed by itself again", out)
        self.assertEqual(machine.version("lazaret"), self.old)
        self.assertEqual(self.ctl("schedule", "install", "25:00")[0], 2)
        self.assertEqual(self.ctl("schedule", "nonsense", "02:00")[0], 2)


class Attacks(UpdateTest):
    """What somebody on the way, or on the server, could do: refused with a sentence, and nothing changes."""
    seconds = 120

    def setUp(self):
        super().setUp()
        self.client()
        self.good("check")
        self.publish_update()

    def test_wrong_key(self):
        self.repository.sign_again(lambda text: text, key="other")
        self.refused("signed with a key that this system does not trust", "check")

    def test_changed_list(self):
        text = self.repository.list.read_text("utf-8")
        self.repository.list.write_text(text.replace("Label: Lazaret", "Label: Lazarus"), "utf-8")
        self.refused("changed after it was signed", "check")

    def test_cut_list(self):
        text = self.repository.list.read_text("utf-8")
        self.repository.list.write_text(text[:len(text) // 2], "utf-8")
        self.refused("nothing of it is used", "check")

    def test_older_list(self):
        """A replay: all of it was once right."""
        folder = self.repository.folder
        run("cp", "-a", folder, self.folder / "earlier")
        self.addCleanup(run, "rm", "-rf", self.folder / "earlier")
        time.sleep(1.1)
        self.repository.publish()
        self.good("check")
        run("rm", "-r", folder)
        run("cp", "-a", self.folder / "earlier", folder)
        self.refused("older than the one of", "check")

    def test_expired_list(self):
        self.repository.sign_again(lambda text: re.sub(
            "Valid-Until: .*", "Valid-Until: " + re.search("Date: (.*)", text).group(1), text))
        time.sleep(1.1)
        self.refused("has expired on", "check")
        self.repository.sign_again(lambda text: re.sub("Valid-Until: .*\n", "", text))
        self.refused("does not say until when it counts", "check")

    def test_list_of_the_future(self):
        self.repository.sign_again(lambda text: re.sub(
            "Date: .*", "Date: Sun, 01 Nov 2099 10:00:00 +0000", text))
        self.refused("clock of this host", "check")

    def test_changed_index(self):
        for path in self.repository.folder.glob("dists/stable/main/*/**/*"):
            if path.is_file():
                data = bytearray(path.read_bytes())
                data[len(data) // 2] ^= 1
                path.write_bytes(data)
        self.refused("is not what the signed list names", "check")

    def test_package(self):
        """Changed, cut, and one that is changed when it lies here already."""
        self.good("check")
        package = next(self.repository.folder.glob("pool/lazaret_%s_*" % self.new))
        data = package.read_bytes()
        package.write_bytes(data[:-100] + bytes(100))
        self.refused("is not what the signed list names", "download")
        package.write_bytes(data[:1000])
        self.refused("shorter or longer than the signed list says", "download")
        package.write_bytes(data)
        self.good("download")
        here = self.machine.path("/var/lib/lazaret/update/cache/archives/" + package.name)
        here.write_bytes(data[:-100] + bytes(100))
        self.refused("not all packages lie here", "install")

    def test_login_page(self):
        self.server.mode.write_text("page")
        self.refused("a web page came instead of the list", "check")
        self.server.mode.write_text("elsewhere")
        self.refused("sends us to another address", "check")

    def test_another_server(self):
        self.server.restart_sshd("other")
        self.addCleanup(self.server.restart_sshd, "host")
        self.refused("not the one whose key is in update-host-key", "check")

    def test_not_let_in(self):
        self.set(update_account="root")
        self.refused("refuses the account or the key", "check")
        self.set(update_account=ACCOUNT, update_url="http://127.0.0.1:8080/lazaret")
        self.refused("compare update-url with PermitOpen", "check")
        self.set(update_server="203.0.113.10")
        self.refused("nothing listens on this port of the update server", "check")
        self.set(update_server=HTTPS, update_port="443")
        self.refused("is no SSH server", "check")
        self.machine.run("chmod", "644", "/etc/lazaret/update/id_ed25519")
        self.refused("nobody else may read it", "check")

    def test_options(self):
        """What could be smuggled into a program's configuration by an option."""
        for option, value in (("update-url", 'http://x/;Foo {}'), ("update-url", "file:///etc"),
                              ("update-suite", "stable [trusted=yes]"), ("update-account", "a b"),
                              ("update-debian", ["http://x bookworm"]),
                              ("update-debian", ["[trusted=yes] http://x bookworm main"]),
                              ("update-server", "-oProxyCommand=x"), ("update-host-key", "x"),
                              ("update-proxy", "http://x:1/"), ("update-install-at", "24:00")):
            values = dict(self.values)
            self.set(**{option: value})
            status, said = self.ctl("check")
            self.assertEqual(status, 1)
            self.assertIn('"%s"' % option, said)
            self.configure(values)


class Failures(UpdateTest):
    """What goes wrong while it is being installed: the version before is there again, whole."""
    seconds = 150

    def failing(self, sentence, **package):
        machine = self.client()
        self.publish_update(lib_package.system_package(self.folder / "bad", self.new, **package))
        self.good("check")
        self.good("download")
        status, said = self.ctl("install")
        self.assertEqual(status, 1, said)
        self.assertRegex(said, sentence)
        self.assertIn("The versions before are installed again", said)
        self.assert_before()
        return machine

    def setUp(self):
        super().setUp()
        (self.folder / "bad").mkdir(exist_ok=True)

    def assert_before(self):
        self.assertEqual(self.machine.version("lazaret"), self.old)
        self.assertEqual(self.machine.read("/usr/share/lazaret/version"), self.old + "\n")
        self.assertEqual(self.machine.run("dpkg", "--audit"), "")
        self.assertNotIn("running", self.state())
        self.assertNotIn("reserve", self.machine.run("ls", "/var/lib/lazaret/update"))

    def test_postinst_fails(self):
        self.failing("a package's own script has failed", after="exit 7")
        # A later version that is right goes in.
        third = lib_package.next_version(self.new)
        self.repository.publish(lib_package.system_package(self.folder, third))
        self.good("check")
        self.good("download")
        self.good("install")
        self.assertEqual(self.machine.version("lazaret"), third)

    def test_preinst_fails(self):
        self.failing("script has failed|could not be installed", before="exit 7")

    def test_dpkg_is_killed(self):
        self.failing("could not be installed", after="kill -9 $PPID; sleep 1")

    def test_undo_fails(self):
        """Then the version that was to be taken back stays, whole."""
        self.package = lib_package.system_package(self.folder / "bad", self.old, after="test ! -e /run/refuse")
        machine = self.client()
        self.publish_update()
        for word in ("check", "download", "install"):
            self.good(word)
        machine.write("/run/refuse", "")
        status, said = self.ctl("undo")
        self.assertEqual(status, 1, said)
        self.assertIn("own script has failed", said)
        self.assertIn("The versions before are installed again", said)
        self.assertEqual(machine.version("lazaret"), self.new)
        self.assertEqual(machine.run("dpkg", "--audit"), "")
        machine.run("rm", "/run/refuse")
        self.good("undo")
        self.assertEqual(machine.version("lazaret"), self.old)

    def test_disk_fills_up(self):
        """Between the look at the room and the unpacking: nothing is left but what was set aside."""
        machine = self.failing("the disk is full", before="dd if=/dev/zero of=/usr/share/filler bs=1M "
                            "2>/dev/null || true; dd if=/dev/zero of=/usr/share/filler2 bs=1k 2>/dev/null || true")
        machine.run("rm", "-f", "/usr/share/filler", "/usr/share/filler2")

    def test_disk_is_full(self):
        self.client(size="120m")
        self.publish_update()
        self.good("check")
        self.good("download")
        free = os.statvfs(self.machine.path("/usr"))
        size = free.f_bavail * free.f_frsize - (20 << 20)
        self.machine.run("fallocate", "-l", str(size), "/usr/share/filler")
        self.refused("the disk has no room", "install")
        self.assert_before()

    def test_updater_is_killed(self):
        """With dpkg, at its worst moment; the next command, or the timer, takes it back."""
        machine = self.client()
        self.publish_update(lib_package.system_package(
            self.folder / "bad", self.new, after="touch /run/unpacked; sleep 600"))
        self.good("check")
        self.good("download")
        updater = machine.start("/usr/libexec/lazaret/lazaret-update", "install")
        wait_until(lambda: machine.path("/run/unpacked").exists(), 60, "the package is unpacked")
        self.assertIn("another update command is at work", self.ctl("undo")[1])
        # As when the power goes: all of it at once.
        for name in ("lazaret-update", "apt-get", "dpkg", "dash", "sleep"):
            self.kill(name)
        updater.wait()
        self.assertIsNone(machine.version("lazaret"))
        self.assertIn("was cut off", self.good("status"))
        machine.run("/usr/libexec/lazaret/lazaret-update", "due", check=False)
        self.assert_before()

    def kill(self, name):
        """Of this machine's processes only."""
        mine = os.readlink("/proc/%d/ns/mnt" % self.machine.holder.pid)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if (os.readlink("/proc/%s/ns/mnt" % pid) == mine and int(pid) != self.machine.holder.pid
                        and os.path.basename(os.readlink("/proc/%s/exe" % pid)).split()[0] == name):
                    os.kill(int(pid), 9)
            except OSError:
                continue

    def test_new_package_goes_again(self):
        """One that the update brought is gone after going back."""
        extra = lib_package.small_package(self.folder, "extra", "1.0")
        self.repository.publish(extra)
        machine = self.failing("a package's own script has failed", depends="extra", after="exit 7")
        self.assertIsNone(machine.version("extra"))
        self.assertFalse(machine.path("/usr/share/extra").exists())
