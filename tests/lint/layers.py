#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lower layers never include higher ones, and every source file carries its licence line.

The order of the layers is that of src/meson.build's comment and docs/architecture.md."""
import pathlib
import re
import sys

# What each folder may include besides itself.
MAY = {
    "base": set(),
    "wire": {"base"},
    "ipc": {"base", "wire"},
    "conf": {"base", "wire"},
    "rfb": {"base", "wire"},
    "net": {"base", "wire", "ipc", "conf"},
    # Stands alone; of net only the table of paths.
    "probe": {"net"},
    "cell": {"base", "wire", "conf"},
    "cert": {"base"},
    "update": {"base", "conf"},
    "ctl": {"cell", "base", "wire", "ipc", "conf", "net", "cert", "lock"},
    "ssh": {"base", "wire", "ipc", "conf", "net"},
    "lock": {"base", "wire", "ipc", "conf"},
    "menu": {"base", "conf", "ctl", "ssh"},
    "setup": {"base", "conf", "cert", "ctl", "menu"},
    "keyd": {"base", "wire", "ipc"},
    "gateway": {"base", "wire", "ipc", "conf", "rfb"},
    "display": {"base", "wire", "ipc", "conf", "rfb"},
    "session": {"base", "wire", "ipc", "conf", "net", "cell", "display", "lock"},
    # What a session leaves behind when it is killed is cleared by the monitor, by the same library.
    "monitor": {"base", "wire", "ipc", "conf", "net", "ctl", "ssh", "cell", "lock", "session"},
}
# The Wayland side of the display knows nothing of RFB but what a picture is.
WAYLAND_MAY_RFB = {"rfb/pixel_format.h", "rfb/protocol.h"}
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|alloca|gets)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def problems(root):
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".c", ".h", ".def"):
            continue
        text = path.read_text()
        where = path.relative_to(root)
        folder = path.relative_to(root / "src").parts[0]
        if "SPDX-License-Identifier: GPL-3.0-or-later" not in text[:300]:
            yield f"{where}: no SPDX line"
        if folder not in MAY:
            yield f"{where}: folder {folder} is no known layer"
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if BANNED.search(line):
                yield f"{where}:{number}: a call that the style rules out: {line.strip()}"
        for include in INCLUDE.findall(text):
            other = include.split("/")[0] if "/" in include else folder
            if other in MAY and other != folder and other not in MAY[folder]:
                yield f"{where}: includes {include}: {folder} stands below {other}"
            if "wayland" in where.parts and include.startswith("rfb/"):
                if include not in WAYLAND_MAY_RFB:
                    yield f"{where}: the Wayland side must not know {include}"


def main():
    found = list(problems(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "layers: in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
