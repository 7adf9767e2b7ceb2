"""The links of a topology, each between two hosts of its own, to be measured.

A scenario's own network stays as it is: no packet of a measurement leaves a trace in its neighbour
tables, counters or captures, and no router, firewall or middlebox takes part in what a link does.
"""

from __future__ import annotations

from ipaddress import ip_network

from lab.model import Host, Link, Topology
from lab.model.names import EndName
from lab.model.topology import Direction

SUBNET = ip_network("10.0.0.0/30")
"""Of every link: none is connected to another one."""


def plain(link: Link) -> Link:
    """The link without its middleboxes: these alter packets, and those that measure with them."""
    none = {"middlebox": None}
    sides = {
        side: getattr(link, side).model_copy(update=none) for side in ("only_there", "only_back")
    }
    return link.model_copy(update=none | sides)


def alike(link: Link) -> str:
    """What tells apart links that do different things to packets."""
    link = plain(link)
    names = set(type(link).model_fields) - {"end_names", "subnets", "chosen"}
    return repr([(name, getattr(link, name)) for name in sorted(names)])


def declares(link: Link) -> bool:
    """Whether there is anything to measure."""
    link = plain(link)
    return any(direction != Direction() for direction in (link.there, link.back))


def bench(topology: Topology) -> Topology:
    """A topology with those links that declare something; of such as are alike, only one."""
    chosen = {alike(link): name for name, link in topology.links.items() if declares(link)}
    links = {
        name: plain(topology.links[name]).model_copy(
            update={
                "end_names": (EndName(f"left{number}", "link"), EndName(f"right{number}", "link")),
                "subnets": (SUBNET,),
                "chosen": {},
            }
        )
        for number, name in enumerate(chosen.values())
    }
    hosts = {end.node: Host() for link in links.values() for end in link.end_names}
    return Topology.model_construct(topology=1, name=topology.name, hosts=hosts, links=links)
