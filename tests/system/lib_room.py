# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine as far as mounts and networks go: namespaces with an /etc of their own, so that accounts can
be made and files broken while the real machine stays as it is."""

import os
import pathlib
import subprocess
import tempfile

from lib_proc import Process, scaled, wait_until


class Room:
    """`path` is a folder of root's alone, and $W in scripts. `close()` removes everything."""

    def __init__(self, prefix):
        # Every folder above has to be root's alone, as that of an installed system is.
        self.folder = tempfile.TemporaryDirectory(prefix="lzt-%s-" % prefix, dir="/var/lib")
        self.path = self.folder.name
        os.chmod(self.path, 0o755)
        self.holder = Process("unshare", "--mount", "--net", "--propagation", "private", "sleep",
                              "infinity")
        wait_until(lambda: self.holder.running() and os.readlink(
            "/proc/%d/ns/net" % self.holder.popen.pid) != os.readlink("/proc/self/ns/net"), 10,
            "the namespaces are there")
        # Files of other tests may come and go meanwhile, and be locked. In memory: two thousand files can take
        # seconds elsewhere.
        self.sh("mkdir $W/etc.copy $W/vlog; mount -t tmpfs -o mode=755 none $W/etc.copy; "
                "cp -a /etc/. $W/etc.copy 2> /dev/null || true; rm -f $W/etc.copy/*.lock $W/etc.copy/.pwd.lock; "
                "mount --move $W/etc.copy /etc; "
                "mount --bind $W/vlog /var/log; mount -t tmpfs none /root; ip link set lo up")

    def close(self):
        self.holder.stop()
        # What was mounted went with the namespace.
        self.folder.cleanup()

    @property
    def enter(self):
        return ["nsenter", "-t", str(self.holder.popen.pid), "-m", "-n"]

    def run(self, script, input=None, env=None):
        """(status, output with errors) of a shell's script in the room."""
        done = subprocess.run(
            self.enter + ["sh", "-ec", script], input=input or "", stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            env=dict({"PATH": self.path + "/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                      "DEBIAN_FRONTEND": "noninteractive", "W": self.path}, **(env or {})),
            timeout=scaled(120), check=False)
        return done.returncode, done.stdout

    def sh(self, script, check=True, input=None, env=None):
        status, out = self.run(script, input, env)
        if check and status:
            raise AssertionError("%s\n%s" % (script, out))
        return out

    def write(self, path, text, mode=0o644):
        path = pathlib.Path(self.path) / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    def read(self, path):
        return (pathlib.Path(self.path) / path).read_text(encoding="utf-8", errors="replace")
