#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every log event of the source is in lazaret-events(7), with exactly its fields, and nothing else.

usage: events.py SOURCE-ROOT [--list]; with --list what the source has is printed, for the page.

An event is a literal "area.what" in a call of log_event(), or in a call of a function that hands an
`event` of its own on to log_event(): then it has the fields of that one."""
import pathlib
import re
import sys

EVENT = re.compile(r'"([a-z]+\.[a-z][a-z_-]*)"')
FIELD = re.compile(r'LOG_(?:STR|INT)\("(\w+)"|(LOG_ERR)\(')
LEVEL = re.compile(r"\bLOG_(ERROR|WARN|INFO|DEBUG|AUDIT)\b")
CALL = re.compile(r"\b(\w+)\(")
# A definition begins in the first column and its body with a brace there.
DEFINITION = re.compile(r"^[a-z][^;{}=]*?\b(\w+)\(([^;{}]*?)\)\s*\n\{\n(.*?)^\}", re.M | re.S)
# Written by hand in base/log.c, for what is no line of our log.
BY_HAND = {"process.output": {"text"}}


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text,
                  flags=re.S)


def arguments(text, start):
    """The text between the bracket before `start` and its partner."""
    depth, i = 1, start
    while depth and i < len(text):
        if text[i] == '"':
            i += 1
            while text[i] != '"':
                i += 2 if text[i] == "\\" else 1
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        i += 1
    return text[start:i - 1]


def calls(text, names):
    for match in CALL.finditer(text):
        if match.group(1) in names:
            yield match.group(1), arguments(text, match.end())


def fields_of(call):
    return {name or "error" for name, _ in FIELD.findall(call)}


def source_events(root):
    """{event: set of fields}, {event: set of levels}"""
    functions = []
    for path in sorted((root / "src").rglob("*.c")):
        functions += [(m.group(1), m.group(2), m.group(3))
                      for m in DEFINITION.finditer(without_comments(path.read_text("utf-8")))]
    wrappers = {"log_event": set()}
    grown = True
    while grown:
        grown = False
        for name, parameters, body in functions:
            if name in wrappers or not re.search(r"\*event\b", parameters):
                continue
            for callee, call in calls(body, wrappers):
                if re.search(r"\bevent\b", re.sub(r'"[^"]*"', "", call)):
                    wrappers[name] = wrappers[callee] | fields_of(call)
                    grown = True
    events = {event: set(fields) for event, fields in BY_HAND.items()}
    levels = {event: set() for event in events}
    for _, _, body in functions:
        for callee, call in calls(body, wrappers):
            # A field's own text may look like an event; the name comes first.
            head = call.split("LOG_STR(")[0].split("LOG_INT(")[0].split("LOG_ERR(")[0]
            for event in EVENT.findall(head):
                events.setdefault(event, set()).update(wrappers[callee] | fields_of(call))
                levels.setdefault(event, set()).update(l.lower() for l in LEVEL.findall(head))
    return events, levels


def page_events(root):
    """{event: set of fields}, from items that begin ".It Cm NAME" and ".Pq LEVEL: FIELD, FIELD"."""
    text = (root / "man/lazaret-events.7").read_text("utf-8")
    events = {}
    for name, line in re.findall(r"^\.It Cm (\S+\.\S+)\n\.Pq (.*)$", text, re.M):
        if name in events:
            sys.exit("man/lazaret-events.7: %s stands there twice" % name)
        _, _, fields = line.partition(":")
        events[name] = set(fields.replace(",", " ").split())
    return events


def main(arguments_):
    root = pathlib.Path(arguments_[0])
    source, levels = source_events(root)
    if "--list" in arguments_:
        for event in sorted(source):
            print(event, ",".join(sorted(levels[event])), *sorted(source[event]))
        return 0
    page = page_events(root)
    problems = ["%s is logged, but not in lazaret-events(7)" % e for e in source if e not in page]
    problems += ["%s is in lazaret-events(7), but not logged" % e for e in page if e not in source]
    problems += ["%s has the fields %s, lazaret-events(7) says %s"
                 % (e, " ".join(sorted(source[e])) or "(none)", " ".join(sorted(page[e])) or "(none)")
                 for e in source if e in page and source[e] != page[e]]
    for problem in sorted(problems):
        print(problem)
    # So many that a broken search is not taken for a clean one.
    if len(source) < 100:
        print("only %d events found: the search is broken" % len(source))
        return 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
