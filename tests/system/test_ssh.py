# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH for administration with the stock client: who gets in, from where, and to what only."""

import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import threading

import lib_net
from lib_proc import in_netns, run, wait_until
from lib_ssh import ADMIN, NO_SSH, OTHER, SshTest


class Login(SshTest):
    def assert_in(self, person, **named):
        done = self.ssh(person, "roles", "show", "--json", **named)
        self.assertEqual(done.status, 0, done)
        self.assertEqual(json.loads(done.out)["user"], self.admins.name(person))
        return done

    def assert_out(self, person, *arguments, **named):
        done = self.ssh(person, *(arguments or ("roles", "show")), **named)
        self.assertEqual(done.status, NO_SSH, done)
        self.assertEqual(done.out, "")
        self.assertRegex(done.err, "Permission denied|no authentication methods enabled")
        return done

    def test_key(self):
        """In, with the banner; and the log has the address that the socket says."""
        done = self.assert_in("maint")
        self.assertIn("for its administrators", done.err)
        line = self.system.wait_log("admin.command", 'command="roles show"', since=self.mark)
        self.assertRegex(line, 'user="%s" uid=%d from="10.77.0.10 port [0-9]+" role="maint"'
                         % (self.admins.name("maint"), self.admins.uid("maint")))
        port = line.partition("10.77.0.10 port ")[2].partition('"')[0]
        self.system.wait_log("Accepted publickey", "from 10.77.0.10 port %s " % port,
                             since=self.mark)

    def test_other_zone(self):
        """Refused by sshd: no packet filter is loaded here."""
        self.assertNotIn("lazaret_host", run("nft", "list", "tables", netns=self.network.system))
        self.assert_out("maint", place=OTHER)
        self.reload(login="either")
        self.end_of_test(self.reload)
        self.assert_out("maint", place=OTHER)
        self.assert_out("maint", place=OTHER, login="password",
                        password=self.admins.passwords["maint"])
        self.assert_in("maint", login="password", password=self.admins.passwords["maint"])

    def test_nobody(self):
        """No role; a key that is not his; no such account."""
        self.assert_out("nobody")
        self.assert_out("maint", key=self.make_key("stray"))
        self.assert_out("maint", account="lza-there-is-none")

    def test_root(self):
        """Not even with a key that root himself has put there."""
        key = self.make_key("root")
        path = self.ssh_folder / "keys" / "root"
        path.write_text(key.with_name("root.pub").read_text(encoding="utf-8"), encoding="utf-8")
        self.end_of_test(path.unlink)
        home = pathlib.Path("/root/.ssh/authorized_keys")
        self.assertFalse(home.exists() and str(key) in home.read_text(encoding="utf-8"))
        for login in ("key", "either"):
            if login == "either":
                self.reload(login="either")
                self.end_of_test(self.reload)
            self.assert_out("maint", account="root", key=key)

    def test_passwords(self):
        """By password only if that is wanted, and both if both are."""
        right, wrong = self.admins.passwords["maint"], "wrong"
        self.end_of_test(self.reload)
        for login, key_does, password_does in (("key", True, False), ("password", False, True),
                                               ("either", True, True), ("both", False, False)):
            with self.subTest(login=login):
                self.reload(login=login)
                for does, how in ((key_does, {"login": "key"}),
                                  (password_does, {"login": "password", "password": right})):
                    if does:
                        self.assert_in("maint", **how)
                    else:
                        self.assert_out("maint", **how)
                self.assert_out("maint", login="password", password=wrong)
        self.assert_in("maint", login="both", password=right)
        self.assert_out("maint", login="both", password=wrong)
        self.assert_out("maint", login="both", password=right, key=self.make_key("stray2"))

    def test_shell(self):
        """With a shell that would read files of his own he does not get in at all."""
        name = self.admins.name("update")
        run("usermod", "--shell", "/bin/bash", name)
        self.end_of_test(run, "usermod", "--shell", self.shell, name)
        done = self.ssh("update", "roles", "show")
        self.assertNotEqual(done.status, 0)
        self.assertEqual(done.out, "")

    def test_taken_away(self):
        """Who is no longer in the group does not get in again."""
        name, group = self.admins.name("update"), self.admins.group("update")
        run("gpasswd", "-d", name, group)
        self.end_of_test(run, "gpasswd", "-a", name, group)
        self.assert_out("update")

    def test_config(self):
        """What sshd itself makes of it, of what no test above can see."""
        text = run("/usr/sbin/sshd", "-T", "-f", self.runtime() / "ssh/sshd_config",
                   "-C", "user=x,host=x,addr=10.77.0.10")
        for line in ("permitrootlogin no", "permituserrc no", "permituserenvironment no",
                     "disableforwarding yes", "x11forwarding no", "permittunnel no",
                     "allowtcpforwarding no", "allowstreamlocalforwarding no",
                     "allowagentforwarding no", "usepam yes", "strictmodes yes",
                     "authorizedkeysfile %s/keys/%%u" % self.ssh_folder,
                     "hostbasedauthentication no", "permitemptypasswords no",
                     "trustedusercakeys none", "authorizedkeyscommand none",
                     "requiredrsasize 3072", "logingracetime 30", "maxstartups 10:30:60",
                     "forcecommand " + self.shell):
            self.assertIn(line + "\n", text)
        self.assertNotIn("\nsubsystem", text)
        # The language of the menu, and nothing else.
        self.assertEqual([line.split()[1] for line in text.splitlines()
                          if line.startswith("acceptenv")], ["LANG", "LC_ALL", "LC_MESSAGES"])
        text = "".join(line + "\n" for line in text.splitlines() if line.split()[0] in (
            "kexalgorithms", "ciphers", "macs", "hostkeyalgorithms", "pubkeyacceptedalgorithms"))
        self.assertEqual(text.count("\n"), 5)
        for weak in ("sha1,", "sha1\n", "-cbc", "ssh-rsa", "ssh-dss", "umac-64", "md5", "group14",
                     "group1-"):
            self.assertNotIn(weak, text)
        folder = self.runtime() / "ssh"
        self.assertEqual(os.stat(folder / "sshd_config").st_mode & 0o777, 0o600)

    def runtime(self):
        text = (self.system.state / "lazaretctl").read_text(encoding="utf-8")
        return pathlib.Path(text.partition('-s "')[2].partition('"')[0]).parent


