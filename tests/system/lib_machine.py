# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of its own for a test: every file that this one has, under an overlay in memory. What is installed,
removed or written there is there only, and gone at the end. dpkg's records begin empty: so they are the same
wherever the test runs, and read in no time."""

import itertools
import os
import pathlib
import shutil
import signal

from lib_proc import BUILD, Process, run

_count = itertools.count()

# It becomes the root of a mount namespace, not of a chroot: browsers and cells make namespaces.
SCRIPT = """
set -e
mount --make-rprivate /
mount -t tmpfs -o size=%(size)s,mode=755 machine %(folder)s
mkdir %(folder)s/upper %(folder)s/work %(folder)s/root
mount -t overlay -o lowerdir=%(lower)s,upperdir=%(folder)s/upper,workdir=%(folder)s/work overlay %(folder)s/root
cd %(folder)s/root
mount --rbind /proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=755 run run
mkdir -p run/sshd run/lock run/outside
%(own)spivot_root . run/outside
cd /
umount -l /run/outside
rmdir /run/outside
echo READY
exec sleep infinity
"""

# Of the machine that the test runs on.
OWN = """
# What tests go on changing is no lower part of an overlay.
mount --bind %(build)s .%(build)s
# Accounts change outside meanwhile, and are locked when they do.
mount -t tmpfs -o mode=755 etc etc
cp -a /etc/. etc 2>/dev/null || test -s etc/passwd -a -s etc/group -a -s etc/shadow
rm -f etc/*.lock etc/*+ etc/.pwd.lock
mount -t tmpfs -o mode=755 dpkg var/lib/dpkg
mkdir var/lib/dpkg/info var/lib/dpkg/updates var/lib/dpkg/triggers
touch var/lib/dpkg/status var/lib/dpkg/available
echo 1 > var/lib/dpkg/info/format
"""


class Machine:
    """In a network namespace. close() ends what runs in its folder tree, and removes it. `root`: the folder of
    another system, which it is instead of this one, as it is there."""

    def __init__(self, netns, size="1g", root=None):
        self.netns = netns
        self.folder = BUILD / "system" / ("machine-%d-%d" % (os.getpid(), next(_count)))
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.processes = []
        self.holder = Process("unshare", "--mount", "sh", "-c",
                              SCRIPT % {"folder": self.folder, "size": size, "lower": root or "/",
                                        "own": "" if root else OWN % {"build": BUILD}}, netns=netns)
        self.holder.wait_line("READY", 30)
        self.enter = ["nsenter", "--target", str(self.holder.pid), "--mount", "--"]

    def run(self, *command, check=True, input=None, env=None, seconds=120):
        return run(*self.enter, *command, netns=self.netns, check=check, input=input,
                   env=dict(os.environ, LC_ALL="C.UTF-8", **(env or {})), seconds=seconds)

    def start(self, *command, env=None):
        process = Process(*self.enter, *command, netns=self.netns, env=env, death=signal.SIGTERM)
        self.processes.append(process)
        return process

    def path(self, path):
        """The same file as it is seen from outside."""
        return pathlib.Path("/proc/%d/root%s" % (self.holder.pid, path))

    def write(self, path, text, mode=0o644):
        place = self.path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, str):
            text = text.encode()
        place.write_bytes(text)
        place.chmod(mode)

    def read(self, path):
        return self.path(path).read_text(encoding="utf-8")

    def version(self, package):
        """What is wholly installed, or None."""
        out = self.run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Version}", package,
                       check=False)
        return out[3:].strip() if out.startswith("ii ") else None

    def close(self):
        for process in reversed(self.processes):
            process.stop()
        self.holder.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
