"""What a ruleset of nftables does to a packet; pure. The ruleset is what ``nft -j list`` prints.

Of what is not known here (a named set, a mark, a rate limit), it is not known whether it matches:
such a rule *may* drop the packet. Source: libnftables-json(5).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from lab.doctor.packet import Packet

Json = Mapping[str, Any]

_UNKNOWN = object()
_FAMILIES = {4: ("ip", "inet"), 6: ("ip6", "inet")}
_MP_JOIN = 1
"""RFC 8684, section 8"""
_DROPS = ("drop", "reject")
_DEEPEST = 16
"""Jumps, as in the kernel: NFT_JUMP_STACK_SIZE of <net/netfilter/nf_tables.h>"""


class Harm(NamedTuple):
    """What is done to a packet."""

    does: str
    """drops it, or strips its MPTCP options"""
    certain: bool
    """False if the rule has conditions that are not known here"""
    chain: Json
    rule: Json | None
    """None: the chain's policy"""


class Ruleset:
    """The chains and rules of one network namespace."""

    def __init__(self, listed: Json) -> None:
        objects = listed.get("nftables", [])
        self._chains = [each["chain"] for each in objects if "chain" in each]
        self._rules = [each["rule"] for each in objects if "rule" in each]

    def harms(self, packet: Packet) -> Iterator[Harm]:
        """What would keep the packet, or its options, from passing."""
        families = _FAMILIES[packet.source.version]
        bases = [c for c in self._chains if c.get("hook") in packet.hooks and "hook" in c]
        for chain in sorted(bases, key=lambda c: (packet.hooks.index(c["hook"]), c["prio"])):
            if chain["family"] in families:
                yield from self._base(chain, packet)

    def _base(self, chain: Json, packet: Packet) -> Iterator[Harm]:
        ended = yield from self._chain(chain, packet, sure=True, depth=0)
        if ended is not True and chain.get("policy") == "drop":
            yield Harm("drops", ended is False, chain, None)

    def _chain(
        self, chain: Json, packet: Packet, *, sure: bool, depth: int
    ) -> Generator[Harm, None, bool | None]:
        """Whether the packet's way through the base chain ends here; None: it may."""
        ends: bool | None = False
        for rule in self._of(chain):
            matches = _matches(rule["expr"], packet)
            if matches is False:
                continue
            words = {word: value for each in rule["expr"] for word, value in each.items()}
            if "return" in words:
                if matches:
                    return ends
                sure = False  # it may have returned
                continue
            certain = sure and matches is True
            ended = yield from self._verdict(chain, rule, words, packet, certain, depth)
            if ended and matches:
                return True
            if ended is not False:
                ends = None
        return ends

    def _verdict(
        self, chain: Json, rule: Json, words: Json, packet: Packet, certain: bool, depth: int
    ) -> Generator[Harm, None, bool | None]:
        if any(word in words for word in _DROPS):
            yield Harm("drops", certain, chain, rule)
            return True
        if _is_mptcp(words.get("reset")) or _strips(words.get("xt")):
            yield Harm("strips the MPTCP options of", certain, chain, rule)
        if "accept" in words:
            return True
        target = words.get("jump") or words.get("goto")
        if target and depth < _DEEPEST:
            inner = {**chain, "name": target["target"]}
            return (yield from self._chain(inner, packet, sure=certain, depth=depth + 1))
        return False

    def _of(self, chain: Json) -> Sequence[Json]:
        place = ("family", "table")
        return [
            rule
            for rule in self._rules
            if rule["chain"] == chain["name"] and all(rule[k] == chain[k] for k in place)
        ]


def _is_mptcp(reset: Any) -> bool:
    return bool(reset) and reset.get("tcp option", {}).get("name") == "mptcp"


def _strips(target: Any) -> bool:
    return isinstance(target, dict) and target.get("name") == "TCPOPTSTRIP"


def _matches(expressions: Sequence[Json], packet: Packet) -> bool | None:
    """Whether all conditions hold; None: that is not known."""
    found = [_holds(each, packet) for each in expressions]
    return False if False in found else None if None in found else True


