# SPDX-License-Identifier: GPL-3.0-or-later
"""lazaretctl cert, as root and without a daemon: requests, and every kind of chain that an authority may
send, good and bad."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ.get("BUILD", "build/check")).absolute()
NAMES = ("browser.example", "192.0.2.7")
SERVER = "tls_www_server\nsigning_key\nhonor_crq_extensions\n"


def tool(*command, stdin=None):
    return subprocess.run([str(c) for c in command], input=stdin, text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL if stdin is None else None).stdout


class Site:
    """An authority, one below it, and one that nobody knows."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-cert-"))
        for name, signer in (("root", None), ("middle", "root"), ("other", None), ("leaf", "root")):
            self.authority(name, signer, ca=name != "leaf")

    def authority(self, name, signer, ca=True):
        f = self.folder
        tool("certtool", "--generate-privkey", "--key-type", "ecdsa", "--curve", "secp256r1",
             "--outfile", f / (name + ".key"))
        template = f / (name + ".template")
        template.write_text('cn = "The %s"\n%s\nexpiration_days = 90\n'
                            % (name, "ca\ncert_signing_key" if ca else "signing_key"), "utf-8")
        how = ["--generate-self-signed"] if not signer else [
            "--generate-certificate", "--load-ca-certificate", f / (signer + ".pem"),
            "--load-ca-privkey", f / (signer + ".key")]
        tool("certtool", *how, "--load-privkey", f / (name + ".key"), "--template", template,
             "--outfile", f / (name + ".pem"))

    def pem(self, name):
        return tool("openssl", "x509", "-in", self.folder / (name + ".pem"))

    def sign(self, request, signer="middle", template=SERVER, days="expiration_days = 60"):
        f = self.folder
        (f / "request").write_text(request, "utf-8")
        (f / "template").write_text(template + days + "\n", "utf-8")
        tool("certtool", "--generate-certificate", "--load-request", f / "request",
             "--load-ca-certificate", f / (signer + ".pem"), "--load-ca-privkey",
             f / (signer + ".key"), "--template", f / "template", "--outfile", f / "signed.pem")
        return self.pem("signed")

    def sign_for_agreement(self, request):
        f = self.folder
        (f / "extensions").write_text("subjectAltName=DNS:browser.example,IP:192.0.2.7\n"
                                      "keyUsage=keyAgreement\nextendedKeyUsage=serverAuth\n")
        return tool("openssl", "x509", "-req", "-CA", f / "middle.pem", "-CAkey", f / "middle.key",
                    "-extfile", f / "extensions", "-days", "9", stdin=request)


