"""Rings of hosts: each is linked to the next ones, by two links or by four."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class RingLink(NamedTuple):
    """A link of a ring."""

    hosts: tuple[str, str]
    interfaces: tuple[str, str]
    subnet: str
    """Without its length, which is 24."""


def ring(hosts: int, span: int = 1) -> Iterator[RingLink]:
    """The links of a ring, in which each host has a link to each of the ``span`` next ones."""
    for number in range(hosts * span):
        step, first = divmod(number, hosts)
        names = f"h{first}", f"h{(first + step + 1) % hosts}"
        subnet = f"10.{number >> 8}.{number & 255}.0"
        yield RingLink(names, (f"a{number}", f"b{number}"), subnet)


def as_file(hosts: int, span: int = 1) -> str:
    """The same as a topology file."""
    links = "".join(
        f"  l{number}: {{ends: [{link.hosts[0]}:{link.interfaces[0]}, "
        f"{link.hosts[1]}:{link.interfaces[1]}], subnet: {link.subnet}/24}}\n"
        for number, link in enumerate(ring(hosts, span))
    )
    listed = "".join(f"  h{number}: {{}}\n" for number in range(hosts))
    return f"topology: 1\nname: ring\nhosts:\n{listed}links:\n{links}"
