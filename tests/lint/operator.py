#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual page, operator's guide and --help agree about the commands: each command of the table is in
lazaretctl(1) with the arguments that it takes, in that order; is named in docs/operator.md; and is printed
by --help with arguments, help and roles. And the guide names no command that there is not.

usage: operator.py SOURCE-ROOT LAZARETCTL"""
import pathlib
import re
import subprocess
import sys

ROW = re.compile(r'^C\(\w+, "([^"]*)", "([^"]*)",\s*\d+, \d+,\s*\w+,\s*([A-Z_ |]+),\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)',
                 re.M)
ITEM = re.compile(r"^\.It Ic ([a-z-]+(?: [a-z-]+)*)((?:.*\\\n)*.*)$", re.M)
# Of mdoc, what says what kind of word follows, or stands around it.
MACROS = {"Ar", "Fl", "Cm", "Op", "Oo", "Oc", "No", "Ns", "Xo", "Xc", "Pq", "Sm", "Li", "Ic", "|"}
# In code and in `quotes`, what is said to lazaretctl.
SAID = re.compile(r"lazaretctl(?: --[a-z]+)* ([a-z][a-z-]*(?: [a-z][a-z-]*){0,2})")


def words_of_table(arguments):
    """Names and options, without what shows whether they have to be there."""
    # --json is every command's.
    return [w.upper() for w in re.findall(r"[A-Za-z0-9][A-Za-z0-9-]*", arguments.replace("--", " "))
            if w != "json"]


def words_of_page(text):
    found = []
    last = None
    for token in text.replace("\\\n", " ").replace("\\&", "").replace("\\-", "-").replace('"', "").split():
        # An argument without a name is files.
        if last == "Ar" and token in MACROS:
            found.append("FILE")
        last = token
        if token not in MACROS:
            found += [w.upper() for w in re.findall(r"[A-Za-z0-9][A-Za-z0-9-]*", token)]
    if last == "Ar":
        found.append("FILE")
    return found


def check_page(root, rows):
    page = (root / "man/lazaretctl.1").read_text("utf-8")
    items = {words.replace("\\", ""): rest for words, rest in ITEM.findall(page)}
    for words, arguments, _, _ in rows:
        if words not in items:
            yield "lazaretctl(1) does not have the command %s" % words
        elif words_of_page(items[words]) != words_of_table(arguments):
            yield "lazaretctl(1) has %s with %s, the table with %s" % (
                words, words_of_page(items[words]), words_of_table(arguments))


def check_guide(root, rows):
    names = {row[0] for row in rows}
    guide = (root / "docs/operator.md").read_text("utf-8")
    for words in sorted(names):
        if not re.search(r"(?:`|lazaretctl )%s(?![a-z-])" % re.escape(words), guide):
            yield "docs/operator.md does not name the command %s" % words
    for name in ("docs/operator.md", "docs/viewers.md"):
        for said in SAID.findall((root / name).read_text("utf-8")):
            parts = said.split()
            if parts[0] != "help" and not any(" ".join(parts[:n]) in names for n in range(1, len(parts) + 1)):
                yield "%s says \"lazaretctl %s\", which there is not" % (name, said)


def flat(text):
    return " ".join(text.split())


def check_help(program, rows):
    def say(*words):
        return flat(subprocess.run([program, *words], stdout=subprocess.PIPE, text=True,
                                   check=False).stdout)

    everything = say("--help")
    for words, arguments, access, help_text in rows:
        if words + " " not in everything:
            yield "--help does not have %s" % words
        said = say("help", *words.split())
        roles = [part.strip()[len("ROLE_"):].lower() for part in access.split("|")]
        for part in ("%s %s" % (words, arguments), help_text,
                     "Roles: " + ", ".join(roles if roles != ["root"] else ["root only"])):
            if flat(part) not in said:
                yield "help %s does not have %r" % (words, part)


def main(arguments):
    root = pathlib.Path(arguments[0])
    table = (root / "src/ctl/commands.def").read_text("utf-8")
    rows = [(w, a, x, "".join(re.findall(r'"((?:\\.|[^"\\])*)"', h)).replace('\\"', '"'))
            for w, a, x, h in ROW.findall(table)]
    problems = [*check_page(root, rows), *check_guide(root, rows), *check_help(arguments[1], rows)]
    if len(rows) != len(re.findall(r"^C\(", table, re.M)):
        problems.append("%d of the table's rows are found: the search is broken" % len(rows))
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
