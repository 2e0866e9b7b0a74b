# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers of the protocols that the paths carry, each as its package has it, with a
configuration of its own, in a network namespace. Nothing of the machine's own services is touched."""

import contextlib
import os
import pathlib
import shutil
import sys
import textwrap

from lib_proc import Process, run, wait_until

# What answers where it must not, over TCP and UDP.
IMPOSTOR = """
import select, socket, sys
address, family = sys.argv[1], socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
WORDS = b"MOIN 1.0 this is something else\\r\\n"
listeners, datagrams, peers = [], [], []
for word in sys.argv[2:]:
    proto, _, port = word.partition("/")
    s = socket.socket(family, socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, int(port)))
    if proto == "tcp":
        s.listen()
        listeners.append(s)
    else:
        datagrams.append(s)
print("READY", flush=True)
while True:
    ready, _, _ = select.select(listeners + datagrams + peers, [], [])
    for s in ready:
        try:
            if s in listeners:
                peer, _ = s.accept()
                peers.append(peer)
                peer.send(WORDS)
            elif s in datagrams:
                data, sender = s.recvfrom(4096)
                s.sendto(WORDS * 4, sender)
            elif not s.recv(4096):
                peers.remove(s)
                s.close()
        except OSError:
            if s in peers:
                peers.remove(s)
                s.close()
"""


def listening(netns, address):
    """What is bound to the address, or to any, there: {"tcp/22", "udp/123", …}."""
    found = set()
    for proto, flag in (("tcp", "-lnt"), ("udp", "-lnu")):
        for line in run("ss", "-H", flag, netns=netns).splitlines():
            host, _, port = line.split()[3].rpartition(":")
            if host in (address, "0.0.0.0", "*", "[::]", "[%s]" % address):
                found.add("%s/%s" % (proto, port))
    return found


