# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of cells that run are replaced by `lazaretctl reload`, whatever died in between."""

import lib_net
from lib_proc import run, wait_until
from lib_system import SystemTest


class Rules(SystemTest):
    seconds = 150
    users = ("alice",)
    # The name is there on every machine, and no peer may be at its address.
    text = ('path "mail" { enabled = yes hosts = {"localhost", "%s"} }\nname-refresh = 1\n'
            % lib_net.OTHER_WEB)

    def configure(self, text):
        """Writes the part of the configuration that is this test's own."""
        own = self.system.state / "own.conf"
        kept = [line for line in own.read_text(encoding="utf-8").splitlines()
                if not line.endswith("# of this test")]
        own.write_text("\n".join(kept + [text + " # of this test"] * bool(text)) + "\n",
                       encoding="utf-8")

    def reload(self, text):
        self.configure(text)
        self.system.ctl("reload")

    def inside(self):
        """The rules in the cell's own namespace."""
        return run("nsenter", "--net=/proc/%d/ns/net" % self.system.cell_processes()[0].pid,
                   "nft", "list", "chain", "inet", "lazaret", "output")

    def outside(self):
        return run("nft", "list", "chain", "inet", "lazaret", "from-cell",
                   netns=self.network.system)

    def assert_rules(self, wanted):
        for where, rules in (("inside", self.inside()), ("outside", self.outside())):
            self.assertIn(wanted, rules, where)

    def check(self, status=0):
        said = run("sh", "-c", '"$@"; echo "status $?"', "-", self.system.state / "lazaretctl",
                   "firewall", "check", self.system.state / "lazaret.conf",
                   self.system.state / "own.conf", netns=self.network.system)
        self.assertIn("status %d" % status, said)
        return said

    def test_reload(self):
        client = self.login("alice")
        self.wait_web(client, "loaded", 60, page="/colour")
        self.assert_rules("@mail4 tcp dport { 25, 110, 143, 993, 995 } accept")
        self.assert_rules("tcp dport { 80, 443 } accept")
        wait_until(lambda: "localhost resolves to 127.0.0.1, which is loopback: left out"
                   in self.system.log_text(), 30, "the resolver was asked and heard")
        proxy = 'proxy = "%s:%%d"' % lib_net.WEB
        self.reload(proxy % 3128)
        self.assert_rules("@web4 tcp dport 3128 accept")
        # The cells' rules are as the contract has them, with a cell that runs and without the
        # zones that the host's own filter would need.
        said = self.check()
        self.assertIn("table inet lazaret, the cells':\n  as the contract has it", said)
        run("nft", "add", "rule", "inet", "lazaret", "from-cell", "tcp", "dport", "25", "accept",
            netns=self.network.system)
        said = self.check(status=1)
        self.assertIn("+ chain from-cell: tcp dport 25 accept", said)
        # What cannot be is refused with its line, and nothing changes.
        self.configure('proxy = "nobody"')
        said = run(self.system.state / "lazaretctl", "reload", check=False)
        self.assertRegex(said, r'own\.conf:\d+: "proxy" needs host:port, not "nobody"')
        self.assert_rules("@web4 tcp dport 3128 accept")
        # netd is killed: the next one gets the cell's namespace back.
        netd, = self.system.processes("lazaret-netd")
        mark = self.system.log_mark()
        netd.kill()
        wait_until(lambda: "network.ready" in self.system.log_text()[mark:], 30, "another netd")
        self.reload(proxy % 3129)
        wait_until(lambda: "3129" in self.inside(), 10, "the rules inside are replaced")
        self.assert_rules("@web4 tcp dport 3129 accept")
        # The monitor is killed: the next one hears of it from the session.
        monitor, = self.system.processes("lazaretd")
        mark = self.system.log_mark()
        monitor.kill()
        wait_until(lambda: "session.adopted" in self.system.log_text()[mark:]
                   and "network.ready" in self.system.log_text()[mark:], 60, "another monitor")
        self.reload("")
        wait_until(lambda: "{ 80, 443 } accept" in self.inside(), 10,
                   "the rules inside are replaced")
        self.assert_rules("tcp dport { 80, 443 } accept")
        self.assertEqual(len(self.system.cell_processes()) > 0, True)
