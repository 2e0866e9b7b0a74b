# SPDX-License-Identifier: GPL-3.0-or-later
"""Other versions of Lazaret, installed under a running one as the package manager does it."""

import os
import pathlib
import re
import threading

from lib_proc import TOP
from lib_tight import TightClient

VERSION = re.search(r"version: '([\d.]+)'", (TOP / "meson.build").read_text("utf-8")).group(1)
# As long as it is: the text is replaced in the programs.
NEXT = VERSION[:-1] + str((int(VERSION[-1]) + 1) % 10)
MARK = b"lazaret program, version "


class Versions:
    """The programs of a system under test, as they were built, and made another version."""

    def __init__(self, system):
        self.folder = pathlib.Path(system.programs)
        self.files = [p for name in ("usr/sbin", "usr/bin", "usr/libexec/lazaret")
                      for p in sorted((self.folder / name).iterdir())
                      if p.is_file() and not p.is_symlink()]
        self.built = {p: p.read_bytes() for p in self.files}

    def content(self, path, version):
        return self.built[path].replace(VERSION.encode(), version.encode())

    def install(self, version, only=None):
        """Renames new files over the old ones. `only`: names of some of them."""
        fresh = []
        for path in self.files:
            if only is None or path.name in only:
                self.put(path.with_name(path.name + ".dpkg-new"), self.content(path, version))
                fresh.append(path)
        for path in fresh:
            path.with_name(path.name + ".dpkg-new").rename(path)

    def replace(self, name, content):
        """One program by something else; None: it is missing."""
        path = next(p for p in self.files if p.name == name)
        if content is None:
            path.unlink()
            return
        self.put(path.with_name(name + ".dpkg-new"), content)
        path.with_name(name + ".dpkg-new").rename(path)

    @staticmethod
    def put(path, content):
        path.write_bytes(content)
        path.chmod(0o755)


def of_version(content, version):
    """Any program, so that it passes for one of ours."""
    return content + MARK + version.encode() + b"\n"


def is_replaced(process):
    """Whether it runs from a file that is not there any more."""
    return os.readlink("/proc/%d/exe" % process.pid).endswith(" (deleted)")


class Looker(TightClient):
    """A viewer that looks all the time, in a thread of its own, and knows when each frame came."""

    def start(self):
        self.over = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()
        return self

    def _look(self):
        try:
            self.pump(self.over.is_set)
        except Exception as error:  # what it was is told to the test
            self.failure = error

    def gap(self, since, until):
        """The longest time without a frame, in seconds, and how many there were."""
        times = [u.end for u in list(self.updates) if since <= u.end <= until]
        edges = [since, *times, until]
        return max(b - a for a, b in zip(edges, edges[1:])), len(times)

    def stop(self):
        self.over.set()
        self.thread.join(10)
        self.close()


__all__ = ["VERSION", "NEXT", "Versions", "Looker", "of_version", "is_replaced"]