class Cert(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.site.folder)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lazaret-tls-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.tls = self.folder / "tls"
        self.tls.mkdir()
        (self.folder / "conf").write_text(
            'certificate = "%s/server.pem"\nprivate-key = "%s/server.key"\n'
            'runtime-directory = "%s"\n' % (self.tls, self.tls, self.folder), "utf-8")

    def ctl(self, *words, stdin=""):
        done = subprocess.run(
            [BUILD / "src/ctl/lazaretctl", "-f", self.folder / "conf", "-s", self.folder / "control",
             *words], input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            check=False)
        return done.returncode, done.stdout, done.stderr

    def request(self, *words):
        status, out, err = self.ctl("cert", "request", *(words or NAMES))
        self.assertEqual((status, err), (0, ""))
        return out

    def good(self, chain, *words):
        status, out, err = self.ctl("cert", "install", *words, "-", stdin=chain)
        self.assertEqual((status, err), (0, ""), chain)
        self.assertIn("In force: CN=", out)

    def bad(self, expected, chain):
        before = self.content()
        status, out, err = self.ctl("cert", "install", "-", stdin=chain)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, expected)
        self.assertIn("nothing was changed", err)
        self.assertEqual(self.content(), before)

    def content(self):
        return {str(p.relative_to(self.tls)): p.read_bytes()
                for p in sorted(self.tls.rglob("*")) if p.is_file()}

    def status(self):
        status, out, _ = self.ctl("cert", "status", "--json")
        return status, json.loads(out)

    def pair(self):
        """That key and certificate fit, as openssl sees it; the serial number."""
        a = tool("openssl", "x509", "-in", self.tls / "server.pem", "-noout", "-pubkey")
        b = tool("openssl", "pkey", "-in", self.tls / "server.key", "-pubout")
        self.assertEqual(a, b)
        return tool("openssl", "x509", "-in", self.tls / "server.pem", "-noout", "-serial")

    def test_request(self):
        text = tool("openssl", "req", "-noout", "-text", "-verify", stdin=self.request())
        for part in ("CN = browser.example", "DNS:browser.example", "IP Address:192.0.2.7",
                     "Digital Signature", "TLS Web Server Authentication", "prime256v1"):
            self.assertIn(part, text)
        key = self.tls / "issues/next/key"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        # Nothing is in force yet.
        self.assertFalse((self.tls / "server.pem").exists())
        self.assertEqual(self.status(), (1, {"state": "none", "request": list(NAMES)}))

    def test_same_key_again(self):
        def key(request):
            return tool("openssl", "req", "-noout", "-pubkey", stdin=request)
        first = key(self.request())
        self.assertEqual(key(self.request("other.example")), first)
        rsa = self.request("--new-key", "--key", "rsa", "--subject", "CN=b.example,O=A Site,C=DE",
                           "b.example")
        self.assertNotEqual(key(rsa), first)
        text = tool("openssl", "req", "-noout", "-text", stdin=rsa)
        self.assertRegex(text, r"O = A Site")
        self.assertIn("3072 bit", text)

    def test_wrong_words(self):
        for words, expected in ((("*.example",), "neither a name nor"), (("a b",), "neither"),
                                (("-x",), "no option"), (("--key", "dsa", "a"), "no kind of key"),
                                (("--subject",), "needs a value"), (("a..b",), "neither"),
                                (("x" * 64 + ".example",), "neither")):
            status, out, err = self.ctl("cert", "request", *words)
            self.assertEqual((status, out), (2, ""), words)
            self.assertIn(expected, err)
        status, _, err = self.ctl("cert", "request", "--subject", "nonsense", "a.example")
        self.assertEqual(status, 1)
        self.assertIn("is no subject", err)
        status, _, err = self.ctl("cert", "install", "chain.pem")
        self.assertEqual(status, 2)
        self.assertIn("standard input", err)

    def test_install(self):
        """In any order; the root goes to ca.pem, what viewers are sent is the rest, in order."""
        leaf = self.site.sign(self.request())
        self.good(self.site.pem("root") + self.site.pem("middle") + leaf)
        self.pair()
        self.assertEqual((self.tls / "ca.pem").read_text(), self.site.pem("root"))
        self.assertEqual((self.tls / "server.pem").read_text(), leaf + self.site.pem("middle"))
        self.assertEqual((self.tls / "server.key").stat().st_mode & 0o777, 0o600)
        status, said = self.status()
        self.assertEqual((status, said["state"], said["names"], said["root"], said["certificates"]),
                         (0, "good", list(NAMES), "CN=The root", 2))
        self.assertIn(said["days"], (59, 60))
        self.assertNotIn("request", said)
        tool("openssl", "verify", "-CAfile", self.tls / "ca.pem", "-untrusted",
             self.tls / "server.pem", "-verify_hostname", NAMES[0], self.tls / "server.pem")

    def test_plain_files_become_the_one_before(self):
        """A person has put files there by hand, as `openssl` makes them."""
        tool("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj",
             "/CN=old.example", "-addext", "subjectAltName=DNS:old.example",
             "-keyout", self.tls / "server.key", "-out", self.tls / "server.pem")
        old = self.pair()
        # Without names those of the certificate are asked for.
        leaf = self.site.sign(self.ctl("cert", "request")[1])
        self.good(leaf + self.site.pem("middle") + self.site.pem("root"))
        new = self.pair()
        self.assertNotEqual(new, old)
        self.assertEqual(self.status()[1]["names"], ["old.example"])
        self.assertEqual(self.ctl("cert", "revert")[0], 0)
        self.assertEqual(self.pair(), old)
        self.assertEqual(self.ctl("cert", "revert")[0], 1)
        # A person puts files there again, over the links.
        for name in ("server.key", "server.pem"):
            text = (self.tls / name).read_bytes()
            (self.tls / name).unlink()
            (self.tls / name).write_bytes(text)
        leaf = self.site.sign(self.request("old.example"))
        self.good(leaf + self.site.pem("middle") + self.site.pem("root"))
        self.pair()
        self.assertEqual(self.ctl("cert", "revert")[0], 0)
        self.assertEqual(self.pair(), old)

    def test_renewed_for_the_same_key(self):
        request = self.request()
        chain = self.site.pem("middle") + self.site.pem("root")
        self.good(self.site.sign(request) + chain)
        first = self.pair()
        # The root is known by now.
        self.good(self.site.sign(request) + self.site.pem("middle"))
        self.assertNotEqual(self.pair(), first)
        self.assertEqual(self.ctl("cert", "revert")[0], 0)
        self.assertEqual(self.pair(), first)

    def test_only_two_are_kept(self):
        chain = self.site.pem("middle") + self.site.pem("root")
        for _ in range(4):
            self.good(self.site.sign(self.request()) + chain)
        self.assertEqual(len(list((self.tls / "issues").iterdir())), 2)

    def test_refused(self):
        request = self.request()
        pem, sign = self.site.pem, self.site.sign
        above = pem("middle") + pem("root")
        good = sign(request)
        altered = good.splitlines()
        altered[-4] = altered[-4][:20] + ("A" if altered[-4][20] != "A" else "B") + altered[-4][21:]
        for expected, chain in (
                ("no certificate in PEM form", ""),
                ("no certificate in PEM form", "nonsense\n"),
                ("no certificate in PEM form", good[:200]),
                ("for the key of this host", above),
                ('chain is not complete: the certificate of "CN=The middle"', good + pem("root")),
                ('chain is not complete: the certificate of "CN=The root"', good + pem("middle")),
                ('chain is not complete', good + pem("middle") + pem("other")),
                ("chain has at most 8", (good + above) * 3),
                ("ended at 20", sign(request, days='activation_date = "2020-01-01 00:00:00"\n'
                                     'expiration_date = "2021-01-01 00:00:00"') + above),
                ("begins only at 20", sign(request, days='activation_date = "2040-01-01 00:00:00"\n'
                                           'expiration_date = "2041-01-01 00:00:00"') + above),
                ("not one for TLS servers", sign(request, template="tls_www_client\nsigning_key\n"
                                                 'dns_name = "browser.example"\n'
                                                 'ip_address = "192.0.2.7"\n') + above),
                ("key usage digitalSignature", self.site.sign_for_agreement(request) + above),
                ('not for the name "192.0.2.7"', sign(
                    request, template='tls_www_server\nsigning_key\ndns_name = "browser.example"\n')
                 + above),
                # An authority that is none.
                ("viewers would not take this chain|not complete",
                 sign(request, signer="leaf") + pem("leaf") + pem("root")),
                ("viewers would not take|no certificate in PEM", "\n".join(altered) + "\n" + above)):
            with self.subTest(expected=expected):
                self.bad(expected, chain)
        self.bad("signed by itself", tool(
            "openssl", "req", "-x509", "-key", self.tls / "issues/next/key", "-days", "9", "-subj",
            "/CN=b", "-addext", "subjectAltName=DNS:browser.example,IP:192.0.2.7",
            "-addext", "keyUsage=digitalSignature", "-addext", "extendedKeyUsage=serverAuth"))
        self.assertIn("longer than 262144", self.ctl("cert", "install", "-", stdin="x" * (256 * 1024 + 1))[2])
        fewer = sign(request, template='tls_www_server\nsigning_key\ndns_name = "b.example"\n') + above
        self.bad("not for the name", fewer)
        self.good(fewer, "--fewer-names")

    def test_two_folders(self):
        (self.folder / "conf").write_text('certificate = "/etc/a/x.pem"\nprivate-key = "/etc/b/x.key"\n')
        status, _, err = self.ctl("cert", "status")
        self.assertEqual(status, 1)
        self.assertIn("in one folder", err)

    def test_key_is_never_said(self):
        """Not by any of the commands."""
        said = self.request()
        self.good(self.site.sign(said) + self.site.pem("middle") + self.site.pem("root"))
        said += "".join(self.ctl("cert", *words, stdin=text)[1]
                        for words, text in ((("status",), ""), (("status", "--json"), ""),
                                            (("install", "-"), "x"), (("revert",), "")))
        self.assertNotIn("PRIVATE", said)
        secret = re.sub(r"-----.*", "", (self.tls / "server.key").read_text()).split()[1]
        self.assertNotIn(secret, said)


if __name__ == "__main__":
    unittest.main()
