# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats for people and programs: what a colleague who reads them would set up. They say of
themselves that the first rule that matches decides and that replies pass; a packet that no rule matches is
not spoken of, which is an error."""

import html.parser
import json
import re

from eval_common import Anywhere, FirstMatch, Group, Network, Rule, Stateful, Unknown, port

GROUP_HEAD = ["group", "what it is", "networks"]
RULE_HEAD = ["no.", "action", "rule", "optional", "from", "to", "protocol and ports", "remark"]


class Listed(Stateful):
    """Groups and rules that were read from one of the formats."""

    def __init__(self, groups, rules):
        self.groups = {name: Group([Network(n) for n in networks]) for name, networks in groups}
        if len(self.groups) != len(groups):
            raise Unknown("a group twice")
        if any(not g.members for g in self.groups.values()):
            raise Unknown("an empty group")
        self.list = FirstMatch([self.rule(number, *rule) for number, rule in enumerate(rules, 1)])

    def rule(self, number, action, source, target, services):
        if action not in ("pass", "drop"):
            raise Unknown("an action")
        return Rule(action, self.end(source), self.end(target), services, number)

    def end(self, name):
        return Anywhere() if name is None else self.groups[name]

    def decide(self, packet):
        rule = self.list.find(packet)
        if rule is None:
            raise Unknown("no rule speaks of %s" % (packet,))
        return rule.action == "pass"


def ports(text):
    """"tcp 80, 443; udp 1024-65535" """
    if text == "every protocol":
        return None
    found = []
    for part in text.split("; "):
        proto, _, numbers = part.partition(" ")
        if proto not in ("tcp", "udp"):
            raise Unknown("ports: %s" % text)
        for item in numbers.split(", "):
            low, _, high = item.partition("-")
            found.append((proto, port(low), port(high or low)))
    return found


def from_tables(tables):
    heads = {tuple(table[0]): table[1:] for table in tables}
    if set(heads) != {tuple(GROUP_HEAD), tuple(RULE_HEAD)} or len(tables) != 2:
        raise Unknown("other tables than those of networks and rules")
    groups = [(row[0], row[2].split(", ")) for row in heads[tuple(GROUP_HEAD)]]
    rules = heads[tuple(RULE_HEAD)]
    if [row[0] for row in rules] != [str(n) for n in range(1, len(rules) + 1)]:
        raise Unknown("rules that are not in order")
    return Listed(groups, [(row[1], None if row[4] == "anywhere" else row[4],
                            None if row[5] == "anywhere" else row[5], ports(row[6]))
                           for row in rules])


def markdown(text):
    tables, table = [], None
    for line in text.splitlines():
        if not line.startswith("|"):
            if "|" in line or "<" in line:
                raise Unknown("a table's or HTML's sign outside of a table: " + line)
            table = None
            continue
        if not line.endswith("|") or "<" in line or "\\" in line:
            raise Unknown("a row: " + line)
        cells = [cell.strip() for cell in line[1:-1].split("|")]
        if table is None:
            table = [cells]
            tables.append(table)
        elif len(cells) != len(table[0]):
            raise Unknown("a row with another number of cells: " + line)
        elif not all(re.fullmatch("-+", cell) for cell in cells):
            table.append(cells)
    return from_tables(tables)


class Page(html.parser.HTMLParser):
    KNOWN = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "table", "tr", "th",
             "td"}
    ATTRIBUTES = {"lang", "charset", "id", "class"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.tables = []
        self.feed(text)
        self.close()
        if self.open:
            raise Unknown("elements that are not closed")

    def handle_starttag(self, tag, attrs):
        if tag not in self.KNOWN or {name for name, _value in attrs} - self.ATTRIBUTES:
            raise Unknown("an element: %s %s" % (tag, attrs))
        if tag == "meta":
            return
        self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise Unknown("the end of an element: " + tag)

    def handle_comment(self, data):
        raise Unknown("a comment: " + data)

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


def page(text):
    tables = Page(text).tables
    if any(len(row) != len(table[0]) for table in tables for row in table):
        raise Unknown("a row with another number of cells")
    return from_tables(tables)


def document(text):
    found = json.loads(text)
    if set(found) != {"title", "dialect", "configuration", "off", "notes", "groups", "flows"}:
        raise Unknown("members %s" % set(found))
    rules = []
    for flow in found["flows"]:
        if set(flow) != {"name", "action", "path", "optional", "from", "to", "ports", "remark"}:
            raise Unknown("members %s" % set(flow))
        services = flow["ports"] and [(p["protocol"], p["first"], p["last"]) for p in flow["ports"]]
        rules.append((flow["action"], flow["from"], flow["to"], services))
    return Listed([(g["name"], g["networks"]) for g in found["groups"]], rules)
