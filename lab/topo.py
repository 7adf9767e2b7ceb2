"""A topology as a stock Mininet ``Topo``.

``mn --custom lab/topo.py --topo yaml,FILE --controller none`` builds the same network as the lab.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mininet.topo import Topo

from lab import nft, routing, shape
from lab.host import FORWARDING, LabNode
from lab.link import LabLink
from lab.load import load
from lab.model import Topology
from lab.switch import BridgeSwitch

PATH_MANAGERS = {"kernel": "0", "userspace": "1"}
"""``net.mptcp.pm_type``, Documentation/networking/mptcp-sysctl.rst; newer kernels keep it in sync
with ``net.mptcp.path_manager``, so that one name serves them all."""


class YamlTopo(Topo):  # type: ignore[misc]
    """The nodes and links of a topology, or of the file that holds one."""

    def build(self, source: Topology | Path | str) -> None:
        """Add every node and link.

        :raises TopologyError: the file has mistakes.
        :raises Unsupported: a link asks for what cannot be emulated.
        """
        self.topology = source if isinstance(source, Topology) else load(Path(source))
        for name, link in self.topology.links.items():
            shape.check(name, link.there)
            shape.check(name, link.back)
        for name in self.topology.nodes:
            self.addHost(name, cls=LabNode, **node_parameters(self.topology, name))
        for name in self.topology.switches:
            self.addSwitch(name, cls=BridgeSwitch)
        for link in self.topology.links.values():
            first, second = link.ends
            self.addLink(
                first.node, second.node, cls=LabLink, there=link.there, back=link.back,
                intfName1=first.interface, intfName2=second.interface,
            )  # fmt: skip


def node_parameters(topology: Topology, name: str) -> dict[str, Any]:
    """What a ``LabNode`` needs to know of its place in the topology."""
    return {
        "addresses": {end.interface: end.addresses for _, end in topology.ends_of(name)},
        "rules": routing.rules(topology, name),
        "routes": routing.routes(topology, name),
        "sysctls": _sysctls(topology, name),
        "ruleset": nft.ruleset(topology.routers[name]) if name in topology.routers else "",
    }


def _sysctls(topology: Topology, name: str) -> dict[str, str]:
    if name in topology.routers:
        timeout = topology.routers[name].idle_timeout
        return FORWARDING | ({nft.IDLE_TIMEOUT: str(timeout)} if timeout else {})
    path_manager = topology.hosts[name].path_manager
    return {"net.mptcp.pm_type": PATH_MANAGERS[path_manager]} if path_manager else {}


def cleanup() -> None:
    """Do nothing, where ``mn`` would tidy up after an error: all of a lab ends with its processes.

    ``mn`` takes the names of a custom file for its own. Its cleanup removes files of others in
    /tmp, kills processes by their names, and removes the bridges of the machine's Open vSwitch.
    """


topos = {"yaml": YamlTopo}
"""What ``mn --custom`` looks for."""
