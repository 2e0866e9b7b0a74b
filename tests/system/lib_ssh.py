# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole system with SSH for administration, administrators, and the stock OpenSSH client in the
networks around it. Workstation 0 is the administration network, workstation 1 is not."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import lib_net
from lib_admin import Administrators
from lib_proc import TOP, in_netns, run, scaled, wait_until
from lib_roles import ROLES
from lib_system import SystemTest

ADMIN, OTHER = 0, 1
ADMIN_NETWORK = "10.77.0.10/32"
PEOPLE = dict({role: (role,) for role in ROLES}, nobody=(), both=("config", "maint"))
NO_SSH = 255


def sweep():
    """What tests whose process is gone have left behind."""
    for folder, pattern in (("/etc", r"lza(\d+)"), ("/etc/pam.d", r"lza(\d+)-admin")):
        for name in os.listdir(folder):
            match = re.fullmatch(pattern, name)
            path = pathlib.Path(folder) / name
            if match and not os.path.exists("/proc/" + match.group(1)):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


class Done:
    """What a client of SSH has come to."""

    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return "status %d\n%s\n%s" % (self.status, self.out, self.err)


class SshTest(SystemTest):
    """Set `people`, `admin_options`."""

    people = PEOPLE
    admin_options = {}
    port = 222

    @classmethod
    def setUpClass(cls):
        sweep()
        cls.prefix = "lza%d" % os.getpid()
        cls.ssh_folder = pathlib.Path("/etc") / cls.prefix
        cls.pam = pathlib.Path("/etc/pam.d") / (cls.prefix + "-admin")
        cls.keys = tempfile.TemporaryDirectory(prefix="lazaret-keys-")
        cls.admins = Administrators(cls.people)
        cls.options = dict(cls.admins.options, **{
            "zone-administration": [ADMIN_NETWORK], "zone-workstations": ["10.77.1.0/24"],
            "ssh-directory": str(cls.ssh_folder), "admin-pam-service": cls.pam.name},
            **cls.admin_options)
        # What tests change comes last, and in lines of its own.
        cls.text = 'path "update" { enabled = no }\n' + cls.changing()
        try:
            super().setUpClass()
            cls.set_up_persons()
        except BaseException:
            cls.remove()
            raise

    @classmethod
    def set_up_persons(cls):
        cls.shell = cls.system.programs + "/usr/libexec/lazaret/lazaret-admin"
        cls.pam.write_text((TOP / "dist/pam/lazaret-admin.in").read_text(encoding="utf-8").replace(
            "@LIBEXECDIR@", os.path.dirname(cls.shell)), encoding="utf-8")
        wait_until(lambda: (cls.ssh_folder / "host_ecdsa.pub").exists(), 30, "host keys are made")
        for person in cls.people:
            run("usermod", "--shell", cls.shell, cls.admins.name(person))
            cls.make_key(person)
            cls.allow_key(person)
        cls.known = pathlib.Path(cls.keys.name) / "known"
        cls.known.write_text("".join(
            "* " + path.read_text(encoding="utf-8") for path in cls.ssh_folder.glob("host_*.pub")),
            encoding="utf-8")
        cls.wait_port(cls.port)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.remove()

    @classmethod
    def remove(cls):
        cls.admins.close()
        cls.keys.cleanup()
        shutil.rmtree(cls.ssh_folder, ignore_errors=True)
        cls.pam.unlink(missing_ok=True)

    # --- the system

    @classmethod
    def changing(cls, port=None, login="key", enabled=True, more=""):
        return ('path "admin" { enabled = %s } # changes\nadmin-port = "%d" # changes\n'
                'admin-login = %s # changes\n%s'
                % ("yes" if enabled else "no", port or cls.port, login,
                   "".join(line + " # changes\n" for line in more.splitlines())))

    def reload(self, **changes):
        own = self.system.state / "own.conf"
        kept = [line for line in own.read_text(encoding="utf-8").splitlines(keepends=True)
                if not line.endswith("# changes\n")]
        own.write_text("".join(kept) + self.changing(**changes), encoding="utf-8")
        self.system.ctl("reload")
        # It is another sshd now, or the same one as before.
        wait_until(self.settled, 20, "SSH is as configured")

    def settled(self):
        state = self.administration()
        return state in ("off", "failed") or (state.startswith("port ")
                                              and self.listens(int(state.split()[1])))

    @classmethod
    def administration(cls):
        return cls.system.ctl("status")["administration"]

    @classmethod
    def wait_port(cls, port):
        wait_until(lambda: cls.administration() == "port %d" % port
                   and cls.listens(port), 20, "SSH is on port %d" % port)

    @classmethod
    def listens(cls, port):
        return bool(run("ss", "-Hltn", "sport = :%d" % port, netns=cls.network.system).strip())

    # --- clients

    @classmethod
    def make_key(cls, name, kind="ed25519"):
        path = pathlib.Path(cls.keys.name) / name
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path)
        return path

    @classmethod
    def allow_key(cls, person, key=None, text=None):
        key = key or pathlib.Path(cls.keys.name) / person
        path = cls.ssh_folder / "keys" / cls.admins.name(person)
        path.write_text(text or key.with_name(key.name + ".pub").read_text(encoding="utf-8"),
                        encoding="utf-8")

    def client_options(self, person, port=None, key=None, login="key"):
        key = key or pathlib.Path(self.keys.name) / person
        options = ["-F", "/dev/null", "-o", "UserKnownHostsFile=%s" % self.known,
                   "-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes",
                   "-o", "IdentitiesOnly=yes", "-o", "IdentityFile=%s" % key,
                   "-o", "Port=%d" % (port or self.port), "-o", "ConnectTimeout=20",
                   "-o", "NumberOfPasswordPrompts=1"]
        if login == "key":
            options += ["-o", "BatchMode=yes"]
        if login == "password":
            options += ["-o", "PubkeyAuthentication=no"]
        return options

    def client_environment(self, password):
        """The client asks this program instead of a terminal."""
        script = pathlib.Path(self.keys.name) / "askpass"
        script.write_text('#!/bin/sh\nprintf "%s\\n" "$LZ_PASSWORD"\n', encoding="utf-8")
        script.chmod(0o700)
        return dict(os.environ, SSH_ASKPASS=str(script), SSH_ASKPASS_REQUIRE="force",
                    LZ_PASSWORD=password or "")

    def client(self, program, person, *arguments, place=ADMIN, port=None, key=None, login="key",
               password=None, input=None, account=None, options=(), seconds=60):
        """Runs ssh, sftp or scp to its end. `arguments` begin behind the host, but for scp, where HOST
        stands for it."""
        host = "%s@%s" % (account or self.admins.name(person), lib_net.SYSTEM_LAN)
        command = [program, *self.client_options(person, port, key, login), *options]
        command += [a.replace("HOST", host) for a in arguments] if program == "scp" \
            else [host, *(["--"] if program == "ssh" and arguments else []), *arguments]
        done = subprocess.run(
            in_netns(self.network.workstations[place]) + command,
            env=self.client_environment(password), text=True, input=input or "",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=scaled(seconds), check=False,
            errors="replace")
        return Done(done)

    def ssh(self, person, *arguments, **named):
        return self.client("ssh", person, *arguments, **named)

    @contextlib.contextmanager
    def running(self, person, *arguments, options=(), place=ADMIN):
        """A client that stays, with a pipe to and from it."""
        command = ["ssh", *self.client_options(person), *options,
                   "%s@%s" % (self.admins.name(person), lib_net.SYSTEM_LAN), *arguments]
        process = subprocess.Popen(
            in_netns(self.network.workstations[place]) + command, stdin=subprocess.PIPE,
            # At a terminal that can show a menu there would be one.
            env=dict(os.environ, TERM="dumb"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    @staticmethod
    def read_until(process, text, seconds=20):
        """What the client prints, up to a text."""
        os.set_blocking(process.stdout.fileno(), False)
        said = ""
        deadline = time.monotonic() + scaled(seconds)
        while text not in said:
            if time.monotonic() > deadline:
                raise AssertionError("no %r in %r" % (text, said))
            said += (process.stdout.read(65536) or b"").decode(errors="replace")
            time.sleep(0.02)
        return said

    def sshd_processes(self):
        """The one that listens."""
        found = []
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if entry.isdigit() and os.readlink("/proc/%s/exe" % entry) == "/usr/sbin/sshd":
                    line = pathlib.Path("/proc/%s/cmdline" % entry).read_bytes()
                    if str(self.pam.name).encode() in line and b"[listener]" in line:
                        found.append(int(entry))
        return found

    def kill_listener(self):
        for pid in self.sshd_processes():
            os.kill(pid, signal.SIGKILL)
