#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether each frame that the client decodes is the compositor's, and how much later than the browser's
own commit a key is on the screen. Needs a display with -Dbench-hooks=true, whose log has the hash of
each picture; no other figure comes from such a build.

usage: bench/exact.py [SECONDS]     (root; BUILD: the tree with the hooks)

Prints one line of JSON: {"exact": {SCENE: {frames, partial, wrong}}, "key_overhead": {SCENE: …}}."""

import json
import re
import statistics
import sys
import time

from measure import Client
from scenes import SCENES, Stage, percentile
from side_by_side import Bench

EXACT = ("scroll-policy", "scroll-git", "scroll-reference", "sidebar", "pane", "drag")


def words_since(system, mark):
    """What the display has told, in order: [kind, value]."""
    words = []
    for text in re.findall(r'bench\.hooks words="([^"]*)"', system.log_text()[mark:]):
        words += [(w[0], w[1:]) for w in text.split()]
    return words


def perform(peer, name, seconds, hashes):
    """The scene's figures, the words of the display and the hashes of the client."""
    mark = peer.system.log_mark()
    with Client(peer, SCENES[name].settings) as client:
        if hashes:
            client.ask("hash", "on")
        stage = Stage(peer, client, seconds)
        figures = SCENES[name].run(stage)
        told = [e["value"] for e in client.events("hash")]
    peer.system.wait_log("viewer.gone", since=mark, seconds=20)
    time.sleep(0.5)
    return figures, words_since(peer.system, mark), told


def compare(words, told):
    """The client's first updates came before it was asked for hashes; from there on one belongs to
    one. Of an update with a part of the picture only the next one can be judged."""
    made = [(kind, value) for kind, value in words if kind in "fp"][-len(told):]
    wrong = sum(kind == "f" and value != got for (kind, value), got in zip(made, told))
    return {"frames": len(told), "partial": sum(kind == "p" for kind, _ in made),
            "wrong": wrong + abs(len(made) - len(told))}


def key_overhead(figures, words):
    """Latency of each key as the client has it, less the time from the key at the display to the
    browser's commit."""
    commits, pressed = [], None
    for kind, value in words:
        if kind == "k":
            pressed = int(value)
        elif kind == "d" and pressed is not None:
            commits.append((int(value) - pressed) / 1000)
            pressed = None
    late = figures["latencies_ms"]
    if len(commits) != len(late):
        raise AssertionError("%d keys, %d commits" % (len(late), len(commits)))
    over = [a - b for a, b in zip(late, commits)]
    return {"p50_ms": statistics.median(over), "p95_ms": percentile(over, 0.95),
            "commit_p50_ms": statistics.median(commits)}


def main(seconds):
    result = {"exact": {}, "key_overhead": {}}
    with Bench(["lazaret"], seconds) as bench:
        peer = bench.peers[0]
        for name in EXACT:
            _, words, told = perform(peer, name, seconds, True)
            result["exact"][name] = compare(words, told)
        figures, words, _ = perform(peer, "typing", seconds, False)
        result["key_overhead"]["typing"] = key_overhead(figures, words)
    print(json.dumps(result))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5)
