#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lazaret beside its peers: the same Chromium, pages, scenes and measuring client, in alternation.

usage: bench/side_by_side.py [--runs N] [--seconds S] [--scenes A,B] [--peers A,B] [--results FILE]
                             [--no-extras] [--from FILE] [--write-docs]

For development: --runs 1 --seconds 2. Results go to bench/results/ as JSON with a description of the
machine; a table with ratios first is printed. Needs root. BUILD: the tree that is measured."""

import argparse
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback

import peers
from bounds import print_bounds
from document import write_docs
from film import make
from measure import Client
from peers import BUILD, PEERS, TOP
from scenes import SCENES, SCROLLS, TRUTHS, Stage
from tables import print_tables
from website import Site

import lib_net
from lib_net import Network
from lib_web import NameServer

RESULTS = TOP / "bench/results"
SECONDS = 4


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.uname().machine


def describe(names):
    memory = pathlib.Path("/proc/meminfo").read_text(encoding="ascii").split()[1]
    return {"cpu": cpu_model(), "cores": os.cpu_count(), "memory_mib": int(memory) // 1024,
            "kernel": os.uname().release, "size": [peers.WIDTH, peers.HEIGHT],
            "browser": peers.version("chromium", "--version"),
            "peers": {name: PEERS[name].version() for name in names},
            "load_at_start": os.getloadavg()[0],
            "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def leave(stage):
    """While others are measured this browser shall have nothing to do."""
    with contextlib.suppress(AssertionError):
        stage.site.go(stage.peer.name, peers.START_PAGE, 15)


def perform(scene, peer, seconds, record=None):
    with Client(peer, scene.settings) as client:
        stage = Stage(peer, client, seconds)
        stage.record = record
        try:
            figures = scene.run(stage)
        except (AssertionError, OSError, ValueError):
            leave(stage)
            raise
        leave(stage)
        return figures


class Bench:
    def __init__(self, names, seconds):
        self.seconds = seconds
        self.stack = contextlib.ExitStack()
        self.peers = []
        self.records = []
        self.names = names

    def __enter__(self):
        try:
            (BUILD / "bench-results").mkdir(exist_ok=True)
            folder = BUILD / "bench-made"
            make(folder)
            network = Network(1)
            self.stack.callback(network.close)
            self.stack.callback(NameServer(network.internet, lib_net.NAME_SERVER).close)
            site = Site(network.internet, lib_net.WEB, folder)
            self.stack.callback(site.close)
            for name in self.names:
                peer = PEERS[name](network, site)
                self.stack.callback(peer.stop)
                peer.start()
                self.peers.append(peer)
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *_):
        self.stack.close()

    def record_truths(self, scenes):
        """What lossy coding is compared with."""
        truths = {}
        for kind in TRUTHS:
            if any(name.startswith(kind.replace("film", "quality")) for name in scenes):
                truths[kind] = perform(TRUTHS[kind], self.peers[0], self.seconds)
                print("%s: %s" % (kind, truths[kind]), file=sys.stderr, flush=True)
        return truths

    def floors(self, scenes):
        """Our bytes beside the least that a coder of this kind needs for the same frames: each
        scroll is recorded as the client has it, and replayed."""
        replay, floors = BUILD / "bench/bench-replay", {}
        if self.peers[0].name != "lazaret" or not replay.exists():
            return floors
        for name in SCROLLS:
            if name not in scenes:
                continue
            path = BUILD / "bench-results" / (name + ".lzfr")
            figures = perform(SCENES[name], self.peers[0], self.seconds, path)
            done = subprocess.run([replay, "--json", "--floor", "--compress", "2", path],
                                  stdout=subprocess.PIPE, check=True)
            floor = json.loads(done.stdout)
            floors[name] = {"bytes": figures["bytes"], "frames": figures["frames"],
                            "floor_bytes": floor["floor_bytes"], "replay": floor,
                            "ratio": figures["bytes"] / floor["floor_bytes"]}
            print("%s: %.2f of the floor (replayed %.2f)" % (
                name, floors[name]["ratio"], floor["of_floor"]), file=sys.stderr, flush=True)
        return floors

    def run(self, name, number):
        if SCENES[name].runs and number >= SCENES[name].runs:
            return
        for peer in self.peers:
            if SCENES[name].peers and peer.name not in SCENES[name].peers:
                continue
            if peer.runs and number >= peer.runs:
                continue
            record = {"scene": name, "peer": peer.name, "run": number}
            try:
                record.update(perform(SCENES[name], peer, self.seconds))
                print("%-16s %-8s run %d: %9d bytes, %4d frames, %5.1f fps, %6.0f ms CPU" % (
                    name, peer.name, number, record["bytes"], record["frames"], record["fps"],
                    record["cpu_ms"]), file=sys.stderr, flush=True)
            except (AssertionError, OSError, ValueError) as error:
                record["problem"] = str(error)
                traceback.print_exc()
            self.records.append(record)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each scene")
    parser.add_argument("--scenes", default=",".join(SCENES))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--no-extras", action="store_true",
                        help="without the floor, the exactness of frames, the browser's own time")
    parser.add_argument("--from", dest="former", type=pathlib.Path, nargs="+",
                        help="results that are there, of scenes that were run apart: nothing is measured")
    parser.add_argument("--write-docs", action="store_true",
                        help="put the figures into docs/performance.md")
    chosen = parser.parse_args()
    chosen.scenes, chosen.peers = chosen.scenes.split(","), chosen.peers.split(",")
    for kind, names, known in (("scene", chosen.scenes, SCENES), ("peer", chosen.peers, PEERS)):
        for name in names:
            if name not in known:
                parser.error('there is no %s "%s", only %s' % (kind, name, ", ".join(known)))
    return chosen


def rounded(value):
    """Without digits that no clock here has."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list) else value


