# SPDX-License-Identifier: GPL-3.0-or-later
"""The measuring client (bench/client) as Python sees it, and what /proc tells of the servers."""

import contextlib
import json
import pathlib
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tests/system"))

from lib_proc import BUILD, Process  # noqa: E402

CONNECT_SECONDS = 60


class Client:
    """bench-client, connected to a peer. `settings` are its options but address and login."""

    def __init__(self, peer, settings):
        self.process = Process(BUILD / "bench/bench-client", *settings, *peer.client_arguments(),
                               netns=peer.network.workstations[0])
        try:
            self.process.wait_line('"event":"connected"', CONNECT_SECONDS)
        except AssertionError:
            self.process.stop()
            raise

    def ask(self, *words, seconds=60):
        """Runs a command to its end; the answer."""
        mark = self.process.mark()
        self.process.send(" ".join('"%s"' % w if " " in str(w) else str(w) for w in words))
        answer = json.loads(self.process.wait_line('{"answer":"%s"' % words[0], seconds, mark))
        if "error" in answer:
            raise AssertionError("bench-client: %s: %s" % (words[0], answer["error"]))
        return answer

    def events(self, event, since=0):
        with self.process.changed:
            lines = self.process.lines[since:]
        return [json.loads(line) for line in lines if line.startswith('{"event":"%s"' % event)]

    def still(self, ms, seconds=60):
        self.ask("still", ms, 1000 * seconds, seconds=seconds + 5)

    def close(self):
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _tasks(pid):
    return list(pathlib.Path("/proc/%d/task" % pid).iterdir())


def cpu_ns(pids):
    """Time on a processor of all threads that live, in nanoseconds."""
    total = 0
    for pid in pids:
        for task in _tasks(pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total


def wake_ups(pids):
    """How often a thread went to sleep by itself, and so was woken."""
    total = 0
    for pid in pids:
        for task in _tasks(pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                text = (task / "status").read_text(encoding="ascii", errors="replace")
                total += int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return total


def pss_bytes(pids):
    """Memory, with what is shared divided among who shares it."""
    total = 0
    for pid in pids:
        text = pathlib.Path("/proc/%d/smaps_rollup" % pid).read_text(encoding="ascii")
        total += 1024 * int(text.partition("\nPss:")[2].split()[0])
    return total


class Meter:
    """What processes used between start() and stop()."""

    def __init__(self, pids):
        self.pids = pids
        self.before = None

    def start(self):
        self.before = (time.monotonic(), cpu_ns(self.pids), wake_ups(self.pids))

    def stop(self):
        before, now = self.before, (time.monotonic(), cpu_ns(self.pids), wake_ups(self.pids))
        return {"metered_seconds": now[0] - before[0], "cpu_ms": (now[1] - before[1]) / 1e6,
                "wake_ups": now[2] - before[2], "pss": pss_bytes(self.pids)}
