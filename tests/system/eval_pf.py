# SPDX-License-Identifier: GPL-3.0-or-later
"""pf, from pf.conf(5) of OpenBSD and FreeBSD:

- # begins a comment, a backslash at the end of a line goes on with the next one.
- table <name> const { … }: a name has at most 31 characters; the longest prefix decides; "self" is every
  address of the router.
- A packet that is forwarded is looked at when it comes in and again when it goes out. A rule without a
  direction is for both. The last rule that matches decides, unless it is quick; none: it passes.
- pass … keep state: makes a state, which lets further packets of the connection through on their way in
  the same direction and replies on the way back: the reply to what went out there comes in, and the reply
  to what came in goes out. So a reply needs the state of both interfaces' sides.
- A list in braces stands for one rule for each member. A port is a number or LOW:HIGH. A label has at most
  63 characters.
- from urpf-failed: the way back to the source is not by the interface that the packet came in on."""

import re

from eval_common import Network, Unknown, address_of, port, refuse

TOKEN = re.compile(r'\s*(<[a-z_0-9]+>|"[^"\\]*"|[{}!,]|[^\s{}!,"<>]+)')


class Table:
    def __init__(self, items, own):
        self.networks = []
        for item in items:
            self.networks += [Network(a) for a in own] if item == "self" else [Network(item)]
        self.known = {}

    def __contains__(self, where):
        if where not in self.known:
            self.known[where] = any(where in network for network in self.networks)
        return self.known[where]


class PfRule:
    def __init__(self):
        self.action = self.direction = self.proto = None
        self.quick = self.urpf = self.state = False
        self.source = self.target = None  # (negated, table) or None: any
        self.ports = None

    def about(self, source, target):
        for end, where in ((self.source, source), (self.target, target)):
            if end and (where in end[1]) == end[0]:
                return False
        return True

    def matches(self, packet, direction, spoofed):
        if self.direction not in (None, direction) or self.proto not in (None, packet.proto):
            return False
        if self.urpf and not (spoofed and direction == "in"):
            return False
        return self.ports is None or any(a <= packet.dport <= b for a, b in self.ports)


class Pf:
    """`own`: the router's addresses."""

    def __init__(self, text, own):
        self.tables = {}
        self.rules = []
        self.own = own
        self.pairs = {}
        whole = ""
        for number, line in enumerate(text.splitlines(), 1):
            if any(ord(c) < 32 and c != "\t" for c in line) or not line.isascii():
                refuse(number, line, "characters that the parser does not take")
            whole += line
            if whole.endswith("\\"):
                whole = whole[:-1] + " "
                continue
            try:
                self.line(self.tokens(whole))
            except Unknown as problem:
                refuse(number, whole, problem)
            except (ValueError, IndexError, KeyError) as problem:
                refuse(number, whole, repr(problem))
            whole = ""

    @staticmethod
    def tokens(line):
        found, at = [], 0
        line = line.rstrip()
        while at < len(line):
            if line[at:].lstrip().startswith("#"):
                break
            match = TOKEN.match(line, at)
            if not match:
                raise Unknown("a token")
            found.append(match[1])
            at = match.end()
        return found

    def line(self, tokens):
        if not tokens:
            return
        if tokens[0] == "table":
            self.table(tokens)
        elif tokens[0] in ("pass", "block"):
            self.rules.append(self.rule(tokens))
        else:
            raise Unknown("a statement")

    def table(self, tokens):
        name = tokens[1][1:-1]
        if tokens[2] != "const" or name in self.tables or len(name) > 31:
            raise Unknown("a table")
        self.tables[name] = Table(self.braces(tokens, 3), self.own)

    @staticmethod
    def braces(tokens, at):
        """The members of the list that ends the tokens."""
        if tokens[at] != "{" or tokens[-1] != "}":
            raise Unknown("a list")
        items = tokens[at + 1:-1]
        if items[1::2] != [","] * (len(items) // 2) or len(items) % 2 == 0:
            raise Unknown("a list")
        return items[::2]

    def rule(self, tokens):
        rule = PfRule()
        rule.action = tokens.pop(0)
        if rule.action == "block" and tokens.pop(0) != "drop":
            raise Unknown("what becomes of a blocked packet")
        if tokens[0] in ("in", "out"):
            rule.direction = tokens.pop(0)
        if tokens[0] == "log":
            tokens.pop(0)
        if tokens[0] == "quick":
            rule.quick = bool(tokens.pop(0))
        if tokens[0] == "proto":
            rule.proto = tokens[1]
            if rule.proto not in ("tcp", "udp"):
                raise Unknown("a protocol")
            del tokens[:2]
        if tokens.pop(0) != "from":
            raise Unknown("a rule without ends")
        if tokens[0] == "urpf-failed":
            rule.urpf = bool(tokens.pop(0))
        else:
            rule.source = self.host(tokens)
        if tokens.pop(0) != "to":
            raise Unknown("a rule without ends")
        rule.target = self.host(tokens)
        self.options(rule, tokens)
        return rule

    def host(self, tokens):
        word = tokens.pop(0)
        negated = word == "!"
        if negated:
            word = tokens.pop(0)
        if word == "any" and not negated:
            return None
        if not word.startswith("<"):
            raise Unknown("a host")
        return negated, self.tables[word[1:-1]]

    def options(self, rule, tokens):
        if tokens[:1] == ["port"]:
            if rule.proto is None:
                raise Unknown("ports of no protocol")
            end = tokens.index("}")
            rule.ports = []
            for item in self.braces(tokens[:end + 1], 1):
                low, _, high = item.partition(":")
                rule.ports.append((port(low), port(high or low)))
            del tokens[:end + 1]
        if tokens[:2] == ["keep", "state"]:
            rule.state = True
            del tokens[:2]
        if tokens[:1] == ["label"]:
            if tokens[1][0] != '"' or len(tokens[1]) > 65:
                raise Unknown("a label")
            del tokens[:2]
        if tokens:
            raise Unknown("words behind a rule")

    def side(self, packet, direction, states, spoofed):
        # A state is known by its two ends in the order of the wire, seen from outside of the router.
        ends = (packet.src, packet.sport), (packet.dst, packet.dport)
        key = (packet.proto,) + (ends if direction == "in" else ends[::-1])
        if key in states:
            return True
        pair = packet.src, packet.dst
        if pair not in self.pairs:
            source, target = address_of(packet.src), address_of(packet.dst)
            self.pairs[pair] = [r for r in self.rules if r.about(source, target)]
        last = None
        for rule in self.pairs[pair]:
            if rule.matches(packet, direction, spoofed):
                last = rule
                if rule.quick:
                    break
        if last is None:
            return True
        if last.action == "pass":
            states.add(key)  # keep state is the default of pass
        return last.action == "pass"

    def permits(self, packet, states=None, spoofed=False):
        if states is None:
            states = set()
        return (self.side(packet, "in", states, spoofed) and
                self.side(packet, "out", states, spoofed))
