#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that the menu shows of its own, and what each command does, is in po/de.po in German. (Help of
options that is new is shown in English until scripts/update-po has brought it in.)

usage: translations.py SOURCE-ROOT"""
import pathlib
import re
import subprocess
import sys
import tempfile

ENTRY = re.compile(r'^msgid ((?:".*"\n)+)msgstr ((?:".*"\n?)+)', re.M)


def entries(text):
    def join(lines):
        return "".join(re.findall(r'"((?:\\.|[^"\\])*)"', lines))
    return {join(a): join(b) for a, b in ENTRY.findall(text)}


def wanted(root, keyword, *files):
    with tempfile.NamedTemporaryFile(suffix=".pot") as pot:
        subprocess.run(["xgettext", "--from-code=UTF-8", "--language=C", "--keyword",
                        *["--keyword=" + k for k in keyword], "--no-location", "--omit-header",
                        "--force-po", "--output=" + pot.name, *map(str, files)], check=True)
        return entries(pathlib.Path(pot.name).read_text("utf-8"))


def main(arguments):
    root = pathlib.Path(arguments[0])
    german = entries((root / "po/de.po").read_text("utf-8"))
    texts = dict(wanted(root, ("_", "N_"), *sorted((root / "src/menu").glob("*.c")),
                        *sorted((root / "src/setup").glob("*.c")), root / "src/setup/answers.def"))
    texts.update(wanted(root, ("C:8",), root / "src/ctl/commands.def"))
    problems = ['po/de.po has no German for "%s": scripts/update-po, and write it' % text
                for text in texts if text and not german.get(text)]
    if len(texts) < 80:
        problems.append("only %d texts found: the search is broken" % len(texts))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
