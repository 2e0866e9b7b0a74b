#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the file lock costs: OpenSSH's sftp through it, and through a plain sshd with internal-sftp on a
bare folder of the same disk, by turns in one run.

usage: bench/lock.py [--runs N] [--mib N] [--files N] [--distinct N] [--sync] [--output FILE.json]

Checks are as in the tests (any type, no scanner); verdicts of what is sent again are cached: with --distinct 100
the small files have a hundred contents, and all but the first of each are known. Prints the
medians, and what the lock reaches of the plain server's throughput.
"""

import argparse
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import statistics
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/system"))
os.environ.setdefault("BUILD", str(TOP / "build/check"))

from lib_proc import in_netns, run, wait_until  # noqa: E402
from lib_sftp import SftpTest  # noqa: E402

PLAIN_PORT = 2022
STAMP = "!date +%s.%N\n"


class Bench(SftpTest):
    @classmethod
    def start_plain(cls):
        cls.bare = cls.transfer().parent.parent / "home/bare"
        cls.bare.mkdir()
        account = pwd.getpwnam(cls.system.name("alice"))
        os.chown(cls.bare, account.pw_uid, account.pw_gid)
        cls.key = cls.files / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", cls.key)
        keys = cls.ssh_folder / "keys" / account.pw_name
        shutil.copy(str(cls.key) + ".pub", keys)
        config = cls.files / "sshd_config"
        ours = (cls.runtime() / "ssh-files/sshd_config").read_text(encoding="utf-8")
        kept = [line for line in ours.splitlines() if line.split(" ")[0] in (
            "Ciphers", "MACs", "KexAlgorithms", "HostKey", "AuthorizedKeysFile", "Compression",
            "RekeyLimit", "UseDNS")]
        config.write_text("\n".join(kept + [
            "Port %d" % PLAIN_PORT, "UsePAM no", "PidFile none", "StrictModes no",
            "Subsystem sftp internal-sftp", "ForceCommand internal-sftp -d %s" % cls.bare]) + "\n",
            encoding="utf-8")
        cls.log = open(cls.files / "plain.log", "wb")
        cls.plain = subprocess.Popen(
            in_netns(cls.network.system) + ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)],
            stdout=cls.log, stderr=cls.log, stdin=subprocess.DEVNULL)
        wait_until(lambda: cls.listens(PLAIN_PORT), 20, "the plain server listens")

    @classmethod
    def timed(cls, port, commands):
        """Seconds of the commands alone: without the login."""
        text = "".join((SNAPSHOT % "before", STAMP, commands, STAMP, SNAPSHOT % "after"))
        done = subprocess.run(
            in_netns(cls.network.workstations[0])
            + ["sftp", "-q", "-o", "Port=%d" % port, *cls.ssh_options(cls.key), "-b", "-", cls.where("alice")],
            input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cls.files,
            env=cls.environment("alice"), check=False)
        if done.returncode != 0:
            raise SystemExit("sftp failed: %s %s\n%s" % (done.stdout, done.stderr, cls.system.log_text()[-3000:]))
        stamps = [float(line) for line in done.stdout.splitlines()
                  if line.replace(".", "").isdigit()]
        return stamps[-1] - stamps[0]

    @classmethod
    def memory(cls):
        """KiB that lockd holds, and holds of its own: proportional, and private."""
        text = pathlib.Path("/proc/%d/smaps_rollup" % cls.lockd()).read_text(encoding="ascii")
        values = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
        return {"Pss": values["Pss:"], "private": values["Private_Dirty:"] + values["Private_Clean:"]}

    @classmethod
    def memory_of_connections(cls, n):
        """KiB of one more connection: all of sshd's and of the lock's processes for it, proportional."""

        def total():
            # What a login has needed for itself is gone by then.
            time.sleep(3)
            kib = 0
            found = stats("".join(path.read_text(encoding="utf-8", errors="replace")
                                  for path in pathlib.Path("/proc").glob("[0-9]*/stat")))
            for pid in below(found, cls.system.demo.popen.pid):
                try:
                    name = os.path.basename(os.readlink("/proc/%d/exe" % pid))
                    text = pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text(encoding="ascii")
                except OSError:
                    continue
                if name.startswith(("sshd", "lazaret-")):
                    kib += int(text.partition("\nPss:")[2].split()[0])
            return kib

        test = cls()
        with contextlib.ExitStack() as stack:
            stack.enter_context(test.session())("ls")
            before = total()
            for _ in range(n):
                stack.enter_context(test.session())("ls")
            return (total() - before) // n


# What sftp writes down while the connection is there.
SNAPSHOT = "!cat /proc/[0-9]*/stat 2>/dev/null >%s; true\n"


def stats(text):
    """{pid: fields behind the name}; a name may have anything in it but the end of a line."""
    return {int(line.split(" ")[0]): line[line.rindex(")") + 2:].split()
            for line in text.splitlines() if ")" in line}


def below(found, root):
    """The processes among them that the root has started, itself included."""

    def is_below(pid):
        while pid in found and pid != root:
            pid = int(found[pid][1])
        return pid == root

    return [pid for pid in found if is_below(pid)]


def cpu(path, root):
    """Seconds of processor time of a server: of its processes that run, and, by their parents, of those
    that have ended. What the kernel does for nobody in particular (writing back) is not in it."""
    found = stats(path.read_text(encoding="utf-8", errors="replace"))
    return sum(sum(int(v) for v in found[pid][11:15]) for pid in below(found, root)) \
        / os.sysconf("SC_CLK_TCK")


def measure(options):
    content = os.urandom(1 << 20)
    path = Bench.files / "large"
    with open(path, "wb") as file:
        for number in range(options.mib):
            file.write(number.to_bytes(8, "little") + content[8:])
    (Bench.files / "small").mkdir()
    for number in range(options.files):
        (Bench.files / "small" / ("%d.txt" % number)).write_bytes(
            b"number %d\n" % (number % (options.distinct or options.files)) * 400)
    tasks = (("put 1 large", "put large\n"), ("get 1 large", "get large back\n"),
             ("put small", "put -r small\n"), ("get small", "get -r small small-back\n"))
    results = {name: {"lock": [], "plain": []} for name, _ in tasks}
    busy = {name: {"lock": [], "plain": []} for name, _ in tasks}
    memory = {"start": Bench.memory()}
    for number in range(options.runs):
        for name, commands in tasks:
            for server, port in (("plain", PLAIN_PORT), ("lock", 22)):
                root = {"plain": Bench.plain.pid, "lock": Bench.system.demo.popen.pid}[server]
                results[name][server].append(Bench.timed(port, commands))
                busy[name][server].append(cpu(Bench.files / "after", root)
                                          - cpu(Bench.files / "before", root))
                shutil.rmtree(Bench.files / "small-back", ignore_errors=True)
        print("run %d: %s" % (number + 1, {n: {s: round(v[-1], 2) for s, v in r.items()}
                                           for n, r in results.items()}), flush=True)
        memory["run %d" % (number + 1)] = Bench.memory()
    return results, busy, memory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--distinct", type=int)
    parser.add_argument("--sync", action="store_true")
    parser.add_argument("--output")
    options = parser.parse_args()
    # Of each server what is there, and what is on its way.
    Bench.home = options.mib * 4 + 1024
    Bench.sftp_options = {"sftp-sync": options.sync}
    Bench.setUpClass()
    try:
        test = Bench()
        test.good(test.sftp("ls\n"))
        Bench.start_plain()
        results, busy, memory = measure(options)
        memory["a further connection"] = Bench.memory_of_connections(4)
    finally:
        if hasattr(Bench, "plain"):
            Bench.plain.kill()
            Bench.plain.wait()
        Bench.tearDownClass()
    for name, by in results.items():
        lock, plain = statistics.median(by["lock"]), statistics.median(by["plain"])
        print("%-12s lock %7.2f s  plain %7.2f s  the lock reaches %3.0f %%; processor time of the "
              "servers %.2f s and %.2f s" % (
                  name, lock, plain, 100 * plain / lock, statistics.median(busy[name]["lock"]),
                  statistics.median(busy[name]["plain"])))
    print("memory in KiB, of lockd if nothing else is said: %s" % memory)
    if options.output:
        pathlib.Path(options.output).write_text(json.dumps(
            {"options": vars(options), "seconds": results, "processor": busy, "memory": memory}, indent=1) + "\n",
            encoding="utf-8")


if __name__ == "__main__":
    main()
