"""A topology of hosts and bare links, built and removed by ip(8) with -batch."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from lab import routing
from lab.host import RULE_PRIORITY
from lab.model import Topology


def build(topology: Topology) -> None:
    """Make the namespaces and links in one batch, then what belongs to a host in one for each."""
    batch([], _frame(topology))
    for host in topology.hosts:
        batch(["-n", host], _inside(topology, host))


def remove(topology: Topology) -> None:
    """Delete the namespaces."""
    batch([], (f"netns del {host}" for host in topology.hosts))


def batch(options: list[str], lines: Iterator[str]) -> None:
    """Run ip(8) once for all lines."""
    text = "".join(f"{line}\n" for line in lines)
    subprocess.run(["ip", *options, "-batch", "-"], input=text, text=True, check=True)


def _frame(topology: Topology) -> Iterator[str]:
    for host in topology.hosts:
        yield f"netns add {host}"
    for link in topology.links.values():
        one, other = link.ends
        yield (
            f"link add {one.interface} netns {one.node} gso_max_segs 1 type veth "
            f"peer name {other.interface} netns {other.node} gso_max_segs 1"
        )


def _inside(topology: Topology, host: str) -> Iterator[str]:
    yield "link set lo up"
    for _, end in topology.ends_of(host):
        yield f"link set {end.interface} up"
        for address in end.addresses:
            yield f"address add {address} dev {end.interface}"
    for rule in routing.rules(topology, host):
        yield f"rule add from {rule.source} table {rule.table} priority {RULE_PRIORITY}"
    for route in routing.routes(topology, host):
        yield _route(route)


def _route(route: routing.Route) -> str:
    to = f"{route.destination} table {route.table}"
    if route.interface is None:
        return f"route add unreachable {to} metric {0x7FFFFFFF}"
    return f"route add {to} dev {route.interface}" + (
        f" via {route.gateway}" if route.gateway else " scope link"
    )