def _holds(expression: Json, packet: Packet) -> bool | None:
    if "limit" in expression or "quota" in expression:
        return None
    match = expression.get("match")
    if match is None:
        return True
    value, right = _value(match["left"], packet), match["right"]
    if value is _UNKNOWN or match["op"] not in ("==", "!=", "in"):
        return None
    if isinstance(value, set):
        return _overlap(value, match["op"], right)
    same = _equal(value, right)
    return same if same is None or match["op"] != "!=" else not same


def _overlap(value: set[str], op: str, right: Any) -> bool:
    """Of flags and states: ``in`` is any of them, ``==`` all of a mask, or one of a set."""
    several = right["set"] if isinstance(right, dict) else right
    wanted = {several} if isinstance(several, str) else set(several)
    found = bool(value & wanted) if op == "in" or isinstance(right, dict) else value == wanted
    return found != (op == "!=")


def _value(left: Json, packet: Packet) -> Any:
    """What the packet has there."""
    if "&" in left:
        mask = left["&"][1]
        inner = _value(left["&"][0], packet)
        known = isinstance(inner, set) and isinstance(mask, str | list)
        return inner & set([mask] if isinstance(mask, str) else mask) if known else _UNKNOWN
    if "tcp option" in left:
        if packet.too_big:
            return None
        option = left["tcp option"]
        fields: dict[object, object] = {None: True, "subtype": _MP_JOIN}
        return fields.get(option.get("field"), _UNKNOWN) if option["name"] == "mptcp" else _UNKNOWN
    kind = next((k for k in ("payload", "meta", "ct") if k in left), None)
    if kind is None:
        return _UNKNOWN
    what = left[kind]
    key = f"{what['protocol']} {what['field']}" if kind == "payload" else f"{kind} {what['key']}"
    return _known(packet).get(key, _UNKNOWN)


def _known(packet: Packet) -> dict[str, Any]:
    version = packet.source.version
    ours, others = ("ip", "ip6") if version == 4 else ("ip6", "ip")
    port = _UNKNOWN if packet.port is None else packet.port
    tcp = {"tcp sport" if packet.answer else "tcp dport": port, "tcp flags": packet.flags}
    icmp = {"icmp type": "destination-unreachable", "icmpv6 type": "packet-too-big"}
    other = dict.fromkeys(("tcp sport", "tcp dport"))
    return {
        **({**other, **icmp} if packet.too_big else tcp),
        f"{ours} saddr": packet.source,
        f"{ours} daddr": packet.destination,
        f"{others} saddr": None,
        f"{others} daddr": None,
        f"{ours} protocol": packet.protocol,
        f"{ours} nexthdr": packet.protocol,
        "meta l4proto": packet.protocol,
        "meta nfproto": f"ipv{version}",
        "meta iifname": packet.arriving,
        "meta iif": packet.arriving,
        "meta oifname": packet.leaving,
        "meta oif": packet.leaving,
        "ct state": packet.state,
    }


def _equal(value: Any, right: Any) -> bool | None:
    if isinstance(right, dict) and "set" in right:
        found = [_equal(value, each) for each in right["set"]]
        return True if True in found else None if None in found else False
    if isinstance(right, dict) and "prefix" in right:
        prefix = right["prefix"]
        return value is not None and value in ip_network(f"{prefix['addr']}/{prefix['len']}")
    if isinstance(right, dict) and "range" in right:
        least, most = (_like(value, each) for each in right["range"])
        return value is not None and least <= value <= most
    if isinstance(right, str) and right.startswith("@"):
        return None
    if isinstance(value, str) and isinstance(right, str):
        return fnmatchcase(value, right)
    return bool(value == _like(value, right))


def _like(value: Any, text: Any) -> Any:
    """What is written in a rule, as the packet has it."""
    if not isinstance(text, str) or value is None or isinstance(value, str | bool | int):
        return text
    try:
        return ip_address(text)
    except ValueError:
        return text  # a name, which is no address