def write(path, result):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded(result), separators=(",", ":")).replace('{"scene"', '\n{"scene"')
                    + "\n", encoding="utf-8")


def exact_part(seconds):
    """bench/exact.py, with the display that has the hooks. Empty if that was not built."""
    tree = TOP / "build/bench-hooks"
    if not (tree / "bench/bench-client").exists():
        return {}
    done = subprocess.run([TOP / "bench/exact.py", str(seconds)], stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, env=dict(os.environ, BUILD=str(tree)),
                          check=False)
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return json.loads(lines[-1]) if done.returncode == 0 and lines else {}


def show(result, path, docs):
    """The tables; whether all is as it has to be."""
    print_tables(result, sys.stdout)
    met = print_bounds(result, sys.stdout)
    print("results: %s" % path)
    if docs:
        write_docs(result)
    return met and not any("problem" in r for r in result["records"])


def measure_all(chosen, path):
    result = {"machine": describe(chosen.peers), "runs": chosen.runs, "seconds": chosen.seconds,
              "started": time.time()}
    if "lazaret" in chosen.peers and not chosen.no_extras:
        result.update(exact_part(min(chosen.seconds, 3)))
    with Bench(chosen.peers, chosen.seconds) as bench:
        result["records"] = bench.records
        if not chosen.no_extras:
            result["floor"] = bench.floors(chosen.scenes)
        result["truths"] = bench.record_truths(chosen.scenes)
        for scene in chosen.scenes:
            for number in range(chosen.runs):
                bench.run(scene, number)
            write(path, result)
    result["took_seconds"] = round(time.time() - result.pop("started"))
    write(path, result)
    return result


def join(paths):
    """Results of several calls as one; a scene is taken from the first that has it."""
    result = json.loads(paths[0].read_text(encoding="utf-8"))
    for path in paths[1:]:
        more = json.loads(path.read_text(encoding="utf-8"))
        known = {r["scene"] for r in result["records"]}
        result["records"] += [r for r in more["records"] if r["scene"] not in known]
        for key in ("exact", "floor", "key_overhead", "truths"):
            result[key] = {**more.get(key, {}), **result.get(key, {})}
    return result


def main():
    chosen = arguments()
    if chosen.former:
        path, result = chosen.former[0], join(chosen.former)
    else:
        path = chosen.results or RESULTS / time.strftime("%Y%m%d-%H%M%S.json")
        result = measure_all(chosen, path)
    return 0 if show(result, path, chosen.write_docs) else 1


if __name__ == "__main__":
    if os.geteuid() != 0 and "--from" not in sys.argv:
        sys.exit("bench/side_by_side.py: needs root, for network namespaces")
    # What other accounts run does not end with us by itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except subprocess.SubprocessError as error:
        sys.exit(str(error))
