"""What every change of a network in mid-run can do, and the places that changes name. Pure."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from lab.build import Network
from lab.errors import UsageError
from lab.hop import Directions
from lab.link import WAYS, Way
from lab.model import Topology
from lab.model.names import hint, shown


class Change(Protocol):
    """One change of a network, known before it is made."""

    def check(self, network: Network) -> None:
        """See that the change can be made, before anything is played.

        :raises UsageError: the topology has no such link, end or value.
        :raises Unsupported: this network cannot be changed so.
        """

    def make(self, network: Network) -> None:
        """Make the change; when this returns, it holds."""


@runtime_checkable
class Lasting(Change, Protocol):
    """A change on whose outcome it depends whether later ones can be made."""

    def foresee(self, network: Network, courses: dict[str, list[Directions]]) -> None:
        """See that it can be made after those before it, and add what the link does then.

        ``courses`` has what links are to do, by their names.

        :raises UsageError: the link has no part that could do it.
        :raises Unsupported: what emulates the link cannot do it.
        """


class Place(NamedTuple):
    """A link, or one end of it."""

    link: str
    ends: tuple[int, ...]
    """Which of its ends are meant: 0 for the first, 1 for the second."""


def place(topology: Topology, where: str) -> Place:
    """The link, or the end ``node:interface``, that ``where`` names.

    :raises UsageError: there is none.
    """
    if not isinstance(where, str):
        raise UsageError(f"{where!r} is not the name of a link, nor an end, 'node:interface'")
    if where in topology.links:
        return Place(where, (0, 1))
    ends = {
        str(end): Place(name, (number,))
        for name, link in topology.links.items()
        for number, end in enumerate(link.ends)
    }
    if where in ends:
        return ends[where]
    what, known = ("end", [*ends]) if ":" in where else ("link", [*topology.links])
    raise UsageError(
        f"topology {topology.name!r} has no {what} {shown(where)} ({hint(where, known)})"
    )


def end(topology: Topology, where: str) -> Place:
    """The one end that ``where`` names.

    :raises UsageError: it names none, or a link.
    """
    found = place(topology, where)
    if len(found.ends) != 1:
        ends = " or ".join(repr(str(each)) for each in topology.link(where).ends)
        raise UsageError(f"{shown(where)} is a link; an address is at one of its ends: {ends}")
    return found


def require_way(way: object) -> None:
    """See that ``way`` is a direction of a link, or None for both.

    :raises UsageError: it is not.
    """
    if way not in (*WAYS, None):
        known = ", ".join(map(repr, WAYS))
        raise UsageError(f"a link has no direction {way!r} (known: {known}, and None for both)")


def ways(way: Way | None) -> tuple[Way, ...]:
    """The directions that ``way`` stands for."""
    return WAYS if way is None else (way,)
