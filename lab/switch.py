"""Switches: nodes of a network that forward frames between their ports."""

from __future__ import annotations

from typing import Any, Final

from mininet.link import Intf
from mininet.node import Switch

from lab.interfaces import channel, send_nothing_unasked, states
from lab.rtnetlink import requests
from lab.rtnetlink.channel import Channel
from lab.shell import ShellNode

BRIDGE: Final = "_bridge"
"""The bridge in the namespace of its switch: no interface in a file has such a name."""


class BridgeSwitch(ShellNode, Switch):  # type: ignore[misc]
    """A Linux bridge in a network namespace of its own, without STP and without addresses."""

    def __init__(self, name: str, **params: Any) -> None:
        # Mininet would leave a switch outside, and look for OpenFlow's number of it in its name.
        super().__init__(name, **{**params, "inNamespace": True, "dpid": "1"})
        self.addresses: dict[str, tuple[()]] = {}
        with self.stack():
            send_nothing_unasked()
            with Channel() as netlink:
                netlink.carry_out([requests.bridge(BRIDGE)])

    def addIntf(self, intf: Intf, port: int | None = None, **how: Any) -> None:
        """Make an interface a port; Mininet calls this for each one that a link has made."""
        super().addIntf(intf, port, **how)
        self.addresses[intf.name] = ()
        with channel(self.namespace) as netlink:
            links = states(netlink)
            join = requests.enslave(links[intf.name].index, links[BRIDGE].index)
            netlink.carry_out([join])

    def start(self, _controllers: object) -> None:
        """Do nothing: it has forwarded since its links were made."""

    def stop(self, deleteIntfs: bool = True) -> None:
        """End it; its interfaces go with its namespace, however they are named."""
        self.terminate()

    def restore_routes(self, _interface: str) -> None:
        """Do nothing: it has no routes."""
