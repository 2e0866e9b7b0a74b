# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole system with its file lock, and the stock SFTP clients on the workstations around it."""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

import lib_net
from lib_proc import TOP, in_netns, run, scaled, wait_until
from lib_ssh import Done
from lib_system import SystemTest

ZONE = "10.77.0.10/32"
# Everything may pass, and nothing is looked into: what is tried is the way of the files.
OPEN = {"transfer": "both", "transfer-in-types": ["any", "unknown", "macros", "encrypted-archive",
                                                  "too-large-to-scan"],
        "transfer-out-types": ["any", "unknown", "macros", "encrypted-archive",
                               "too-large-to-scan"],
        "transfer-largest": 8192, "transfer-daily-size": 0, "transfer-daily-files": 0,
        "lock-name-mismatch": "pass", "lock-clamd": ""}


def sweep():
    """What tests whose process is gone have left behind."""
    for folder, pattern in (("/etc", r"lzf(\d+)"), ("/etc/pam.d", r"lzf(\d+)-sftp")):
        for name in os.listdir(folder):
            match = re.fullmatch(pattern, name)
            path = pathlib.Path(folder) / name
            if match and not os.path.exists("/proc/" + match.group(1)):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def install_pam(programs, name, runtime):
    """The PAM services of our sshd, of the programs that are tried."""
    found = list(pathlib.Path(programs).glob("usr/lib*/**/pam_lazaret.so"))
    admin = (TOP / "dist/pam/lazaret-admin.in").read_text(encoding="utf-8").replace(
        "@LIBEXECDIR@", programs + "/usr/libexec/lazaret")
    text = (TOP / "dist/pam/lazaret-sftp.in").read_text(encoding="utf-8").replace(
        "@PAMDIR@", str(found[0].parent)).replace(
            "pam_lazaret.so", "pam_lazaret.so socket=%s/sftp-login" % runtime, -1).replace("@include lazaret-admin\n", admin)
    path = pathlib.Path("/etc/pam.d") / name
    path.write_text(text, encoding="utf-8")
    return path


