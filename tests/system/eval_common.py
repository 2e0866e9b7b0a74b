# SPDX-License-Identifier: GPL-3.0-or-later
"""What the evaluators of packet-filter dialects share: addresses as numbers, and the refusal of what
they do not know. Each evaluator is written from the vendor's manual, not from the exporter: it takes the
text and says of a packet (lib_border.Packet) whether the device would let it through."""

import ipaddress


class Unknown(AssertionError):
    """Text that the device would refuse, or that the evaluator does not know."""


def refuse(number, line, why):
    raise Unknown("line %d: %s: %s" % (number, why, line))


def address(text):
    """An address as (family, number)."""
    found = ipaddress.ip_address(text)
    return found.version, int(found)


class Network:
    """A network, written as an address with a length, or as one address."""

    def __init__(self, text):
        network = ipaddress.ip_network(text, strict=True)
        self.family = network.version
        self.length = network.prefixlen
        self.low = int(network.network_address)
        self.high = int(network.broadcast_address)

    def __contains__(self, where):
        return where[0] == self.family and self.low <= where[1] <= self.high


class Masked:
    """An IPv4 address with a mask of bits that must be equal."""

    def __init__(self, text, mask):
        self.value = address(text)[1]
        self.mask = mask
        if address(text)[0] != 4:
            raise Unknown("%s with a mask is no IPv4 address" % text)
        if self.value & ~mask & 0xffffffff:
            raise Unknown("%s has bits outside of its mask" % text)

    def __contains__(self, where):
        return where[0] == 4 and where[1] & self.mask == self.value


class Anywhere:
    def __init__(self, families=(4, 6)):
        self.families = families

    def __contains__(self, where):
        return where[0] in self.families


class Group:
    """Several at once. With an address as the key, what was found is kept: matrices ask again."""

    def __init__(self, members=()):
        self.members = list(members)
        self.known = {}

    def __contains__(self, where):
        if where not in self.known:
            self.known[where] = any(where in member for member in self.members)
        return self.known[where]


def port(text):
    number = int(text)
    if str(number) != text or not 1 <= number <= 65535:
        raise Unknown("%s is no port" % text)
    return number


class Rule:
    """One line of a first-match list. `services`: pairs (protocol, first, last); None: every one."""

    def __init__(self, action, source, target, services, number):
        self.action = action
        self.source = source
        self.target = target
        self.services = services
        self.number = number

    def matches(self, packet):
        return address_pair(packet) in self and self.serves(packet)

    def __contains__(self, pair):
        return pair[0] in self.source and pair[1] in self.target

    def serves(self, packet):
        return self.services is None or any(
            proto == packet.proto and first <= packet.dport <= last
            for proto, first, last in self.services)


def address_pair(packet):
    return address_of(packet.src), address_of(packet.dst)


_addresses = {}


def address_of(text):
    if text not in _addresses:
        _addresses[text] = address(text)
    return _addresses[text]


class FirstMatch:
    """An ordered list: the first rule that matches decides."""

    def __init__(self, rules):
        self.rules = rules
        self.pairs = {}

    def find(self, packet):
        """The rule, or None."""
        pair = address_pair(packet)
        if pair not in self.pairs:
            self.pairs[pair] = [rule for rule in self.rules if pair in rule]
        for rule in self.pairs[pair]:
            if rule.serves(packet):
                return rule
        return None


def tuple_of(packet):
    return packet.proto, packet.src, packet.sport, packet.dst, packet.dport


class Stateful:
    """A device that keeps connections: what belongs to a permitted one passes. `decide` says of a
    first packet."""

    def permits(self, packet, states=None):
        if states is not None and tuple_of(packet) in states:
            return True
        if not self.decide(packet):
            return False
        if states is not None:
            states.add(tuple_of(packet))
            states.add((packet.proto, packet.dst, packet.dport, packet.src, packet.sport))
        return True
