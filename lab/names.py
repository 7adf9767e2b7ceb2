"""Host names of a network, for every program in its sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab import sandbox
from lab.model import Topology


def lines(topology: Topology) -> str:
    """The hosts(5) lines of a topology: each address, the node's name, its aliases."""
    rows = []
    for name in topology.nodes:
        aliases = topology.hosts[name].aliases if name in topology.hosts else ()
        names = " ".join((name, *aliases))
        for _, end in topology.ends_of(name):
            rows += [f"{address.ip} {names}\n" for address in end.addresses]
    return "".join(rows)


@contextmanager
def resolvable(topology: Topology) -> Iterator[None]:
    """Have the names of ``topology`` resolve in this sandbox for as long as the context lasts."""
    path = sandbox.hosts_file()
    before = path.read_text(encoding="utf-8")
    # In place: the file is mounted over /etc/hosts, so its inode must stay.
    path.write_text(before + lines(topology), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")