class Only(SshTest):
    """Nothing but lazaretctl."""

    def refuse_channel(self, option, probe, expected="administratively prohibited"):
        with self.running("maint", options=("-v", "-N", *option)) as process:
            self.read_until(process, "Entering interactive session")
            probe()
            self.read_until(process, expected)

    def test_direct_tcp(self):
        done = self.ssh("maint", options=("-W", "127.0.0.1:%d" % self.port))
        self.assertEqual(done.status, NO_SSH, done)
        self.assertIn("administratively prohibited", done.err)
        self.assertNotIn("SSH-2.0", done.out)

    def connect(self, *address):
        """From the administration host, in its namespace."""
        script = "import socket,sys\ns=socket.create_connection(('127.0.0.1',%s))\ns.settimeout(10)\n" \
            "s.sendall(bytes.fromhex('%s'))\nsys.stdout.write(s.recv(100).hex())" % address
        return run(*in_netns(self.network.workstations[ADMIN]), "python3", "-c", script, check=False)

    def test_local_and_dynamic(self):
        self.refuse_channel(("-L", "9900:127.0.0.1:%d" % self.port),
                            lambda: self.connect(9900, "00"))
        # SOCKS5 without a password, to 127.0.0.1 port 22.
        self.refuse_channel(("-D", "9901"), lambda: self.socks())

    def socks(self):
        script = "import socket\ns=socket.create_connection(('127.0.0.1',9901))\ns.settimeout(10)\n" \
            "s.sendall(b'\\5\\1\\0')\ns.recv(2)\ns.sendall(b'\\5\\1\\0\\1\\x7f\\0\\0\\1\\0\\x16')\n" \
            "s.recv(100)"
        run(*in_netns(self.network.workstations[ADMIN]), "python3", "-c", script, check=False)

    def test_local_socket(self):
        """Not even a socket that everybody on the host may speak to."""
        path, there = os.path.join(self.keys.name, "local"), "/tmp/%s-socket" % self.prefix
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(there)
        self.addCleanup(os.unlink, there)
        os.chmod(there, 0o777)
        server.listen()
        server.setblocking(False)

        def probe():
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                client.connect(path)
                self.assertEqual(client.recv(1), b"")

        self.refuse_channel(("-L", "%s:%s" % (path, there)), probe, "open failed")
        with self.assertRaises(BlockingIOError):
            server.accept()

    def test_remote(self):
        for forward in ("9902:127.0.0.1:22", "/tmp/lza-remote:127.0.0.1:22", "9903"):
            done = self.ssh("maint", "roles", "show",
                            options=("-R", forward, "-o", "ExitOnForwardFailure=yes"))
            self.assertEqual(done.status, NO_SSH, done)
            self.assertIn("forwarding failed", done.err)
        self.assertFalse(os.path.exists("/tmp/lza-remote"))

    def test_agent(self):
        """No socket of an agent is made."""
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", os.path.join(self.keys.name, "agent")],
                                 stdout=subprocess.DEVNULL)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        wait_until(lambda: os.path.exists(os.path.join(self.keys.name, "agent")), 10, "an agent")
        before = set(pathlib.Path("/tmp").glob("ssh-*"))
        with self.running("maint", options=(
                "-A", "-tt", "-o", "IdentityAgent=" + os.path.join(self.keys.name, "agent"))) as p:
            self.read_until(p, "lazaret> ")
            self.assertEqual(set(pathlib.Path("/tmp").glob("ssh-*")), before)

    def test_files(self):
        """Neither sftp nor scp, old or new, nor any subsystem."""
        secret = pathlib.Path(self.keys.name) / "fetched"
        for done in (self.client("sftp", "maint", input="ls\n"),
                     self.client("scp", "maint", "HOST:/etc/passwd", str(secret)),
                     self.client("scp", "maint", "-O", "HOST:/etc/passwd", str(secret)),
                     self.client("scp", "maint", __file__, "HOST:/tmp/lza-planted"),
                     self.client("scp", "maint", "-O", __file__, "HOST:/tmp/lza-planted"),
                     self.ssh("maint", "sftp", options=("-s",)),
                     self.ssh("maint", "/usr/lib/openssh/sftp-server")):
            self.assertNotEqual(done.status, 0, done)
            self.assertNotIn("root:", done.out)
        self.assertFalse(secret.exists())
        self.assertFalse(os.path.exists("/tmp/lza-planted"))

    def test_shells(self):
        """What a shell would understand is words to us, and no command."""
        marker = "/tmp/lza-escaped"
        for command in ("id", "/bin/sh -c id", "bash -i", "sessions; id", "sessions && id",
                        "sessions | id", "nothing || id", "$(id)", "`id`", "status\nid", "status &id",
                        "sessions > %s" % marker, "status $(touch %s)" % marker,
                        "lazaretctl lazaretctl status", "--socket /tmp/x status",
                        "--here config check /etc/passwd", "-f /etc/passwd config check",
                        "--file=/etc/passwd config check", "--no-files status", "-s/tmp/x status",
                        "-js/tmp/x status", "'sessions", '"', "kick \x1b[2J x",
                        "../../../bin/sh", "a" * 600, " ".join("a" * 17)):
            with self.subTest(command=command):
                done = self.ssh("maint", command)
                self.assertEqual(done.status, 2, done)
                self.assertNotIn("uid=", done.out + done.err)
                self.assertEqual(done.out, "")
                self.assertFalse(os.path.exists(marker))

    def test_commands(self):
        """With and without the name of the program, in quotes, and in more words."""
        for command in (("lazaretctl --json roles show",), ("roles show --json",),
                        ("lazaretctl", "roles", "show", "--json"), ("'roles' \"show\" '--json'",),
                        ("\troles   show --json ",)):
            done = self.ssh("maint", *command)
            self.assertEqual(json.loads(done.out)["roles"], "maint", done)
        for command in ("help", "lazaretctl", "lazaretctl --help"):
            done = self.ssh("maint", command)
            self.assertIn("usage: lazaretctl", done.out)
        done = self.ssh("maint", "kick", "nobody-is-here", "'for this reason'")
        self.assertEqual(done.status, 3, done)
        self.system.wait_log("admin.command", "arguments=\"nobody-is-here 'for this reason'\"",
                             since=self.mark)

    def test_prompt(self):
        """A person at a terminal: several commands, Ctrl-C, the end."""
        with self.running("maint", options=("-tt",)) as process:
            self.read_until(process, "lazaret> ")
            process.stdin.write(b"roles show\n")
            self.assertIn("maint", self.read_until(process, "lazaret> "))
            process.stdin.write(b"\x03")
            process.stdin.write(b"!sh\n")
            self.assertIn("there is no command", self.read_until(process, "lazaret> "))
            process.stdin.write(b"version\n")
            self.assertIn("lazaretctl 0", self.read_until(process, "lazaret> "))
            process.stdin.write(b"exit\n")
            self.assertEqual(process.wait(20), 0)
        # Without a terminal, as a script does it.
        done = self.ssh("maint", input="roles show\nnonsense\n")
        self.assertEqual(done.status, 2, done)
        self.assertIn("maint", done.out)
        self.assertNotIn("lazaret>", done.out)

    def test_environment(self):
        """Nothing that the client sends arrives."""
        done = self.ssh("maint", "roles", "show", options=(
            "-o", "SetEnv=LAZARET_SOCKET=/nonexistent LD_PRELOAD=/nonexistent PATH=/nonexistent "
            "LC_ALL=de_DE SSH_ORIGINAL_COMMAND=id"))
        self.assertEqual(done.status, 0, done)
        self.assertNotIn("preload", done.err)

    def test_planted_files(self):
        """Files in the home of a person, all of which some sshd, shell or PAM module reads."""
        name = self.admins.name("backup")
        home = pathlib.Path("/home") / name
        marker = pathlib.Path("/tmp/lza-marker")
        entry = pwd.getpwnam(name)
        (home / ".ssh").mkdir(parents=True)
        self.end_of_test(shutil.rmtree, home)
        run("usermod", "--home", str(home), name)
        self.end_of_test(run, "usermod", "--home", "/nonexistent", name)
        key = self.make_key("planted")
        command = "touch %s\n" % marker
        for file in (".ssh/rc", ".bashrc", ".bash_profile", ".profile", ".zshenv", ".login",
                     ".bash_login", ".kshrc", ".config/fish/config.fish"):
            path = home / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(command, encoding="utf-8")
            path.chmod(0o755)
        (home / ".ssh/environment").write_text("LAZARET_SOCKET=/nonexistent\n", encoding="utf-8")
        (home / ".pam_environment").write_text("LAZARET_SOCKET DEFAULT=/nonexistent\n",
                                               encoding="utf-8")
        for file in ("authorized_keys", "authorized_keys2"):
            shutil.copy(key.with_name("planted.pub"), home / ".ssh" / file)
        for file in (".rhosts", ".shosts"):
            (home / file).write_text("+ +\n", encoding="utf-8")
        for folder, folders, files in os.walk(home):
            for path in [folder] + [os.path.join(folder, f) for f in files]:
                os.chown(path, entry.pw_uid, entry.pw_gid)
        self.assertEqual(self.ssh("backup", "status", key=key).status, NO_SSH)
        for arguments in (("status",), ()):
            done = self.ssh("backup", *arguments, input="status\n")
            self.assertEqual(done.status, 0, done)
            self.assertIn("serving", done.out)
        self.assertFalse(marker.exists())


