"""The values that a topology file holds, and what follows from them."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, PrivateAttr

from lab.errors import UsageError
from lab.model import addressing, box_fields, fields, names
from lab.model.boxes import Middlebox
from lab.model.bursts import Bursts
from lab.model.keys import Keys
from lab.model.nodes import Router, Switch
from lab.model.segments import Segment, segments
from lab.model.settings import Settings
from lab.units import Queue


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link: an interface of a node."""

    node: str
    """name of a host, router or switch"""
    interface: str
    """name of the interface inside the node's network namespace"""
    addresses: tuple[addressing.Interface, ...]
    """addresses with their prefix lengths, in the order of the link's subnets; a switch has none"""

    def __str__(self) -> str:
        return f"{self.node}:{self.interface}"


@dataclass(frozen=True, slots=True)
class Direction:
    """What one direction of a link does to packets; the defaults do nothing."""

    rate: int | None = None
    """bit/s; None does not shape"""
    queue: Queue | None = None
    """what may wait for the rate; None leaves it to whoever shapes"""
    delay: float = 0.0
    """seconds"""
    jitter: float = 0.0
    """seconds around the delay, at most the delay itself"""
    distribution: str = "uniform"
    """of the jitter: within it (uniform), or with it as the standard deviation (the others)"""
    loss: float | Bursts = 0.0
    """fraction of packets, 0.0 to 1.0, or how bursts of them are lost"""
    duplicate: float = 0.0
    """fraction of packets that come more than once"""
    reorder: float = 0.0
    """fraction of packets that do not wait for the delay, and so overtake others"""
    corrupt: float = 0.0
    """fraction of packets of which one bit is inverted"""
    middlebox: tuple[Middlebox, ...] = ()
    """what alters packets, in the order in which they meet it"""


class Shaping(Keys):
    """What a link does to packets, as far as it is written."""

    rate: fields.Rate = Field(default=None, description="Bit rate; not shaped unless written.")
    queue: fields.Queue = Field(
        default=None,
        description="What may wait for the rate: packets, bytes, or time at that rate.",
    )
    delay: fields.Duration = Field(default=None, description="One-way delay.")
    jitter: fields.Duration = Field(
        default=None, description="Variation around the delay, at most the delay itself."
    )
    distribution: fields.Distribution = Field(
        default=None,
        description="Of the jitter: uniform, or with it as the standard deviation.",
    )
    loss: Annotated[Bursts | None, fields.LOSS] = Field(
        default=None, description="Share of packets lost at random, or how bursts are lost."
    )
    duplicate: fields.Share = Field(
        default=None, description="Share of packets that come more than once."
    )
    reorder: fields.Share = Field(
        default=None, description="Share of packets that do not wait for the delay."
    )
    corrupt: fields.Share = Field(
        default=None, description="Share of packets of which one bit is inverted."
    )
    middlebox: Annotated[tuple[Middlebox, ...] | None, box_fields.Listed] = Field(
        default=None, description="Boxes that change packets, in the order that packets meet them."
    )

    def written(self) -> dict[str, Any]:
        """The keys that are written, as arguments of a :class:`Direction`."""
        values = {key: getattr(self, key) for key in Shaping.model_fields}
        return {key: value for key, value in values.items() if value is not None}


class Host(Settings):
    """A multi-homed host."""

    aliases: fields.HostNames = Field(
        default=(), description="Further names that resolve to this host."
    )


class Link(Shaping):
    """A link between two nodes; its own keys hold for both directions."""

    end_names: fields.EndNames = Field(
        alias="ends", description="The two ends, each node:interface."
    )
    subnets: fields.Subnets = Field(
        default=(),
        alias="subnet",
        description="One subnet or several, IPv4 and IPv6; that of its switch if it has one.",
    )
    chosen: Mapping[str, fields.Addresses] = Field(
        default={},
        alias="addresses",
        description="Addresses of an end, instead of a subnet's first (first end) or second one.",
        json_schema_extra={"propertyNames": fields.END_SCHEMA},
    )
    mtu: fields.Mtu = Field(
        default=None, description="Largest IP packet of both interfaces; 1500 B unless written."
    )
    only_there: Shaping = Field(
        default=Shaping(), alias="there", description="From the first end to the second only."
    )
    only_back: Shaping = Field(
        default=Shaping(), alias="back", description="From the second end to the first only."
    )

    _ends: tuple[End, End] = PrivateAttr()

    @property
    def ends(self) -> tuple[End, End]:
        """First and second end, with their addresses."""
        return self._ends

    def placed(self, segment: Segment) -> Link:
        """The same link with the subnets and addresses that it has in ``segment``."""
        placed = self.model_copy(update={"subnets": segment.subnets})
        first, second = self.end_names
        placed._ends = self._end(segment, first), self._end(segment, second)
        return placed

    def _end(self, segment: Segment, name: names.EndName) -> End:
        if name not in segment.ends:
            return End(*name, ())
        chosen, number = self.chosen.get(str(name), ()), segment.ends.index(name)
        return End(*name, tuple(addressing.assign(segment.subnets, chosen, number)))

    @property
    def there(self) -> Direction:
        """From the first end to the second."""
        return Direction(**self.written() | self.only_there.written())

    @property
    def back(self) -> Direction:
        """From the second end to the first."""
        return Direction(**self.written() | self.only_back.written())

    def end_at(self, node: str) -> End:
        """The end at ``node``.

        :raises UsageError: the link does not touch that node.
        """
        for end in self.ends:
            if end.node == node:
                return end
        raise UsageError(
            f"the link between {' and '.join(map(str, self.end_names))} has no end at {node!r}"
        )

    def other(self, end: End) -> End:
        """The end opposite to ``end``."""
        first, second = self.ends
        return second if end == first else first


