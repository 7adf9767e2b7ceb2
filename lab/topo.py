"""A topology as a stock Mininet ``Topo``.

``mn --custom lab/topo.py --topo yaml,FILE --controller none`` builds the same network as the lab.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mininet.topo import Topo

from lab import nft, routing
from lab.emulation import Emulation
from lab.host import FORWARDING, LabNode
from lab.link import LabLink
from lab.load import load
from lab.model import Topology
from lab.openvswitch import OpenVSwitch
from lab.stacks import StackNode
from lab.switch import BridgeSwitch

_SWITCHES = {"bridge": BridgeSwitch, "openvswitch": OpenVSwitch}
"""What a switch is, by the kind that its topology file says."""


class YamlTopo(Topo):  # type: ignore[misc]
    """The nodes and links of a topology, or of the file that holds one."""

    def build(
        self,
        source: Topology | Path | str,
        backend: str | None = None,
        seed: int = 0,
        stack: str | None = None,
    ) -> None:
        """Add every node and link; ``backend`` is what emulates impairments, found if None.

        ``seed`` begins what it draws, as far as it takes one. ``stack`` is the kind of stack of
        ``mptcpapi.stacks`` that hosts and routers are; the lab's own if None.

        :raises MistakenFile: the file has mistakes.
        :raises Unsupported: a link asks for what cannot be emulated.
        """
        self.topology = source if isinstance(source, Topology) else load(Path(source))
        emulation = Emulation(backend, seed)
        kind = {"cls": StackNode, "kind": stack} if stack else {"cls": LabNode}
        for name in self.topology.nodes:
            self.addHost(name, **kind, **node_parameters(self.topology, name))
        for name, switch in self.topology.switches.items():
            self.addSwitch(name, cls=_SWITCHES[switch.kind])
        for name, link in self.topology.links.items():
            first, second = link.ends
            self.addLink(
                first.node, second.node, cls=LabLink, there=link.there, back=link.back,
                hops=emulation.hops(name, link.there, link.back), title=name, mtu=link.mtu,
                intfName1=first.interface, intfName2=second.interface,
            )  # fmt: skip
        self.backend = emulation.backend and emulation.backend.name


def node_parameters(topology: Topology, name: str) -> dict[str, Any]:
    """What a ``LabNode`` needs to know of its place in the topology."""
    return {
        "addresses": {end.interface: end.addresses for _, end in topology.ends_of(name)},
        "rules": routing.rules(topology, name),
        "routes": routing.routes(topology, name),
        "sysctls": _sysctls(topology, name),
        "ruleset": nft.ruleset(topology.routers[name]) if name in topology.routers else "",
        "configured": topology.hosts.get(name),
    }


def _sysctls(topology: Topology, name: str) -> dict[str, str]:
    if name not in topology.routers:
        return {}
    timeout = topology.routers[name].idle_timeout
    return FORWARDING | ({nft.IDLE_TIMEOUT: str(timeout)} if timeout else {})


def cleanup() -> None:
    """Do nothing, where ``mn`` would tidy up after an error: all of a lab ends with its processes.

    ``mn`` takes the names of a custom file for its own. Its cleanup removes files of others in
    /tmp, kills processes by their names, and removes the bridges of the machine's Open vSwitch.
    """


topos = {"yaml": YamlTopo}
"""What ``mn --custom`` looks for."""
