"""Whether the keys of one link fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from lab import units
from lab.errors import UsageError
from lab.model import addressing, names, placing
from lab.model.problem import KeyPath, Problem
from lab.model.reading import Found, mapping, readable, texts
from lab.model.shape import keys
from lab.model.topology import Shaping

Keys = Mapping[str, object]

IPV6_MTU = 1280
"""octets"""


class Written(NamedTuple):
    """What is written for one direction."""

    keys: dict[str, Found[object]]
    """Its own keys and those for both directions."""
    complete: bool
    """False if a key is misspelled or unreadable, which may be any that is missing."""

    def lacks(self, key: str) -> bool:
        """Whether ``key`` is surely not meant to be there."""
        return self.complete and key not in self.keys


def misfits(path: KeyPath, written: Keys, *, on_switch: bool) -> Iterator[Problem]:
    """What does not fit together in the link at ``path``, but for addresses on a switch."""
    yield from _ends(path, written)
    if not on_switch:
        yield from _addresses(path, written)
    yield from _written_twice(path, written)
    directions = _directions(path, written)
    for key, needed in NEEDS.items():
        yield from _key_without(key, needed, directions)
    yield from _jitter_over_delay(directions)
    yield from _mtu_below_ipv6(path, written)


def _ends(path: KeyPath, written: Keys) -> Iterator[Problem]:
    ends = [*readable(names.split_end, texts((*path, "ends"), written.get("ends")))]
    if len(ends) == 2 and ends[0].value.node == ends[1].value.node:
        node = names.shown(ends[1].value.node)
        yield Problem(ends[1].path, f"the link leads from {node} to itself")


def _addresses(path: KeyPath, written: Keys) -> Iterator[Problem]:
    ends = [end.value for end in texts((*path, "ends"), written.get("ends"))]
    subnets, chosen = placing.subnets(path, written), placing.chosen(path, written)
    yield from placing.strangers(path, ends, chosen)
    if subnets:
        for end, found in chosen.items():
            if end in ends:
                yield from placing.misplaced(found, subnets, "link")
        yield from placing.shared(ends[:2], subnets, chosen)


def _written_twice(path: KeyPath, written: Keys) -> Iterator[Problem]:
    for side in ("there", "back"):
        for key in Shaping.model_fields:
            if key in written and key in mapping(written.get(side)):
                message = f"{key!r} is written for both directions too; write it in one place"
                yield Problem((*path, side, key), message, at_key=True)


NEEDS = {"queue": "rate", "distribution": "jitter", "reorder": "delay"}
"""Keys that mean nothing without another."""


def _key_without(key: str, needed: str, directions: list[Written]) -> Iterator[Problem]:
    for direction in directions:
        if key in direction.keys and direction.lacks(needed):
            article = "an" if key[0] in "aeiou" else "a"
            message = f"{article} {key} needs a {needed} in each direction that it holds for"
            yield Problem(direction.keys[key].path, message, at_key=True)


def _mtu_below_ipv6(path: KeyPath, written: Keys) -> Iterator[Problem]:
    """RFC 8200, section 5."""
    mtu = next(readable(units.mtu, texts((*path, "mtu"), written.get("mtu"))), None)
    if mtu and mtu.value < IPV6_MTU:
        subnets = readable(addressing.subnet, texts((*path, "subnet"), written.get("subnet")))
        for subnet in subnets:
            if subnet.value.version == 6:
                message = f"IPv6 ({subnet.value}) needs an mtu of at least {IPV6_MTU} B"
                yield Problem(mtu.path, message)


def _jitter_over_delay(directions: list[Written]) -> Iterator[Problem]:
    """Packets cannot arrive before they are sent; emulators would cut the jitter off quietly."""
    for direction in directions:
        values = {key: found.value for key, found in direction.keys.items()}
        if direction.lacks("delay"):
            values["delay"] = "0 s"
        jitter, delay = _seconds(values.get("jitter")), _seconds(values.get("delay"))
        if jitter is not None and delay is not None and jitter > delay:
            message = f"jitter {values['jitter']} exceeds the delay, {values['delay']}"
            yield Problem(direction.keys["jitter"].path, message)


def _directions(path: KeyPath, written: Keys) -> list[Written]:
    return [_direction(path, written, side) for side in ("there", "back")]


def _direction(path: KeyPath, written: Keys, side: str) -> Written:
    part = mapping(written.get(side))
    return Written(
        _found(path, written) | _found((*path, side), part),
        complete=isinstance(written.get(side, {}), dict)
        and set(written) <= set(keys(path))
        and set(part) <= set(keys((*path, side))),
    )


def _found(path: KeyPath, written: Keys) -> dict[str, Found[object]]:
    return {key: Found((*path, key), value) for key, value in written.items()}


def _seconds(text: object) -> float | None:
    try:
        return units.duration(text) if isinstance(text, str) else None
    except UsageError:
        return None