class Topology(Keys):
    """A network of multi-homed hosts."""

    topology: fields.Format = Field(description="Number of the format.")
    name: fields.Label = Field(description="Name of the topology.")
    hosts: Mapping[str, Host] = Field(
        description="Hosts by name.",
        json_schema_extra={"propertyNames": fields.HOST_SCHEMA, "minProperties": 1},
    )
    routers: Mapping[str, Router] = Field(
        default={},
        description="Routers by name.",
        json_schema_extra={"propertyNames": fields.HOST_SCHEMA},
    )
    switches: Mapping[str, Switch] = Field(
        default={},
        description="Switches by name.",
        json_schema_extra={"propertyNames": fields.HOST_SCHEMA},
    )
    written: Mapping[str, Link] = Field(
        alias="links",
        description="Links by name.",
        json_schema_extra={"propertyNames": fields.LABEL_SCHEMA},
    )

    @cached_property
    def links(self) -> Mapping[str, Link]:
        """The links by name."""
        return {name: link.placed(self._segments[name]) for name, link in self.written.items()}

    @cached_property
    def _segments(self) -> Mapping[str, Segment]:
        links = {name: (link.end_names, link.subnets) for name, link in self.written.items()}
        switches = {name: switch.subnets for name, switch in self.switches.items()}
        return segments(links, switches, self.routers)

    @cached_property
    def _ends(self) -> Mapping[str, tuple[tuple[Link, End], ...]]:
        found: defaultdict[str, list[tuple[Link, End]]] = defaultdict(list)
        for link in self.links.values():
            for end in link.ends:
                found[end.node].append((link, end))
        return {node: tuple(ends) for node, ends in found.items()}

    @cached_property
    def sha256(self) -> str:
        """Hash of what is declared, in hexadecimal: neither comments nor the units used matter."""
        text = self.model_dump_json(by_alias=True, exclude_unset=True, warnings=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the hosts, then of the routers."""
        return (*self.hosts, *self.routers)

    def link(self, name: str) -> Link:
        """The link of that name.

        :raises UsageError: there is none.
        """
        if not isinstance(name, str):
            raise UsageError(f"{name!r} is not the name of a link")
        if name not in self.links:
            raise UsageError(
                f"topology {self.name!r} has no link {name!r} ({names.hint(name, self.links)})"
            )
        return self.links[name]

    def ends_of(self, node: str) -> tuple[tuple[Link, End], ...]:
        """The links of a host, router or switch, each with its end there.

        :raises UsageError: there is no such node.
        """
        if node not in self.nodes and node not in self.switches:
            raise UsageError(
                f"topology {self.name!r} has no node {node!r} ({names.hint(node, self.nodes)})"
            )
        return self._ends.get(node, ())

    def neighbours(self, end: End) -> tuple[End, ...]:
        """The ends that ``end`` reaches without a router, in the order of their addresses."""
        around = self._around[str(end)]
        return tuple(found for name, found in around.items() if name != str(end))

    @cached_property
    def _around(self) -> Mapping[str, Mapping[str, End]]:
        """By each end that has addresses, it and all of its segment."""
        ends = {str(end): end for link in self.links.values() for end in link.ends}
        found: dict[str, Mapping[str, End]] = {}
        for segment in set(self._segments.values()):
            inside = {str(name): ends[str(name)] for name in segment.ends}
            found |= dict.fromkeys(inside, inside)
        return found

    def addresses_of(self, node: str) -> tuple[addressing.Interface, ...]:
        """Every address of a node, in the order of its links.

        :raises UsageError: there is no such node.
        """
        return tuple(address for _, end in self.ends_of(node) for address in end.addresses)
