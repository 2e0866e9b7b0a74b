# SPDX-License-Identifier: GPL-3.0-or-later
"""An update server as docs/updates.md describes it, in a network of its own: a repository, a web server on
loopback behind a real sshd on 22 and 443, the same by HTTPS, and an authenticating squid; and a machine that is
updated from there."""

import json
import os
import pathlib
import re
import shutil
import textwrap
import unittest

import lib_net
import lib_package
from lib_machine import Machine
from lib_net import Network
from lib_package import Keys, Repository
from lib_proc import BUILD, TOP, run, wait_until

SSH = lib_net.OTHER_WEB
HTTPS = lib_net.WEB
PROXY = lib_net.OTHER_WEB + ":3128"
ACCOUNT = "lazaret"

# Serves a folder; a file "mode" beside it says how: "files", "page" (a login page whatever is asked) or
# "elsewhere" (a redirection to one).
SERVER = """
import functools, http.server, pathlib, ssl, sys
folder, mode, address, port = sys.argv[1:5]
PAGE = b"<!DOCTYPE html><html><head><title>Guest network</title></head><body>Please log in.</body></html>"

class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        how = pathlib.Path(mode).read_text().strip()
        if how == "page":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)
        elif how == "elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://198.51.100.53/login")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()
    def log_message(self, *arguments):
        print("GET", self.path, flush=True)

server = http.server.ThreadingHTTPServer((address, int(port)),
                                         functools.partial(Handler, directory=folder))
if len(sys.argv) > 5:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[5], sys.argv[6])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("READY", flush=True)
server.serve_forever()
"""


def manual_block(mark):
    """The lines that docs/updates.md tells the operator to write: what is told is what is tried."""
    text = (TOP / "docs/updates.md").read_text("utf-8")
    block = re.search(r"<!-- %s -->\n+((?:    [^\n]*\n|\n)+)" % mark, text)
    return textwrap.dedent(block.group(1))


class UpdateServer:
    """On the Internet's side of a network."""

    def __init__(self, network, folder, only_ssh=False):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.web = self.folder / "web"
        self.web.mkdir()
        self.mode = self.folder / "mode"
        self.mode.write_text("files")
        self.machine = Machine(network.internet)
        self.netns = network.internet
        self._certificate()
        script = self.folder / "server.py"
        script.write_text(SERVER, encoding="utf-8")
        self._serve(script, "127.0.0.1", 80)
        self._sshd()
        if only_ssh:
            return
        # For the proxy, which has to reach it.
        self._serve(script, HTTPS, 80)
        self._serve(script, HTTPS, 443, self.folder / "server.pem", self.folder / "server.key")
        self._squid()

    def _serve(self, script, address, port, *more):
        self.machine.start("python3", script, self.web, self.mode, address, port,
                           *more).wait_line("READY")

    def _certificate(self):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "30", "-subj", "/CN=updates", "-addext",
            "subjectAltName=IP:%s" % HTTPS, "-keyout", self.folder / "server.key", "-out",
            self.folder / "server.pem")

    def _sshd(self):
        """As the manual says: an account that can do nothing but be passed on to the web server."""
        machine = self.machine
        machine.run("useradd", "--system", "--create-home", "--password", "*",
                    "--shell", "/usr/sbin/nologin", ACCOUNT)
        machine.run("mkdir", "-p", "/etc/ssh/lazaret")
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "client")
        shutil.copy(self.folder / "client.pub", machine.path("/etc/ssh/lazaret/%s" % ACCOUNT))
        for name in ("host", "other"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name)
        machine.write("/etc/ssh/lazaret.conf",
                      "HostKey %s\nListenAddress %s\nPort 22\nPort 443\nUsePAM no\nPidFile none\n"
                      % (self.folder / "host", SSH) + manual_block("sshd"))
        self.sshd = machine.start("/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/lazaret.conf")
        self.sshd.wait_line("port 443")

    @property
    def host_key(self):
        return (self.folder / "host.pub").read_text("utf-8").strip()

    def restart_sshd(self, key):
        """As another server would answer."""
        self.sshd.stop()
        text = self.machine.read("/etc/ssh/lazaret.conf")
        self.machine.write("/etc/ssh/lazaret.conf",
                           re.sub(r"^HostKey .*", "HostKey %s" % (self.folder / key), text, flags=re.M))
        self.sshd = self.machine.start("/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/lazaret.conf")
        self.sshd.wait_line("port 443")

    def _squid(self):
        machine = self.machine
        machine.run("mkdir", "-p", "/var/squid")
        machine.run("chown", "proxy", "/var/squid")
        hashed = run("openssl", "passwd", "-apr1", "se cret:1").strip()
        machine.write("/etc/squid/users", "lazaret:%s\n" % hashed)
        machine.write("/etc/squid/test.conf", """
            http_port %s
            pid_filename /var/squid/pid
            cache_log /var/squid/cache
            access_log stdio:/var/squid/access
            cache deny all
            auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/users
            auth_param basic children 1
            acl known proxy_auth REQUIRED
            http_access allow known
            http_access deny all
            shutdown_lifetime 0 seconds
            """ % PROXY)
        machine.start("squid", "-N", "-f", "/etc/squid/test.conf")
        wait_until(lambda: ":3128" in run("ss", "-Hlnt", netns=self.netns), 30, "squid listens")

    def requests(self, process=None):
        return [line for p in self.machine.processes for line in p.lines if line.startswith("GET ")]

    def close(self):
        self.machine.close()