class Services:
    """Started by start(), ended by stop(); `address` is theirs in `netns`."""

    def __init__(self, netns, address, folder):
        self.netns = netns
        self.address = address
        self.folder = pathlib.Path(folder)
        self.running = []
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.key = self.folder / "key.pem"
        self.certificate = self.folder / "cert.pem"
        self.pair = self.folder / "pair.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", "2", "-subj",
            "/CN=services.test")
        self.pair.write_text(self.certificate.read_text() + self.key.read_text())

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.write_text(textwrap.dedent(text).format(
            address=self.address, folder=self.folder, key=self.key,
            certificate=self.certificate))
        path.chmod(mode)
        return path

    def make(self, name, owner=None, mode=0o755):
        path = self.folder / name
        path.mkdir(exist_ok=True)
        path.chmod(mode)
        if owner:
            shutil.chown(path, owner, owner if owner != "openldap" else None)
        return path

    def launch(self, ports, *command, env=None):
        """A daemon in the foreground; its ports are waited for in ready()."""
        process = Process(*command, netns=self.netns, cwd=str(self.folder),
                          env=dict(os.environ, **(env or {})))
        self.running.append((process, set(ports)))

    def ready(self, seconds=40):
        wanted = set().union(*(ports for _, ports in self.running))

        def all_there():
            for process, ports in self.running:
                if not process.running():
                    raise AssertionError("%s ended:\n%s" % (
                        process.command, "\n".join(process.lines[-30:])))
            return wanted <= listening(self.netns, self.address)

        try:
            wait_until(all_there, seconds, "the servers listen")
        except AssertionError as error:
            raise AssertionError("%s; not there: %s" % (
                error, sorted(wanted - listening(self.netns, self.address)))) from None
        return wanted

    # --- one of each

    def chrony(self):
        conf = self.write("chrony.conf", """
            local stratum 8
            allow all
            bindaddress {address}
            port 123
            cmdport 0
            bindcmdaddress /
            pidfile {folder}/chrony.pid
            """)
        self.launch(["udp/123"], "chronyd", "-d", "-x", "-u", "root", "-F", "0", "-f", conf)

    def unbound(self):
        conf = self.write("unbound.conf", """
            server:
                interface: {address}
                access-control: 0.0.0.0/0 allow
                username: ""
                chroot: ""
                directory: "{folder}"
                pidfile: "{folder}/unbound.pid"
                use-syslog: no
                do-daemonize: no
                local-zone: "." static
                local-data: ". 60 NS a.root.test."
                local-data: "services.test. 60 A {address}"
            remote-control:
                control-enable: no
            """)
        self.launch(["udp/53", "tcp/53"], "unbound", "-d", "-p", "-c", conf)

    def slapd(self):
        self.make("ldap")
        conf = self.write("slapd.conf", """
            include /etc/ldap/schema/core.schema
            pidfile {folder}/slapd.pid
            TLSCertificateFile {certificate}
            TLSCertificateKeyFile {key}
            database ldif
            suffix "dc=test"
            directory {folder}/ldap
            """)
        urls = " ".join("%s://%s:%d" % (scheme, self.address, port) for scheme, port in
                        (("ldap", 389), ("ldaps", 636), ("ldap", 3268), ("ldaps", 3269)))
        self.launch(["tcp/389", "tcp/636", "tcp/3268", "tcp/3269"], "slapd", "-d", "0", "-h", urls,
                    "-f", conf)

    def kdc(self):
        krb5 = self.write("krb5.conf", """
            [libdefaults]
                default_realm = SERVICES.TEST
            [realms]
                SERVICES.TEST = {{ }}
            """)
        conf = self.write("kdc.conf", """
            [kdcdefaults]
                kdc_listen = {address}:88
                kdc_tcp_listen = {address}:88
            [realms]
                SERVICES.TEST = {{
                    database_name = {folder}/principal
                    key_stash_file = {folder}/stash
                    acl_file = {folder}/none
                }}
            [logging]
                kdc = STDERR
            """)
        env = {"KRB5_CONFIG": str(krb5), "KRB5_KDC_PROFILE": str(conf)}
        if not (self.folder / "principal").exists():
            run("kdb5_util", "create", "-s", "-P", "not a secret", "-r", "SERVICES.TEST",
                env=dict(os.environ, **env))
        self.launch(["tcp/88", "udp/88"], "krb5kdc", "-n", "-r", "SERVICES.TEST", env=env)

    def postfix(self):
        spool = self.make("spool")
        self.make("mail-data", "postfix")
        etc = self.make("postfix")
        (etc / "main.cf").write_text(textwrap.dedent("""
            compatibility_level = 3.6
            queue_directory = %s
            data_directory = %s/mail-data
            inet_interfaces = %s
            inet_protocols = ipv4
            myhostname = services.test
            mydestination =
            maillog_file = /dev/stdout
            smtpd_tls_security_level = may
            smtpd_tls_chain_files = %s
            alias_maps =
            """) % (spool, self.folder, self.address, self.pair))
        shutil.copy("/etc/postfix/master.cf.proto" if os.path.exists("/etc/postfix/master.cf.proto")
                    else "/usr/share/postfix/master.cf.dist", etc / "master.cf")
        # By number: not every machine has /etc/services. No chroot: nothing is set up in it.
        text = (etc / "master.cf").read_text()
        (etc / "master.cf").write_text("".join(
            "%s\n" % " ".join(["25" if w == "smtp" and i == 0 and line.split()[1] == "inet" else
                               "n" if i == 4 and w == "y" else w
                               for i, w in enumerate(line.split())])
            if line[:1].isalpha() else line + "\n" for line in text.splitlines()))
        # What its start script does, which takes ten seconds on a busy machine.
        for name in ("active bounce corrupt defer deferred flush hold incoming private saved "
                     "trace").split():
            self.make("spool/" + name, "postfix", 0o700)
        self.make("spool/pid")
        self.make("spool/public", "postfix")
        self.make("spool/maildrop", "postfix", 0o730)
        self.launch(["tcp/25"], "/usr/lib/postfix/sbin/master", "-c", etc, "-d")

    def dovecot(self):
        conf = self.write("dovecot.conf", """
            base_dir = {folder}/dovecot
            state_dir = {folder}/dovecot-state
            log_path = /dev/stderr
            protocols = imap pop3
            listen = {address}
            ssl = yes
            ssl_cert = <{certificate}
            ssl_key = <{key}
            mail_location = maildir:{folder}/mail/%u
            passdb {{
              driver = static
              args = nopassword=y
            }}
            userdb {{
              driver = static
              args = uid=65534 gid=65534 home=/nonexistent
            }}
            """)
        self.launch(["tcp/110", "tcp/995", "tcp/143", "tcp/993"], "dovecot", "-F", "-c", conf)

    def rsyslog(self):
        conf = self.write("rsyslog.conf", """
            global(workDirectory="{folder}"
                   defaultNetstreamDriverCAFile="{certificate}")
            module(load="imtcp")
            module(load="imudp")
            module(load="imrelp")
            input(type="imtcp" address="{address}" port="514")
            input(type="imudp" address="{address}" port="514")
            input(type="imudp" address="{address}" port="2514")
            input(type="imudp" address="{address}" port="3514")
            input(type="imrelp" address="{address}" port="2514")
            input(type="imrelp" address="{address}" port="3514" tls="on" tls.cacert="{certificate}"
                  tls.mycert="{certificate}" tls.myprivkey="{key}")
            *.* action(type="omfile" file="{folder}/log")
            """)
        self.launch(["tcp/514", "udp/514", "tcp/2514", "udp/2514", "tcp/3514", "udp/3514"],
                    "rsyslogd", "-n", "-iNONE", "-f", conf)

    def sshd(self, port=22):
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        key = self.folder / "ssh_key"
        if not key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        where = "[%s]" % self.address if ":" in self.address else self.address
        self.launch(["tcp/%d" % port], "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", key,
                    "-o", "ListenAddress=%s:%d" % (where, port), "-o", "PidFile=none")

    def squid(self):
        self.make("squid", "proxy")
        conf = self.write("squid.conf", """
            http_port {address}:3128
            http_access allow all
            pid_filename {folder}/squid/pid
            cache_log {folder}/squid/log
            access_log none
            cache_effective_user proxy
            shutdown_lifetime 0 seconds
            dns_nameservers {address}
            pinger_enable off
            visible_hostname services.test
            """)
        self.launch(["tcp/3128"], "squid", "-N", "-f", conf)

    def snmpd(self):
        state = self.make("snmp")
        conf = self.write("snmpd.conf", """
            agentAddress udp:{address}:161
            rocommunity nobody-guesses-this
            """)
        self.launch(["udp/161"], "snmpd", "-f", "-Le", "-C", "-c", conf,
                    env={"SNMP_PERSISTENT_DIR": str(state), "MIBS": ""})

    def nrpe(self):
        conf = self.write("nrpe.cfg", """
            server_address={address}
            server_port=5666
            nrpe_user=nagios
            nrpe_group=nagios
            allowed_hosts={address},127.0.0.1,192.0.2.2
            dont_blame_nrpe=0
            pid_file={folder}/nrpe.pid
            """)
        self.launch(["tcp/5666"], "nrpe", "-c", conf, "-f")

    def xrdp(self):
        conf = self.write("xrdp.ini", """
            [Globals]
            ini_version=1
            fork=true
            port=tcp://{address}:3389
            use_vsock=false
            tcp_nodelay=true
            security_layer=negotiate
            crypt_level=high
            certificate={certificate}
            key_file={key}
            ssl_protocols=TLSv1.2, TLSv1.3
            bitmap_cache=true
            max_bpp=32
            [Logging]
            LogFile={folder}/xrdp.log
            LogLevel=INFO
            EnableSyslog=false
            [Channels]
            [Xorg]
            name=Xorg
            lib=libxup.so
            """)
        self.launch(["tcp/3389"], "xrdp", "--nodaemon", "--config", conf)

    def web(self, *ports, tls=()):
        """Plain HTTP and HTTPS, by Python's own server."""
        program = self.write("web.py", """
            import http.server, ssl, sys, threading
            class Server(http.server.ThreadingHTTPServer):
                daemon_threads = True
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_HEAD(self):
                    self.send_response(204)
                    self.end_headers()
                do_GET = do_HEAD
                def log_message(self, *_): pass
            for word in sys.argv[1:]:
                server = Server(("{address}", abs(int(word))), Handler)
                if int(word) < 0:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain("{certificate}", "{key}")
                    server.socket = context.wrap_socket(
                        server.socket, server_side=True, do_handshake_on_connect=False)
                threading.Thread(target=server.serve_forever).start()
            """)
        self.launch(["tcp/%d" % p for p in ports + tuple(tls)], sys.executable, program,
                    *ports, *(-p for p in tls))

    def impostor(self, ports):
        process = Process(sys.executable, "-c", IMPOSTOR, self.address, *sorted(ports),
                          netns=self.netns)
        self.running.append((process, set(ports)))
        process.wait_line("READY")

    def stop(self):
        """Ends them all; returns when nothing listens any more."""
        ports = set().union(*(ports for _, ports in self.running)) if self.running else set()
        for process, _ in self.running:
            process.popen.terminate()
        for process, _ in self.running:
            process.stop(seconds=3)
            # Daemons that fork: what is left of their group.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
        self.running = []
        try:
            wait_until(lambda: not ports & listening(self.netns, self.address), 10, "nothing listens any more")
        except AssertionError as error:
            raise AssertionError("%s:\n%s" % (error, run(
                "ss", "-lntup", netns=self.netns))) from None
