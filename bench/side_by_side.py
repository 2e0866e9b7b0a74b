#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lazaret beside its peers: the same Chromium, pages, scenes and measuring client, in alternation.

usage: bench/side_by_side.py [--runs N] [--seconds S] [--scenes A,B] [--peers A,B] [--results FILE]

For development: --runs 1 --seconds 2. Results go to bench/results/ as JSON with a description of the
machine; a table with ratios first is printed. Needs root. BUILD: the tree that is measured."""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import traceback

import peers
from film import make
from measure import Client
from peers import BUILD, PEERS, TOP
from scenes import SCENES, Stage
from tables import print_tables
from website import Site

import lib_net
from lib_net import Network
from lib_web import NameServer

RESULTS = TOP / "bench/results"
SECONDS = 5


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


def perform(scene, peer, seconds):
    with Client(peer, scene.settings) as client:
        stage = Stage(peer, client, seconds)
        try:
            return scene.run(stage)
        finally:
            # The browsers of the others shall have nothing to do.
            with contextlib.suppress(AssertionError):
                stage.site.go(peer.name, peers.START_PAGE)


class Bench:
    def __init__(self, names, seconds):
        self.seconds = seconds
        self.stack = contextlib.ExitStack()
        self.peers = []
        self.records = []
        self.names = names

    def __enter__(self):
        try:
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

    def run(self, name, number):
        for peer in self.peers:
            if SCENES[name].peers and peer.name not in SCENES[name].peers:
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
    chosen = parser.parse_args()
    chosen.scenes, chosen.peers = chosen.scenes.split(","), chosen.peers.split(",")
    for kind, names, known in (("scene", chosen.scenes, SCENES), ("peer", chosen.peers, PEERS)):
        for name in names:
            if name not in known:
                parser.error('there is no %s "%s", only %s' % (kind, name, ", ".join(known)))
    return chosen


def write(path, result):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, separators=(",", ":")).replace('{"scene"', '\n{"scene"')
                    + "\n", encoding="utf-8")


def main():
    chosen = arguments()
    result = {"machine": describe(chosen.peers), "runs": chosen.runs, "seconds": chosen.seconds,
              "started": time.time()}
    with Bench(chosen.peers, chosen.seconds) as bench:
        for scene in chosen.scenes:
            for number in range(chosen.runs):
                bench.run(scene, number)
        result["records"] = bench.records
    result["took_seconds"] = round(time.time() - result.pop("started"))
    path = chosen.results or RESULTS / time.strftime("%Y%m%d-%H%M%S.json")
    write(path, result)
    print_tables(result, sys.stdout)
    print("results: %s" % path)
    return 1 if any("problem" in r for r in bench.records) else 0


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("bench/side_by_side.py: needs root, for network namespaces")
    try:
        sys.exit(main())
    except subprocess.SubprocessError as error:
        sys.exit(str(error))