class Ports(SshTest):
    seconds = 120

    def test_each_choice(self):
        """The chosen one and no other; then off. A connection that is there stays."""
        with self.running("maint", options=("-tt",)) as process:
            self.read_until(process, "lazaret> ")
            for port in (22, 2222, 22222, 222):
                self.reload(port=port)
                self.wait_port(port)
                for other in {22, 222, 2222, 22222} - {port}:
                    self.assertFalse(self.listens(other), other)
                self.assertEqual(self.ssh("maint", "status", port=port).status, 0)
                self.assertEqual(self.ssh("maint", "status", port=port, place=OTHER).status, NO_SSH)
            self.reload(enabled=False)
            self.end_of_test(self.reload)
            wait_until(lambda: not self.listens(222), 20, "SSH is off")
            self.assertEqual(self.administration(), "off")
            self.assertEqual(self.sshd_processes(), [])
            process.stdin.write(b"roles show\n")
            self.assertIn("10.77.0.10 port", self.read_until(process, "lazaret> "))

    def test_addresses(self):
        """Only on the address that is named."""
        self.reload(more='admin-listen = {"%s"}' % lib_net.SYSTEM_LAN)
        self.end_of_test(self.reload)
        self.wait_port(222)
        said = wait_until(lambda: run("ss", "-Hltn", "sport = :222", netns=self.network.system), 20,
                          "it listens")
        self.assertEqual([line.split()[3] for line in said.splitlines()],
                         [lib_net.SYSTEM_LAN + ":222"])
        self.assertEqual(self.ssh("maint", "status").status, 0)

    def test_zone_changes(self):
        """The administration network is what the configuration in force says."""
        self.reload(more='zone-administration = {"10.77.0.11/32"}')
        self.end_of_test(self.reload)
        self.wait_port(222)
        self.assertEqual(self.ssh("maint", "status", place=OTHER).status, 0)
        self.assertEqual(self.ssh("maint", "status").status, NO_SSH)
        self.reload(more="zone-administration = {}")
        self.system.wait_log("ssh.unusable", "zone-administration", since=self.mark)
        wait_until(lambda: not self.listens(222), 20, "nobody may connect")
        self.assertEqual(self.administration(), "failed")

    def test_taken(self):
        """A port that another program has is said, and served when it is free."""
        self.reload(enabled=False)
        self.end_of_test(self.reload)
        wait_until(lambda: not self.listens(222), 20, "SSH is off")
        other = subprocess.Popen(
            in_netns(self.network.system) + ["python3", "-c", "import socket,time\n"
                                             "s=socket.create_server(('0.0.0.0',222))\n"
                                             "time.sleep(60)"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        wait_until(lambda: self.listens(222), 20, "the other one listens")
        self.reload(more='admin-listen = {"0.0.0.0"}')
        self.system.wait_log("Address already in use", since=self.mark)
        self.system.wait_log("ssh.died", since=self.mark)
        other.kill()
        wait_until(lambda: self.ssh("maint", "status").status == 0, 30, "SSH serves")

    def test_dies(self):
        """Killed, it comes again; connections stay, also when the daemon is killed."""
        with self.running("maint", options=("-tt",)) as process:
            self.read_until(process, "lazaret> ")
            self.kill_listener()
            self.system.wait_log("ssh.died", since=self.mark)
            wait_until(lambda: self.ssh("maint", "status").status == 0, 20, "it serves again")
            for daemon in self.system.processes("lazaretd"):
                os.kill(daemon.pid, signal.SIGKILL)
            wait_until(lambda: self.ssh("maint", "status").status == 0, 30, "a new one serves")
            self.assertEqual(len(self.sshd_processes()), 1)
            process.stdin.write(b"roles show\n")
            self.assertIn("10.77.0.10 port", self.read_until(process, "lazaret> "))


class Folders(SshTest):
    def test_foreign_files(self):
        """A file that somebody else could write stops it all, and the log says which."""
        path = self.ssh_folder / "keys" / "guest"
        self.end_of_test(self.reload)
        self.end_of_test(lambda: path.unlink(missing_ok=True))

        def try_it(what):
            mark = self.system.log_mark()
            self.reload(more='admin-banner = "%s"' % what)
            self.system.wait_log("ssh.unusable", str(path), since=mark)
            self.assertEqual(self.administration(), "failed")
            path.unlink()

        path.write_text("", encoding="utf-8")
        path.chmod(0o664)
        try_it("writable")
        path.write_text("", encoding="utf-8")
        os.chown(path, self.admins.uid("maint"), 0)
        try_it("somebody's")
        path.symlink_to("/etc/passwd")
        try_it("elsewhere")
        (self.ssh_folder / "keys").chmod(0o777)
        mark = self.system.log_mark()
        self.reload(more='admin-banner = "open"')
        self.system.wait_log("ssh.unusable", "keys must be root's", since=mark)
        (self.ssh_folder / "keys").chmod(0o755)
        self.reload()
        self.wait_port(222)
        self.assertEqual(self.ssh("maint", "status").status, 0)

    def test_origin_cannot_be_forged(self):
        """A client that its person has written himself, at the host: whatever he says, it is local. Over
        SSH it is the address of the connection, whatever its environment says."""
        program = self.system.programs + "/usr/bin/lazaretctl"
        control = (self.system.state / "lazaretctl").read_text(encoding="utf-8")
        control = control.partition('-s "')[2].partition('"')[0]
        env = {"SSH_CONNECTION": "192.0.2.99 1 192.0.2.98 22", "SSH_CLIENT": "192.0.2.99 1 22"}
        # Named as an sshd is, with a connection of its own, and the client below it.
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        threading.Thread(target=server.accept, daemon=True).start()
        script = ("exec -a 'sshd: %s [priv]' python3 -c 'import socket,subprocess,sys\n"
                  "s=socket.create_connection((\"127.0.0.1\",%d))\n"
                  "sys.exit(subprocess.call(sys.argv[1:],pass_fds=[s.fileno()]))' \"$@\""
                  % (self.admins.name("maint"), server.getsockname()[1]))
        status, out, err = self.admins.run(
            "maint", "bash", "-c", script, "-", program, "-s", control, "roles", "show", "--json",
            env=dict(env, PATH="/usr/bin:/bin"))
        self.assertEqual(status, 0, err)
        self.assertEqual(json.loads(out)["from"], "local")
        done = self.ssh("maint", "roles", "show", "--json")
        self.assertRegex(json.loads(done.out)["from"], r"^10\.77\.0\.10 port \d+$")