class SftpTest(SystemTest):
    """Set `sftp_options`, `more`."""

    sftp_options = {}
    more = ""
    port = 22
    # Of the whole system, the file lock's own part is small; no viewer is needed.
    home = 512

    @classmethod
    def setUpClass(cls):
        sweep()
        cls.prefix = "lzf%d" % os.getpid()
        cls.ssh_folder = pathlib.Path("/etc") / cls.prefix
        cls.pam = pathlib.Path("/etc/pam.d") / (cls.prefix + "-sftp")
        cls.files = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-sftp-"))
        cls.options = dict(OPEN, **{
            "zone-workstations": [ZONE], "ssh-directory": str(cls.ssh_folder),
            "sftp-pam-service": cls.pam.name, "cell-home": cls.home}, **cls.sftp_options)
        cls.text = 'path "sftp" { enabled = yes }\npath "update" { enabled = no }\n' + cls.more
        try:
            super().setUpClass()
            cls.set_up_clients()
        except BaseException:
            cls.stack.close()
            cls.remove()
            raise

    @classmethod
    def set_up_clients(cls):
        install_pam(cls.system.programs, cls.pam.name, cls.runtime())
        wait_until(lambda: cls.system.ctl("status")["file_transfer"] == "port 22"
                   and cls.listens(22), 30, "SFTP is on port 22")
        cls.known = cls.files / "known"
        cls.known.write_text("".join(
            "* " + path.read_text(encoding="utf-8") for path in cls.ssh_folder.glob("host_*.pub")),
            encoding="utf-8")
        script = cls.files / "askpass"
        script.write_text('#!/bin/sh\nprintf "%s\\n" "$LZ_PASSWORD"\n', encoding="utf-8")
        script.chmod(0o700)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.remove()

    @classmethod
    def remove(cls):
        shutil.rmtree(cls.ssh_folder, ignore_errors=True)
        shutil.rmtree(cls.files, ignore_errors=True)
        cls.pam.unlink(missing_ok=True)

    @classmethod
    def listens(cls, port):
        return bool(run("ss", "-Hltn", "sport = :%d" % port, netns=cls.network.system).strip())

    # --- places

    @classmethod
    def instance_folder(cls):
        return pathlib.Path(cls.system.programs).parent

    @classmethod
    def transfer(cls, user="alice"):
        """The user's transfer folder, as root sees it while the home is mounted."""
        return (cls.instance_folder() / "state/users" / str(cls.system.uid(user))
                / "data/lock/transfer")

    @classmethod
    def staging(cls, user="alice"):
        return cls.transfer(user).with_name("staging")

    @classmethod
    def runtime(cls):
        text = (cls.system.state / "lazaretctl").read_text(encoding="utf-8")
        return pathlib.Path(text.partition('-s "')[2].partition('"')[0]).parent

    @classmethod
    def view(cls, user="alice"):
        return cls.runtime() / "sftp" / str(cls.system.uid(user))

    def put_in_cell(self, name, data, user="alice"):
        """As a program of the cell would: with the user's own uid."""
        path = self.transfer(user) / name
        path.write_bytes(data)
        account = pwd.getpwnam(self.system.name(user))
        os.chown(path, account.pw_uid, account.pw_gid)
        return path

    def local(self, name, data=None):
        path = self.files / name
        if data is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return path

    # --- clients

    @classmethod
    def ssh_options(cls, key=None):
        options = ["-F", "/dev/null", "-o", "UserKnownHostsFile=%s" % cls.known,
                   "-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes",
                   "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=60",
                   "-o", "Port=%d" % cls.port]
        return options + (["-o", "IdentitiesOnly=yes", "-o", "IdentityFile=%s" % key, "-o",
                           "BatchMode=yes"] if key else ["-o", "PubkeyAuthentication=no", "-o",
                                                      "BatchMode=no"])

    @classmethod
    def environment(cls, user, password=None):
        return dict(os.environ, SSH_ASKPASS=str(cls.files / "askpass"), SSH_ASKPASS_REQUIRE="force",
                    LZ_PASSWORD=cls.system.password(user) if password is None else password,
                    HOME=str(cls.files), LC_ALL="C.UTF-8")

    @classmethod
    def where(cls, user):
        return "%s@%s" % (cls.system.name(user), lib_net.SYSTEM_LAN)

    def client(self, *command, user="alice", password=None, input="", place=0, seconds=120):
        done = subprocess.run(
            in_netns(self.network.workstations[place]) + [str(c) for c in command],
            env=self.environment(user, password), text=True, input=input, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=scaled(seconds), check=False, errors="replace",
            cwd=self.files)
        return Done(done)

    def sftp(self, commands, user="alice", key=None, options=(), **named):
        """OpenSSH's sftp with a batch of commands; the first that fails ends it."""
        return self.client("sftp", *self.ssh_options(key), *options, "-b", "-", self.where(user),
                           user=user, input=commands, **named)

    @contextlib.contextmanager
    def session(self, user="alice", place=0):
        """A client that stays: a function that gives it a command and returns what it says. It raises
        AssertionError when the command fails."""
        process = subprocess.Popen(
            in_netns(self.network.workstations[place])
            + ["sftp", *self.ssh_options(), "-q", self.where(user)], cwd=self.files,
            env=self.environment(user), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, bufsize=1, errors="replace")

        def talk(command):
            # What it repeats of an unknown command is the sign that it has done the one before.
            process.stdin.write("%s\n!echo done-$((1+1))\n" % command)
            process.stdin.flush()
            said = ""
            for line in process.stdout:
                if line.strip() == "done-2":
                    break
                said += line
            else:
                raise AssertionError("the client has ended: " + said)
            if re.search(r"Failure|denied|not found|No such|Couldn't|failed|lost", said):
                raise AssertionError("%s: %s" % (command, said))
            return said

        try:
            yield talk
        finally:
            process.stdin.close()
            process.kill()
            process.wait()
            process.stdout.close()

    def good(self, done):
        self.assertEqual(done.status, 0, done)
        return done

    @classmethod
    def lockd(cls, user="alice"):
        """The process that serves him, by what it has open; or None."""
        wanted = os.stat(cls.transfer(user)) if cls.transfer(user).exists() else None
        for process in cls.system.processes("lazaret-lockd"):
            for fd in os.listdir("/proc/%d/fd" % process.pid):
                with contextlib.suppress(OSError):
                    status = os.stat("/proc/%d/fd/%s" % (process.pid, fd))
                    if wanted and (status.st_dev, status.st_ino) == (wanted.st_dev, wanted.st_ino):
                        return process.pid
        return None

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)
