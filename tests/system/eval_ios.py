# SPDX-License-Identifier: GPL-3.0-or-later
"""Cisco IOS, from the security configuration guide and the command reference:

- ip access-list extended NAME and ipv6 access-list NAME: entries in order, the first that matches
  decides, an implicit deny at the end. An IPv6 list lets neighbour discovery through only in front of an
  explicit deny.
- IPv4 addresses carry a wildcard: bits that are 1 do not matter.
- permit … reflect NAME: each packet that it permits makes a temporary entry in the reflexive list NAME
  with both ends changed over, for the same protocol and ports. evaluate NAME: looks these entries up and
  goes on with the next line when none matches.
- ip access-group NAME {in|out} and ipv6 traffic-filter NAME {in|out} bind a list to an interface; a
  packet that is forwarded passes the list of the interface that it comes in on and of the one that it goes
  out on. A list that does not exist permits everything, an interface without a list too."""

import re

from eval_common import (Anywhere, Group, Masked, Network, Unknown, address, address_of, port, refuse)

ICMP = {"unreachable", "packet-too-big", "time-exceeded", "parameter-problem"}
ICMP6 = ICMP | {"nd-na", "nd-ns", "router-solicitation", "router-advertisement"}


class Entry:
    def __init__(self, action, proto, source, target, ports, message, reflect):
        self.action = action
        self.proto = proto
        self.source = source
        self.target = target
        self.ports = ports
        self.message = message
        self.reflect = reflect

    def matches(self, packet):
        if self.proto not in ("any", packet.proto):
            return False
        if self.proto == "icmp" and packet.dport != self.message:
            return False
        if self.ports and not self.ports[0] <= packet.dport <= self.ports[1]:
            return False
        return address_of(packet.src) in self.source and address_of(packet.dst) in self.target


class Ios:
    """`dmz` is the interface of the system; every other one is bound as the text says of the rest."""

    def __init__(self, text, dmz="dmz"):
        self.lists = {}
        self.reflexive = set()
        self.dmz = dmz
        self.current = None
        self.known = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.isascii() or not line.isprintable() or "?" in line or len(line) > 254:
                refuse(number, line, "characters that the command line does not take")
            if not line or line.startswith("!"):
                continue
            try:
                self.take(line, line.split())
            except Unknown as problem:
                refuse(number, line, problem)
            except (ValueError, IndexError, KeyError) as problem:
                refuse(number, line, repr(problem))
        if self.reflexive & {name for _family, name in self.lists}:
            raise Unknown("a reflexive list with the name of another one")
        self.bind(text)

    def take(self, line, words):
        if line.startswith(" "):
            if self.current is None:
                raise Unknown("an entry outside of a list")
            self.entry(line, words)
            return
        if words[:3] == ["ip", "access-list", "extended"] and len(words) == 4:
            self.family = 4
        elif words[:2] == ["ipv6", "access-list"] and len(words) == 3:
            self.family = 6
        else:
            raise Unknown("a command")
        key = (self.family, words[-1])
        if key in self.lists:
            raise Unknown("the same list again")
        self.current = self.lists[key] = []

    def entry(self, line, words):
        if words[0] == "remark":
            if len(line.partition("remark ")[2]) > 100:
                raise Unknown("a remark that is too long")
            return
        if words[0] == "evaluate" and len(words) == 2:
            self.current.append(words[1])
            return
        action, proto = words[0], words[1]
        words = words[2:]
        if action not in ("permit", "deny"):
            raise Unknown("an entry")
        if proto not in ("tcp", "udp", "icmp", "ip" if self.family == 4 else "ipv6"):
            raise Unknown("a protocol")
        source, target = self.end(words), self.end(words)
        ports = message = reflect = None
        if proto in ("tcp", "udp"):
            ports = self.ports(words)
        if proto == "icmp":
            message = words.pop(0)
            if message not in (ICMP if self.family == 4 else ICMP6):
                raise Unknown("a message")
        if words and words[0] == "reflect":
            if action != "permit" or words[2] != "timeout" or not 1 <= int(words[3]) <= 2147483:
                raise Unknown("a reflexive entry")
            reflect = words[1]
            self.reflexive.add(reflect)
            words = words[4:]
        if words not in ([], ["log"]):
            raise Unknown("words behind an entry")
        self.current.append(Entry(action, "any" if proto in ("ip", "ipv6") else proto, source,
                                  target, ports, message, reflect))

    def end(self, words):
        word = words.pop(0)
        if word == "any":
            return Anywhere((self.family,))
        if word == "host":
            word = words.pop(0)
            if address(word)[0] != self.family:
                raise Unknown("an address of the other family")
            return Group([Network(word)])
        if self.family == 6:
            if "/" not in word or ":" not in word:
                raise Unknown("a prefix")
            return Group([Network(word)])
        return Group([Masked(word, ~address(words.pop(0))[1] & 0xffffffff)])

    @staticmethod
    def ports(words):
        if words and words[0] == "eq":
            found = port(words[1]), port(words[1])
            del words[:2]
            return found
        if words and words[0] == "range":
            found = port(words[1]), port(words[2])
            del words[:3]
            if found[0] < found[1]:
                return found
        raise Unknown("ports")

    def bind(self, text):
        """As the remarks at the head tell the reader to."""
        self.bound = {}
        where = None
        for line in text.splitlines():
            if line.startswith("! On the interface of the DMZ:"):
                where = "dmz"
            elif line.startswith("! On every other interface"):
                where = "other"
            found = re.fullmatch(r"! +(ip access-group|ipv6 traffic-filter) (\S+) (in|out)", line)
            if found:
                family = 4 if found[1].startswith("ip ") else 6
                self.bound[(where, family, found[3])] = self.lists[(family, found[2])]
        if len(self.bound) != 8:
            raise Unknown("the head does not say where the lists belong")

    def list_of(self, interface, family, direction):
        return self.bound[("dmz" if interface == self.dmz else "other", family, direction)]

    def passes(self, entries, packet, states):
        key = (id(entries), packet.src, packet.dst)
        if key not in self.known:
            src, dst = address_of(packet.src), address_of(packet.dst)
            self.known[key] = [e for e in entries
                               if isinstance(e, str) or (src in e.source and dst in e.target)]
        for entry in self.known[key]:
            if isinstance(entry, str):
                if (entry, packet.proto, packet.src, packet.sport, packet.dst,
                        packet.dport) in states:
                    return True
            elif entry.matches(packet):
                if entry.reflect:
                    states.add((entry.reflect, packet.proto, packet.dst, packet.dport, packet.src,
                                packet.sport))
                return entry.action == "permit"
        return False

    def permits(self, packet, states=None):
        if states is None:
            states = set()
        return (self.passes(self.list_of(packet.arrival, packet.family, "in"), packet, states) and
                self.passes(self.list_of(packet.leaving, packet.family, "out"), packet, states))
