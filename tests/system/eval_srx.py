# SPDX-License-Identifier: GPL-3.0-or-later
"""Junos on SRX, from the guides for security policies and the CLI:

- set commands in order; what stands under "groups NAME" is in force only where apply-groups names it.
- address books: an address is a prefix, an address set has addresses and address sets. The global book
  can be used by policies of every context. A name is at most 63 characters long.
- an application needs a protocol; destination-port is a number or LOW-HIGH. An application set has
  applications.
- a policy needs source-address, destination-address and application; looked up are policies inside a zone,
  then from zone to zone, then the global ones, each in order, the first that matches decides. Behind them
  stands the default policy, which denies.
- Sessions are kept: replies to what was permitted pass.
- Lines that begin with # are comments; a text with spaces is quoted."""

import re

from eval_common import Anywhere, FirstMatch, Group, Network, Rule, Stateful, Unknown, port, refuse

NAME = r"[A-Za-z][A-Za-z0-9_-]{0,62}"
BOOK = ("security", "address-book", "global")
GLOBAL = ("security", "policies", "global", "policy")


class Srx(Stateful):
    def __init__(self, text):
        self.addresses = {}
        self.sets = {}
        self.applications = {}
        self.application_sets = {}
        self.policies = {}
        self.groups = set()
        self.applied = set()
        for number, line in enumerate(text.splitlines(), 1):
            if not line.isascii() or not line.isprintable():
                refuse(number, line, "characters that the command line does not take")
            if not line or line.startswith("#"):
                continue
            try:
                self.take(self.words(line))
            except Unknown as problem:
                refuse(number, line, problem)
            except (ValueError, IndexError, KeyError) as problem:
                refuse(number, line, repr(problem))
        if self.groups != self.applied:
            raise Unknown("a configuration group that is not applied")
        self.list = FirstMatch([self.commit(name, policy) for name, policy in self.policies.items()])

    @staticmethod
    def words(line):
        parts = re.findall(r'"[^"\\]*"|[^\s"]+', line)
        if " ".join(parts) != line:
            raise Unknown("quotes or spaces")
        return parts

    def take(self, words):
        if words == ["delete", "groups", "lazaret"]:
            if self.groups:
                raise Unknown("deletes what it has made")
        elif words[:2] == ["set", "apply-groups"] and len(words) == 3:
            if words[2] not in self.groups:
                raise Unknown("a group that is not there")
            self.applied.add(words[2])
        elif words[:2] == ["set", "groups"]:
            self.groups.add(words[2])
            self.statement(words[3:])
        else:
            raise Unknown("a command")

    @staticmethod
    def name(text):
        if not re.fullmatch(NAME, text):
            raise Unknown("a name")
        return text

    def statement(self, words):
        if tuple(words[:3]) == BOOK:
            self.book(words[3:])
        elif words[0] == "applications":
            self.application(words[1:])
        elif tuple(words[:4]) == GLOBAL:
            self.policy(words[4:])
        else:
            raise Unknown("a statement")

    def book(self, words):
        if words[0] == "address" and len(words) == 3:
            if words[1] in self.addresses or words[1] in self.sets:
                raise Unknown("an address again")
            self.addresses[self.name(words[1])] = Network(words[2])
        elif words[0] == "address-set" and len(words) == 4:
            group = self.sets.setdefault(self.name(words[1]), Group())
            if words[2] == "address":
                group.members.append(self.addresses[words[3]])
            elif words[2] == "address-set":
                group.members.append(self.sets[words[3]])
            else:
                raise Unknown("a member")
            if words[1] in self.addresses:
                raise Unknown("a set with the name of an address")
            if len(group.members) > 1024:
                raise Unknown("more members than a set takes")
        else:
            raise Unknown("an entry of the book")

    def application(self, words):
        if words[0] == "application" and len(words) == 4:
            entry = self.applications.setdefault(self.name(words[1]), {})
            if words[2] not in ("protocol", "destination-port") or words[2] in entry:
                raise Unknown("an application")
            entry[words[2]] = words[3]
        elif words[0] == "application-set" and words[2] == "application" and len(words) == 4:
            self.application_sets.setdefault(self.name(words[1]), []).append(words[3])
        else:
            raise Unknown("an application")

    def policy(self, words):
        policy = self.policies.setdefault(self.name(words[0]), {"match": {}, "then": None})
        if words[1] == "description" and len(words) == 3:
            if words[2][0] != '"' or len(words[2]) > 200:
                raise Unknown("a description")
        elif words[1] == "match" and len(words) == 4:
            policy["match"].setdefault(words[2], []).append(words[3])
        elif words[1:] in (["then", "permit"], ["then", "deny"]):
            if policy["then"]:
                raise Unknown("another action")
            policy["then"] = words[2]
        elif words[1:] != ["then", "log", "session-init"]:
            raise Unknown("a part of a policy")

    def commit(self, name, policy):
        match = policy["match"]
        if set(match) != {"source-address", "destination-address", "application"}:
            raise Unknown("policy %s lacks a part of its match" % name)
        if not policy["then"]:
            raise Unknown("policy %s does nothing" % name)
        return Rule(policy["then"], self.ends(match["source-address"]),
                    self.ends(match["destination-address"]), self.services(match["application"]),
                    name)

    def ends(self, names):
        if names == ["any"]:
            return Anywhere()
        return Group([self.sets[n] if n in self.sets else self.addresses[n] for n in names])

    def services(self, names):
        if names == ["any"]:
            return None
        single = [a for n in names for a in self.application_sets.get(n, [n])]
        found = []
        for entry in (self.applications[n] for n in single):
            low, _, high = entry["destination-port"].partition("-")
            if entry["protocol"] not in ("tcp", "udp") or (high and port(low) >= port(high)):
                raise Unknown("an application")
            found.append((entry["protocol"], port(low), port(high or low)))
        return found

    def decide(self, packet):
        rule = self.list.find(packet)
        return rule is not None and rule.action == "permit"
