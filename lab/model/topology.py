"""The values that a topology file holds, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from lab.errors import UsageError
from lab.model import addressing, fields, names
from lab.model.bursts import Bursts
from lab.units import Queue


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link: an interface of a node."""

    node: str
    """name of a host or router"""
    interface: str
    """name of the interface inside the node's network namespace"""
    addresses: tuple[addressing.Interface, ...]
    """addresses with their prefix lengths, in the order of the link's subnets"""

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
    middlebox: tuple[Any, ...] = ()
    """what alters packets, in the order in which they meet it"""


class _Keys(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shaping(_Keys):
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

    def written(self) -> dict[str, Any]:
        """The keys that are written, as arguments of a :class:`Direction`."""
        values = {key: getattr(self, key) for key in Shaping.model_fields}
        return {key: value for key, value in values.items() if value is not None}


class Host(_Keys):
    """A multi-homed host."""

    aliases: fields.HostNames = Field(
        default=(), description="Further names that resolve to this host."
    )
    path_manager: fields.PathManager = Field(
        default=None, description="Who manages its subflows; the kernel's default unless written."
    )


class Router(_Keys):
    """A node that forwards IPv4 and IPv6 between its links."""


class Link(Shaping):
    """A link between two nodes; its own keys hold for both directions."""

    end_names: fields.EndNames = Field(
        alias="ends", description="The two ends, each node:interface."
    )
    subnets: fields.Subnets = Field(
        alias="subnet", description="One subnet or several, IPv4 and IPv6."
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

    @property
    def ends(self) -> tuple[End, End]:
        """First and second end, with their addresses."""
        first, second = self.end_names
        return self._end(first, 0), self._end(second, 1)

    def _end(self, name: names.EndName, number: int) -> End:
        chosen = self.chosen.get(str(name), ())
        return End(*name, tuple(addressing.assign(self.subnets, chosen, number)))

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


class Topology(_Keys):
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
    links: Mapping[str, Link] = Field(
        description="Links by name.", json_schema_extra={"propertyNames": fields.LABEL_SCHEMA}
    )

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the hosts, then of the routers."""
        return (*self.hosts, *self.routers)

    def link(self, name: str) -> Link:
        """The link of that name.

        :raises UsageError: there is none.
        """
        if name not in self.links:
            raise UsageError(
                f"topology {self.name!r} has no link {name!r} ({names.hint(name, self.links)})"
            )
        return self.links[name]

    def ends_of(self, node: str) -> tuple[tuple[Link, End], ...]:
        """The links of a node, each with its end there.

        :raises UsageError: there is no such node.
        """
        if node not in self.nodes:
            raise UsageError(
                f"topology {self.name!r} has no node {node!r} ({names.hint(node, self.nodes)})"
            )
        return tuple(
            (link, end) for link in self.links.values() for end in link.ends if end.node == node
        )

    def addresses_of(self, node: str) -> tuple[addressing.Interface, ...]:
        """Every address of a node, in the order of its links.

        :raises UsageError: there is no such node.
        """
        return tuple(address for _, end in self.ends_of(node) for address in end.addresses)
