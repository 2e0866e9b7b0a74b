# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a browser that runs are replaced, as the package manager does it: what the user has
open, and what he opens then, goes on with the version that his session began with.

The browser's folder is a copy, which only the system under test sees in the place of the real one."""

import os
import pathlib
import shutil

import lib_net
from lib_proc import BUILD, run, wait_until
from lib_system import CONTROL, SystemTest

F5 = 0xFFC2
PAPER = (0xE8, 0xF0, 0xFF)
RED = (0xC0, 0x30, 0x60)


def copy_of(folder):
    """Made of links: the files that are replaced in it are those of the copy only."""
    copy = BUILD / "system" / ("replaced-%d-%s" % (os.getpid(), pathlib.Path(folder).name))
    shutil.rmtree(copy, ignore_errors=True)
    copy.parent.mkdir(parents=True, exist_ok=True)
    run("cp", "--archive", "--link", folder, copy)
    return copy


def over(copy, folder):
    """A command that runs another one, for which the copy lies where the folder does."""
    return ("unshare", "--mount", "--propagation", "private", "sh", "-c",
            'mount --bind "$0" "$1" && shift && exec "$@"', str(copy), str(folder))


def replace(copy, content=b"of another version\n"):
    """Every file, in one go, as dpkg does it: written beside the old one and renamed over it."""
    replaced = []
    for path in sorted(copy.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        fresh = path.with_name(path.name + ".dpkg-new")
        fresh.write_bytes(content)
        fresh.chmod(path.stat().st_mode & 0o777)
        replaced.append((fresh, path))
    for fresh, path in replaced:
        fresh.rename(path)
    return len(replaced)


class Replaced(SystemTest):
    seconds = 240
    folder = None
    helpers = ()  # kinds of processes that the browser executes anew when they are gone
    renderers = ()
    browser = None
    users = ("alice",)
    url = "http://%s/input" % lib_net.WEB

    @classmethod
    def setUpClass(cls):
        cls.options = {"idle-limit": 0, "browser": cls.browser}
        cls.copy = copy_of(cls.folder)
        try:
            cls.wrap = over(cls.copy, cls.folder)
            super().setUpClass()
        except BaseException:
            shutil.rmtree(cls.copy, ignore_errors=True)
            raise
        cls.stack.callback(shutil.rmtree, cls.copy, ignore_errors=True)

    def of_kind(self, *kinds):
        return {p.pid: p for p in self.system.cell_processes("alice")
                if any(k in " ".join(p.command) for k in kinds)}

    def new_of_kind(self, before, *kinds):
        return wait_until(lambda: self.of_kind(*kinds).keys() - before.keys(), 30,
                          "a new process of %s" % (kinds,))

    def replace_under(self, alice):
        """A page in another tab, from another site, after everything was replaced."""
        alice.wait_colour(PAPER, 0.4)
        alice.click(200, 200)
        before = self.of_kind(*self.renderers)
        self.assertTrue(before)
        self.assertGreater(replace(self.copy), 10)
        mark = self.web.mark()
        alice.type("x")
        self.web.wait("input", 20, mark, value="x")
        alice.chord(CONTROL, ord("t"))
        alice.look(1)
        alice.type("http://%s/colour?c=c03060\n" % lib_net.OTHER_WEB)
        alice.wait_colour(RED, 0.4)
        self.new_of_kind(before, *self.renderers)
        for kind in self.helpers:
            old = self.of_kind(kind)
            self.assertTrue(old, kind)
            for process in old.values():
                process.kill()
            self.new_of_kind(old, kind)
        self.press_until(alice, F5, "request", path="/colour")
        alice.wait_colour(RED, 0.4)
        self.open(alice, "/input?after")


class Chromium(Replaced):
    folder = "/usr/lib/chromium"
    browser = "chromium"
    renderers = ("--type=renderer",)
    helpers = ("--type=gpu-process", "--type=utility")

    def test_replaced_while_it_runs(self):
        self.replace_under(self.login("alice"))


class Firefox(Replaced):
    folder = "/usr/lib/firefox-esr"
    browser = "firefox"
    renderers = ("-contentproc",)

    def test_replaced_while_it_runs(self):
        self.replace_under(self.login("alice"))
