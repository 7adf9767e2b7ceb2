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


class LabSwitch(ShellNode, Switch):  # type: ignore[misc]
    """A switch in a network namespace of its own, without STP and without addresses."""

    def __init__(self, name: str, **params: Any) -> None:
        # Mininet would leave a switch outside, and look for OpenFlow's number of it in its name.
        super().__init__(name, **{**params, "inNamespace": True, "dpid": "1"})
        self.addresses: dict[str, tuple[()]] = {}
        try:
            with self.stack():
                send_nothing_unasked()
                self.begin()
        except BaseException:
            self.terminate()
            raise

    def begin(self) -> None:
        """Make what forwards; the calling thread is in the switch's namespace."""
        raise NotImplementedError

    def join(self, port: Intf) -> None:
        """Have it forward what comes by an interface, and to it."""
        raise NotImplementedError

    def trouble(self) -> str | None:
        """Why it does not forward any more; None while all is well."""
        return None

    def addIntf(self, intf: Intf, port: int | None = None, **how: Any) -> None:
        """Make an interface a port; Mininet calls this for each one that a link has made."""
        super().addIntf(intf, port, **how)
        self.addresses[intf.name] = ()
        self.join(intf)

    def start(self, _controllers: object) -> None:
        """Do nothing: it has forwarded since its links were made."""

    def stop(self, deleteIntfs: bool = True) -> None:
        """End it; its interfaces go with its namespace, however they are named."""
        self.terminate()

    def restore_routes(self, _interface: str) -> None:
        """Do nothing: it has no routes."""


class BridgeSwitch(LabSwitch):
    """A Linux bridge."""

    def begin(self) -> None:
        """Make the bridge."""
        with Channel() as netlink:
            netlink.carry_out([requests.bridge(BRIDGE)])

    def join(self, port: Intf) -> None:
        """Put an interface into the bridge."""
        with channel(self.namespace) as netlink:
            links = states(netlink)
            join = requests.enslave(links[port.name].index, links[BRIDGE].index)
            netlink.carry_out([join])
