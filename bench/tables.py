# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of the side-by-side comparison: medians of runs, ratios to the peers first."""

import statistics

from scenes import SCENES

# key, heading, unit, factor, digits, whether more is better
COLUMNS = (
    ("bytes", "bytes", "MB", 1e-6, 2, False),
    ("frames", "frames", "", 1, 0, True),
    ("fps", "frames/s", "", 1, 1, True),
    ("cpu_ms", "CPU", "ms", 1, 0, False),
    ("cpu_ms_a_frame", "CPU/frame", "ms", 1, 2, False),
    ("p50_ms", "p50", "ms", 1, 1, False),
    ("p95_ms", "p95", "ms", 1, 1, False),
    ("p99_ms", "p99", "ms", 1, 1, False),
    ("pss", "memory", "MB", 1e-6, 1, False),
)
US = "lazaret"


def records_of(result, scene, peer):
    return [r for r in result["records"]
            if r["scene"] == scene and r["peer"] == peer and "problem" not in r]


def median(result, scene, peer, key):
    """The median of the runs, or None if there is none."""
    values = [r[key] for r in records_of(result, scene, peer) if r.get(key) is not None]
    return statistics.median(values) if values else None


def scenes_of(result):
    present = {r["scene"] for r in result["records"]}
    return [name for name in SCENES if name in present]


def main_scenes(result):
    return [name for name in scenes_of(result) if SCENES[name].main]


def peers_of(result):
    return list(result["machine"]["peers"])


def ratio(result, scene, peer, key):
    ours, theirs = median(result, scene, US, key), median(result, scene, peer, key)
    return ours / theirs if ours is not None and theirs else None


def show(value, digits):
    return "-" if value is None else "%.*f" % (digits, value)


def ratio_rows(result, peer):
    """One row a scene: what we need, as a part of what the peer needs."""
    keys = ("bytes", "fps", "cpu_ms", "cpu_ms_a_frame", "p50_ms", "p95_ms", "pss")
    yield ["scene"] + [next(c[1] for c in COLUMNS if c[0] == key) for key in keys]
    for scene in main_scenes(result):
        if records_of(result, scene, peer) and records_of(result, scene, US):
            yield [scene] + [show(ratio(result, scene, peer, key), 3) for key in keys]


def figure_rows(result):
    yield ["scene", "peer", "runs"] + [("%s (%s)" % (c[1], c[2])) if c[2] else c[1]
                                       for c in COLUMNS]
    for scene in main_scenes(result):
        for peer in peers_of(result):
            count = len(records_of(result, scene, peer))
            if count == 0:
                continue
            values = []
            for key, _, _, factor, digits, _ in COLUMNS:
                value = median(result, scene, peer, key)
                values.append(show(value * factor if value is not None else None, digits))
            yield [scene, peer, str(count)] + values


def quality_rows(result):
    yield ["film", "peer", "SSIM", "PSNR (dB)", "bytes a film frame"]
    for scene in scenes_of(result):
        for peer in peers_of(result):
            if median(result, scene, peer, "ssim") is not None:
                yield [scene, peer, show(median(result, scene, peer, "ssim"), 4),
                       show(median(result, scene, peer, "psnr"), 1),
                       show(median(result, scene, peer, "bytes_a_film_frame"), 0)]


def print_table(rows, out):
    rows = list(rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(widths[i]) if i == 0 else cell.rjust(widths[i])
                        for i, cell in enumerate(row)), file=out)
    print(file=out)


def print_tables(result, out):
    for peer in peers_of(result):
        if peer != US and US in peers_of(result):
            print("lazaret as a part of %s (medians; below 1 is better, but for frames/s):" % peer,
                  file=out)
            print_table(ratio_rows(result, peer), out)
    print_table(figure_rows(result), out)
    print_table(quality_rows(result), out)
    for record in result["records"]:
        if "problem" in record:
            print("PROBLEM %s %s run %d: %s" % (record["scene"], record["peer"], record["run"],
                                                record["problem"].splitlines()[0]), file=out)
