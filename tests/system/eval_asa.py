# SPDX-License-Identifier: GPL-3.0-or-later
"""Cisco ASA 9.x, from the CLI book for firewalls and the command reference:

- object groups: members of a network group are "host A", "A MASK" or "V6/LENGTH"; of a service group
  "service-object PROTOCOL destination OPERATOR PORT". All objects share one space of names, a name has
  at most 64 characters. A group must be there, and not be empty, before a rule uses it.
- access-list ID extended {permit|deny} SERVICE SOURCE DESTINATION; since 9.0(1) "any" means both
  families. The first entry that matches decides; at the end of a list stands an implicit deny.
- access-group ID global: applied to all interfaces, inbound, behind their own lists.
- A question mark asks for help wherever it stands; a remark has at most 100 characters.
- Connections are kept: replies to what was permitted pass."""

from eval_common import (Anywhere, FirstMatch, Group, Masked, Network, Rule, Stateful, Unknown,
                         address, port, refuse)


class Asa(Stateful):
    def __init__(self, text):
        self.groups = {}
        self.services = {}
        self.lists = {}
        self.bound = None
        self.mode = None
        for number, line in enumerate(text.splitlines(), 1):
            if not line.isascii() or not line.isprintable() or "?" in line or len(line) > 500:
                refuse(number, line, "characters that the command line does not take")
            if not line or line.startswith("!"):
                continue
            try:
                self.take(line, line.split(), number)
            except Unknown as problem:
                refuse(number, line, problem)
            except (ValueError, IndexError, KeyError) as problem:
                refuse(number, line, repr(problem))
        if self.bound is None:
            raise Unknown("no list is bound")

    def take(self, line, words, number):
        if line.startswith(" "):
            if self.mode is None:
                raise Unknown("a member outside of a group")
            self.member(words)
            return
        self.mode = None
        if words[:2] == ["object-group", "network"] and len(words) == 3:
            self.mode = self.begin(self.groups, words[2], Group())
        elif words[:2] == ["object-group", "service"] and len(words) == 3:
            self.mode = self.begin(self.services, words[2], [])
        elif words[0] == "access-list" and words[2] == "remark":
            if len(line.partition(" remark ")[2]) > 100:
                raise Unknown("a remark that is too long")
        elif words[0] == "access-list" and words[2] == "extended":
            self.lists.setdefault(words[1], []).append(self.entry(words[3:], number))
        elif words[0] == "access-group" and words[2:] == ["global"]:
            self.bound = FirstMatch(self.lists[words[1]])
        else:
            raise Unknown("a command")

    def begin(self, where, name, made):
        if len(name) > 64 or name in self.groups or name in self.services:
            raise Unknown("the name of an object")
        where[name] = made
        return made

    def member(self, words):
        if words[0] == "description":
            if len(" ".join(words[1:])) > 200:
                raise Unknown("a description that is too long")
        elif words[0] == "network-object" and isinstance(self.mode, Group):
            self.mode.members.append(self.network(words[1:]))
        elif words[0] == "service-object" and isinstance(self.mode, list):
            if words[1] not in ("tcp", "udp") or words[2] != "destination":
                raise Unknown("a service")
            self.mode.append((words[1],) + self.ports(words[3:]))
        else:
            raise Unknown("a member")

    @staticmethod
    def network(words):
        if words[0] == "host" and len(words) == 2:
            address(words[1])
            return Network(words[1])
        if len(words) == 1 and ":" in words[0] and "/" in words[0]:
            return Network(words[0])
        if len(words) == 2:
            mask = address(words[1])[1]
            if mask | (mask - 1) != 0xffffffff:
                raise Unknown("a mask with holes")
            return Masked(words[0], mask)
        raise Unknown("a network")

    @staticmethod
    def ports(words):
        if words[0] == "eq" and len(words) == 2:
            return port(words[1]), port(words[1])
        if words[0] == "range" and len(words) == 3 and port(words[1]) < port(words[2]):
            return port(words[1]), port(words[2])
        raise Unknown("ports")

    def entry(self, words, number):
        action = words.pop(0)
        if action not in ("permit", "deny"):
            raise Unknown("an action")
        if words[-1] == "log":
            words.pop()
        service = words.pop(0)
        services = None
        if service == "object-group":
            services = self.services[words.pop(0)]
            if not services:
                raise Unknown("an empty group")
        elif service != "ip":
            raise Unknown("a protocol")
        source, target = self.end(words), self.end(words)
        if words:
            raise Unknown("words behind an entry")
        return Rule(action, source, target, services, number)

    def end(self, words):
        word = words.pop(0)
        if word == "any":
            return Anywhere()
        if word == "object-group":
            group = self.groups[words.pop(0)]
            if not group.members:
                raise Unknown("an empty group")
            return group
        raise Unknown("an end")

    def decide(self, packet):
        rule = self.bound.find(packet)
        return rule is not None and rule.action == "permit"
