# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the figures of a bench into docs/performance.md: what stands between its two marks is written
anew, the text around is a person's."""

import bounds
from peers import TOP
from plots import plot_bytes, plot_latencies
from tables import US, figure_rows, peers_of, quality_rows, ratio_rows

PAGE = TOP / "docs/performance.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


def markdown(rows):
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(row) + " |" for row in rows[1:]]
    return "\n".join(lines) + "\n"


def machine(result):
    m = result["machine"]
    return ("%s, %d cores, %d MiB, Linux %s; %s. %s. %s; %d runs (wayvnc at most 3) of %g s a scene, "
            "load of the machine before it began: %.1f.\n" % (
                m["cpu"], m["cores"], m["memory_mib"], m["kernel"], m["browser"],
                "; ".join("%s: %s" % pair for pair in m["peers"].items()), m["date"],
                result["runs"], result["seconds"], m["load_at_start"]))


def floor_rows(result):
    yield ["scene", "frames", "bytes", "floor", "bytes / floor", "engine alone / floor",
           "engine ms a frame", "times memcpy"]
    for scene, floor in result.get("floor", {}).items():
        replay = floor["replay"]
        engine, copy = replay.get("engine_ms"), replay.get("memcpy_ms")
        yield [scene, str(floor["frames"]), str(floor["bytes"]), str(floor["floor_bytes"]),
               "%.2f" % floor["ratio"], "%.2f" % replay["of_floor"],
               "%.2f" % engine if engine else "-",
               "%.2f" % (engine / copy) if engine and copy else "-"]


def bound_rows(result):
    yield ["point", "what", "verdict", "figure"]
    for bound in bounds.bounds(result):
        if bound.point != "9" or not bound.good:
            yield [bound.point, bound.text, bound.verdict, bound.figure]


def figures(result):
    out = [machine(result)]
    for peer in peers_of(result):
        if peer != US:
            out += ["\n### Lazaret as a part of %s\n\n" % peer,
                    "Below 1 is better, but for frames a second.\n\n",
                    markdown(list(ratio_rows(result, peer)))]
    out += ["\n### What has to hold\n\n", markdown(list(bound_rows(result))),
            "\n### Figures\n\nMedians of the runs.\n\n", markdown(list(figure_rows(result))),
            "\n### Films: likeness and bytes\n\n", markdown(list(quality_rows(result))),
            "\n### Scrolls beside their floor\n\n", markdown(list(floor_rows(result))),
            "\n![Bytes of each scene](performance-bytes.svg)\n\n",
            "![Latencies](performance-latencies.svg)\n"]
    return "".join(out)


def write_docs(result):
    plot_bytes(result, TOP / "docs/performance-bytes.svg")
    plot_latencies(result, TOP / "docs/performance-latencies.svg")
    text = PAGE.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise AssertionError("%s has lost its marks" % PAGE)
    PAGE.write_text(head + BEGIN + "\n" + figures(result) + "\n" + END + tail, encoding="utf-8")
