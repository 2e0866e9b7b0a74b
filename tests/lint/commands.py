#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command of the table is in lazaretctl(1), with its options and who may use it, and no
other one is.

usage: commands.py SOURCE-ROOT"""
import pathlib
import re
import sys

ROW = re.compile(r'^C\((\w+), "([^"]*)", "([^"]*)",\s*\d+, \d+,\s*(\w+),\s*([A-Z_ |]+),', re.M)
# An item ends where the next one begins, or its list.
ITEM = re.compile(r"^\.It Ic ([a-z-]+(?: [a-z-]+)*)(.*?)(?=^\.It |^\.El)", re.M | re.S)


def said(access):
    """How the page says who may use a command."""
    roles = [part.strip()[len("ROLE_"):].lower() for part in access.split("|")]
    if roles == ["root"]:
        return "\nRoles: root only.\n"
    return "\nRoles: %s.\n" % ", ".join(roles)


def main(arguments):
    root = pathlib.Path(arguments[0])
    rows = ROW.findall((root / "src/ctl/commands.def").read_text("utf-8"))
    page = (root / "man/lazaretctl.1").read_text("utf-8").replace("\\-", "-")
    items = dict(ITEM.findall(page))
    problems = []
    for _, words, options, _, access in rows:
        if words not in items:
            problems.append("lazaretctl(1) does not have the command %s" % words)
            continue
        for option in re.findall(r"--([a-z-]+)", options):
            # --json is every command's.
            if option != "json" and not re.search(r"[-| ]-?%s\b" % option, items[words]):
                problems.append("lazaretctl(1): %s lacks --%s" % (words, option))
        who = said(access)
        if who not in items[words]:
            problems.append('lazaretctl(1): %s does not say "%s"' % (words, who))
    problems += ["lazaretctl(1) has the command %s, which there is not" % words
                 for words in items if words not in [row[1] for row in rows]]
    if len(rows) < 5:
        problems.append("only %d commands found: the search is broken" % len(rows))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
