# SPDX-License-Identifier: GPL-3.0-or-later
"""OPNsense, from its model of firewall rules (what an import checks) and its manual:

- a table with the model's names as its head, a row a rule; @uuid tells rules apart.
- a rule on no interface, or on several, is a floating one, and looked at before those of one interface;
  among these sequence (1 to 999999, unique here) decides the order. quick: the first that matches decides;
  not quick: the last. Disabled rules do not count.
- a single address must be of the family that ipprotocol says, and then cannot be of inet46; ports are for
  TCP and UDP only, a number or LOW-HIGH; (self) is every address of the firewall; a "not" field turns its
  end around.
- direction in: on the interface that a packet comes in on. What goes out is let out by a rule of the
  system's own. What no rule matches is denied.
- statetype keep: replies to what passed pass."""

import csv
import io
import re

from eval_common import Network, Stateful, Unknown, address_of, port

MODEL = {"@uuid", "enabled", "statetype", "state-policy", "sequence", "action", "quick",
         "interfacenot", "interface", "direction", "ipprotocol", "protocol", "icmptype",
         "icmp6type", "source_net", "source_not", "source_port", "destination_net",
         "destination_not", "destination_port", "divert-to", "gateway", "replyto", "disablereplyto",
         "log", "allowopts", "nosync", "nopfsync", "statetimeout", "udp-first", "udp-multiple",
         "udp-single", "max-src-nodes", "max-src-states", "max-src-conn", "max",
         "max-src-conn-rate", "max-src-conn-rates", "overload", "adaptivestart", "adaptiveend",
         "prio", "set-prio", "set-prio-low", "tag", "tagged", "tcpflags1", "tcpflags2",
         "tcpflags_any", "categories", "sched", "tos", "shaper1", "shaper2", "description"}
FAMILIES = {"inet": (4,), "inet6": (6,), "inet46": (4, 6)}


class Row:
    def __init__(self, values, own):
        def boolean(key):
            if values[key] not in ("0", "1"):
                raise Unknown(key)
            return values[key] == "1"

        self.enabled = boolean("enabled")
        self.quick = boolean("quick")
        self.sequence = int(values["sequence"])
        self.action = values["action"]
        self.families = FAMILIES[values["ipprotocol"]]
        self.protocol = values["protocol"]
        self.source = self.end(values["source_net"], boolean("source_not"), own)
        self.target = self.end(values["destination_net"], boolean("destination_not"), own)
        self.ports = None
        boolean("log")
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", values["@uuid"]):
            raise Unknown("@uuid")
        if boolean("interfacenot") or values["interface"]:
            raise Unknown("an interface")
        if values["direction"] != "in" or values["statetype"] != "keep":
            raise Unknown("direction or state")
        if self.action not in ("pass", "block") or self.protocol not in ("TCP", "UDP", "any"):
            raise Unknown("action or protocol")
        if not 1 <= self.sequence <= 999999:
            raise Unknown("sequence")
        if values["source_port"]:
            raise Unknown("a source port")
        if values["destination_port"]:
            low, _, high = values["destination_port"].partition("-")
            if self.protocol == "any" or (high and port(low) >= port(high)):
                raise Unknown("ports")
            self.ports = port(low), port(high or low)
        if len(values["description"]) > 1000 or not values["description"].isprintable():
            raise Unknown("description")
        if values["description"][:1] in "=+-@\t":
            raise Unknown("a description that a spreadsheet would calculate")

    def end(self, text, negated, own):
        if text == "any":
            if negated:
                raise Unknown("not any")
            return negated, None
        if text == "(self)":
            return negated, [Network(a) for a in own]
        if "," in text:
            raise Unknown("several networks")
        network = Network(text)
        if self.families != (network.family,):
            raise Unknown("an address of another family than the rule's")
        return negated, [network]

    def about(self, family, source, target):
        for (negated, networks), where in ((self.source, source), (self.target, target)):
            if networks is not None and any(where in n for n in networks) == negated:
                return False
        return family in self.families

    def matches(self, packet):
        if self.protocol != "any" and self.protocol != packet.proto.upper():
            return False
        return self.ports is None or self.ports[0] <= packet.dport <= self.ports[1]


class Opnsense(Stateful):
    """`own`: the firewall's addresses."""

    def __init__(self, text, own):
        if any(ord(c) < 32 and c != "\n" for c in text):
            raise Unknown("a control character")
        reader = csv.DictReader(io.StringIO(text), strict=True)
        if not set(reader.fieldnames) <= MODEL:
            raise Unknown("columns %s" % (set(reader.fieldnames) - MODEL))
        self.rows = []
        self.pairs = {}
        names = set()
        for number, values in enumerate(reader, 2):
            if None in values or None in values.values():
                raise Unknown("row %d has another number of columns" % number)
            try:
                row = Row(values, own)
            except (ValueError, KeyError) as problem:
                raise Unknown("row %d: %r" % (number, problem)) from problem
            names.add(values["@uuid"])
            self.rows.append(row)
        if len(names) != len(self.rows) or len({r.sequence for r in self.rows}) != len(self.rows):
            raise Unknown("two rows are one")
        self.rows = sorted((r for r in self.rows if r.enabled), key=lambda r: r.sequence)

    def decide(self, packet):
        pair = packet.src, packet.dst
        if pair not in self.pairs:
            source, target = address_of(packet.src), address_of(packet.dst)
            self.pairs[pair] = [r for r in self.rows if r.about(packet.family, source, target)]
        last = None
        for row in self.pairs[pair]:
            if row.matches(packet):
                last = row
                if row.quick:
                    break
        return last is not None and last.action == "pass"
