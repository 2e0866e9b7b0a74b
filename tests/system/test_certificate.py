# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate and key are read again on SIGHUP, and live connections do not notice."""

import signal

from lib_proc import run
from lib_system import SystemTest

BLUE = (0x30, 0x60, 0xC0)


class Certificate(SystemTest):
    users = ("alice", "bob")
    seconds = 120

    def serial(self):
        """Of the certificate that a new connection is shown."""
        with self.system.connection() as connection:
            connection.to_credentials()
            return connection.socket.getpeercert()["serialNumber"]

    def renew(self):
        """Another key and certificate of the same authority."""
        state = self.system.state
        template = state / "renewed.template"
        template.write_text('cn = "renewed"\nip_address = "%s"\ntls_www_server\nsigning_key\n'
                            "expiration_days = 30\n" % self.system.address, encoding="utf-8")
        run("certtool", "--generate-privkey", "--key-type", "rsa", "--bits", "2048",
            "--outfile", state / "server.key")
        (state / "server.key").chmod(0o600)
        run("certtool", "--generate-certificate", "--template", template,
            "--load-privkey", state / "server.key", "--load-ca-certificate", state / "ca.pem",
            "--load-ca-privkey", state / "ca.key", "--outfile", state / "server.pem")

    def reload(self):
        self.system.processes("lazaretd")[0].kill(signal.SIGHUP)

    def test_renewed(self):
        client = self.login("alice")
        client.wait_colour(BLUE)
        before = self.serial()
        self.renew()
        mark = self.system.log_mark()
        self.reload()
        self.system.wait_log("certificate.loaded", since=mark)
        self.assertNotEqual(self.serial(), before)
        client.refresh(False)
        self.assertGreater(client.share(BLUE), 0.5)

    def test_broken_file_keeps_the_old(self):
        client = self.login("bob")
        client.wait_colour(BLUE)
        before = self.serial()
        path = self.system.state / "server.pem"
        good = path.read_bytes()
        self.addCleanup(path.write_bytes, good)
        for content in (b"", b"-----BEGIN CERTIFICATE-----\nnonsense\n", good[:len(good) // 2]):
            with self.subTest(content=content[:30]):
                path.write_bytes(content)
                mark = self.system.log_mark()
                self.reload()
                self.system.wait_log(" error certificate.", since=mark)
                self.assertEqual(self.serial(), before)
        client.refresh(False)

    def test_a_key_that_does_not_fit(self):
        before = self.serial()
        path = self.system.state / "server.key"
        good = path.read_bytes()
        self.addCleanup(path.write_bytes, good)
        run("certtool", "--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1",
            "--outfile", path)
        mark = self.system.log_mark()
        self.reload()
        self.system.wait_log(" error certificate.", since=mark)
        self.assertEqual(self.serial(), before)
