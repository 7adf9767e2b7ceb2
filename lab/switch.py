"""Switches: nodes of a network that forward frames between their ports."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

from mininet.link import Intf
from mininet.node import Switch
from pyroute2 import IPRoute

from lab.errors import Unsupported
from lab.shell import ShellNode

BRIDGE: Final = "_bridge"
"""The bridge in the namespace of its switch: no interface in a file has such a name."""

FORWARDING: Final = 3
"""BR_STATE_FORWARDING, <linux/if_bridge.h>"""

PATIENCE = 10.0
"""seconds until a port counts as broken; usually it forwards at once."""

NO_IPV6: Final = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
"""A switch passes packets on and sends none of its own."""


class BridgeSwitch(ShellNode, Switch):  # type: ignore[misc]
    """A Linux bridge in a network namespace of its own, without STP and without addresses."""

    def __init__(self, name: str, **params: Any) -> None:
        # Mininet would leave a switch outside, and look for OpenFlow's number of it in its name.
        super().__init__(name, **{**params, "inNamespace": True, "dpid": "1"})
        self.addresses: dict[str, tuple[()]] = {}
        with self.stack(), IPRoute() as netlink:
            NO_IPV6.write_text("1", encoding="ascii")
            netlink.link("add", ifname=BRIDGE, kind="bridge", br_mcast_snooping=0, br_stp_state=0)
            netlink.link("set", index=netlink.link_lookup(ifname=BRIDGE)[0], state="up")

    def addIntf(self, intf: Intf, port: int | None = None, **how: Any) -> None:
        """Make an interface a port; Mininet calls this for each one that a link has made."""
        super().addIntf(intf, port, **how)
        self.addresses[intf.name] = ()
        with self.stack(), IPRoute() as netlink:
            bridge, index = (netlink.link_lookup(ifname=name)[0] for name in (BRIDGE, intf.name))
            netlink.link("set", index=index, master=bridge)
            _wait_until_forwarding(netlink, f"{self.name}:{intf.name}", index)

    def start(self, _controllers: object) -> None:
        """Do nothing: it has forwarded since its links were made."""

    def stop(self, deleteIntfs: bool = True) -> None:
        """End it; its interfaces go with its namespace, however they are named."""
        self.terminate()

    def restore_routes(self, _interface: str) -> None:
        """Do nothing: it has no routes."""


def _wait_until_forwarding(netlink: IPRoute, port: str, index: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        port_of = netlink.link("get", index=index)[0].get(("linkinfo", "slave_data"))
        if port_of and port_of.get("state") == FORWARDING:
            return
        if time.monotonic() > end:
            raise Unsupported(f"port {port} does not forward after {PATIENCE:g} s")
        time.sleep(0.001)