class UpdateTest(unittest.TestCase):
    """Each test has a repository with the version of the source, and a machine on which that is installed."""

    workstations = 1
    only_ssh = False

    @classmethod
    def setUpClass(cls):
        cls.folder = BUILD / "system" / ("update-%d" % os.getpid())
        shutil.rmtree(cls.folder, ignore_errors=True)
        cls.folder.mkdir(parents=True)
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.network = Network(cls.workstations)
        cls.addClassCleanup(cls.network.close)
        # gpg's sockets have short names.
        cls.keys = Keys("/tmp/lzt%d-keys" % os.getpid())
        cls.addClassCleanup(shutil.rmtree, cls.keys.home, ignore_errors=True)
        cls.addClassCleanup(cls.keys.close)
        for name in ("ours", "debian", "other"):
            cls.keys.make(name)
            cls.keys.export(name, cls.folder / (name + ".gpg"))
        cls.addClassCleanup(lib_package.remove_tree)
        cls.old = lib_package.version()
        cls.new = lib_package.next_version()
        cls.package = lib_package.system_package(cls.folder, cls.old)
        cls.update = lib_package.system_package(cls.folder, cls.new)
        cls.server = UpdateServer(cls.network, cls.folder / "server", cls.only_ssh)
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        for path in self.server.web.iterdir():
            shutil.rmtree(path)
        self.server.mode.write_text("files")
        self.repository = Repository(self.keys, "ours", self.server.web / "lazaret")
        self.repository.publish(self.package)
        self.machine = None

    def client(self, method="ssh", size="1g", packages=(), **options):
        """A fresh machine with the old version, and this configuration."""
        machine = Machine(self.network.system, size)
        self.addCleanup(machine.close)
        self.machine = machine
        machine.run("dpkg", "--install", self.package, *packages)
        url = {"ssh": "http://127.0.0.1/lazaret", "https": "https://%s/lazaret" % HTTPS,
               "proxy": "http://%s/lazaret" % HTTPS}[method]
        values = {"update-method": method, "update-url": url, "update-server": SSH,
                  "update-host-key": self.server.host_key, "update-ca":
                  "/etc/lazaret/update/ca.pem" if method == "https" else "",
                  "dns": [lib_net.NAME_SERVER],
                  "update-debian-keyring": "/etc/lazaret/update/debian.gpg"}
        if method == "proxy":
            values.update({"update-proxy": PROXY, "update-proxy-user": "lazaret"})
        values.update({key.replace("_", "-"): value for key, value in options.items()})
        machine.write("/etc/lazaret/update/repository.gpg", (self.folder / "ours.gpg").read_bytes())
        machine.write("/etc/lazaret/update/debian.gpg", (self.folder / "debian.gpg").read_bytes())
        machine.write("/etc/lazaret/update/ca.pem", (self.server.folder / "server.pem").read_bytes())
        machine.write("/etc/lazaret/update/id_ed25519", (self.server.folder / "client").read_bytes(),
                      0o600)
        machine.write("/etc/lazaret/update/proxy-password", "se cret:1\n", 0o600)
        self.configure(values)
        return machine

    @property
    def config(self):
        return self.machine.read("/etc/lazaret/lazaret.conf")

    def configure(self, values):
        def text(value):
            return "{%s}" % ", ".join('"%s"' % v for v in value) if isinstance(value, list) \
                else '"%s"' % value
        self.values = values
        self.machine.write("/etc/lazaret/lazaret.conf", "".join(
            "%s = %s\n" % (k, text(v) if k != "update-method" else v) for k, v in values.items()))

    def set(self, **options):
        self.configure(dict(self.values, **{k.replace("_", "-"): v for k, v in options.items()}))

    def publish_update(self, package=None):
        self.repository.publish(package or self.update)

    def ctl(self, *words):
        """(status, what was said)"""
        out = self.machine.run("sh", "-c", '"$@" 2>&1; echo "status $?"', "sh", "lazaretctl", "update",
                               *words, seconds=300)
        said, _, status = out.rstrip("\n").rpartition("status ")
        return int(status), said

    def good(self, *words):
        status, said = self.ctl(*words)
        self.assertEqual(status, 0, said)
        return said

    def state(self):
        return json.loads(self.good("status", "--json"))

    def everything(self):
        """What must not change when something is refused: packages, lists and files to be installed."""
        folder = "/var/lib/lazaret/update"
        files = self.machine.run("sh", "-c", "cd %s 2>/dev/null && find lists cache/archives -type f ! -name "
                                 "lock -exec sha256sum {} + 2>/dev/null | sort; dpkg -l | sha256sum" % folder)
        state = self.state()
        return files, {k: v for k, v in state.items() if k in ("checked", "downloaded", "plan", "previous")}

    def refused(self, part, *words):
        """The command fails with a sentence that has this part, and changes nothing."""
        before = self.everything()
        status, said = self.ctl(*words)
        self.assertEqual(status, 1, said)
        self.assertIn(part, said)
        self.assertTrue(said.splitlines()[-1].startswith("lazaretctl: "), said)
        # A sentence, not the noise of a program.
        self.assertNotIn("\nE: ", said)
        self.assertEqual(self.everything(), before)
        self.assertIn(part, self.state()["error"]["reason"])


__all__ = ["ACCOUNT", "HTTPS", "Machine", "PROXY", "Repository", "SSH", "UpdateTest", "manual_block", "run"]
