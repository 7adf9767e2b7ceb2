"""What the kernel says of one network namespace, read without changing or sending anything."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from json import loads
from pathlib import Path
from typing import Literal

from pyroute2 import IPRoute
from pyroute2.netlink import genlmsg
from pyroute2.netlink.generic import GenericNetlinkSocket

import mptcpapi
from lab import settings
from lab.doctor.finding import Command
from mptcpapi import Limits, ManagedAddress

Address = IPv4Address | IPv6Address
ByteOrder = Literal["little", "big"]

IFF_UP = 1
"""<linux/if.h>"""
IFF_LOOPBACK = 8
_LISTEN = "0A"
"""TCP_LISTEN in /proc/net/tcp, <net/tcp_states.h>"""
_NETLINK_GENERIC = "16"


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface that is not the loopback."""

    name: str
    up: bool
    carrier: bool
    mtu: int
    """bytes of an IP packet"""
    addresses: tuple[Address, ...]
    """but those that are of the link alone"""
    segments: int
    """at most so many go down to it as one packet (gso_max_segs)"""


@dataclass(frozen=True, slots=True)
class State:
    """One network namespace."""

    name: str
    """of its host; empty: this machine"""
    unusable: str
    """why no MPTCP sockets can be made; empty if they can"""
    switch_on: Command
    """what to type against that; empty where that is not known"""
    path_manager: str
    """of new connections: kernel, userspace, or the name of a BPF one"""
    followed: bool | None
    """whether somebody follows the events of MPTCP connections; None: that cannot be told"""
    limits: Limits
    endpoints: tuple[ManagedAddress, ...]
    deny_join: bool
    """whether new connections ask for no joins to their initial address and port"""
    interfaces: Mapping[str, Interface]
    """by name"""
    listeners: frozenset[tuple[Address, int]]
    """addresses and ports at which TCP sockets listen; 0.0.0.0 and :: are all of a family"""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All addresses but those of the loopback or of a link alone."""
        return tuple(each for one in self.interfaces.values() for each in one.addresses)

    def owner(self, address: Address) -> Interface | None:
        """The interface that has this address."""
        return next((i for i in self.interfaces.values() if address in i.addresses), None)


def read(name: str) -> State:
    """The state of the network namespace of the calling thread."""
    unusable, switch_on = _unusable()
    known = not unusable
    return State(
        name=name,
        unusable=unusable,
        switch_on=switch_on,
        path_manager=_path_manager(),
        followed=_followed() if known else None,
        limits=mptcpapi.limits() if known else Limits(0, 0),
        endpoints=mptcpapi.endpoints() if known else (),
        deny_join=settings.read("net.mptcp.allow_join_initial_addr_port") == "0",
        interfaces=_interfaces(),
        listeners=_listeners(),
    )


def _unusable() -> tuple[str, Command]:
    """Why no MPTCP socket can be made here; ``mptcpapi doctor`` knows what to do about it."""
    with suppress(OSError):
        mptcpapi.Socket().close()
        return "", ()
    said = subprocess.run(
        [sys.executable, "-m", "mptcpapi", "doctor", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    first = loads(said.stdout)["checks"][0]
    command = tuple(word for word in shlex.split(first["command"]) if word != "sudo")
    return f"{first['found']}: {first['remedy']}", command


def _path_manager() -> str:
    """As `mptcpapi.set_path_manager` sets it."""
    name = settings.read("net.mptcp.path_manager")
    return name or ("userspace" if settings.read("net.mptcp.pm_type") == "1" else "kernel")


def _followed() -> bool | None:
    """The kernel lists the first 32 groups of each netlink socket, which usually suffices."""
    with GenericNetlinkSocket() as netlink:
        netlink.bind("mptcp_pm", genlmsg)
        group = netlink.mcast_groups["mptcp_pm_events"]
    if group > 32:
        return None
    rows = [line.split() for line in _lines("netlink")]
    masks = (int(row[3], 16) for row in rows if row[1] == _NETLINK_GENERIC)
    return any(mask >> (group - 1) & 1 for mask in masks)


def _lines(file: str) -> list[str]:
    """The rows of a table of this thread's namespace, without their heading."""
    path = Path("/proc/thread-self/net", file)
    return path.read_text(encoding="ascii").splitlines()[1:] if path.exists() else []


def _interfaces() -> dict[str, Interface]:
    with IPRoute() as netlink:
        links = [link for link in netlink.get_links() if not link["flags"] & IFF_LOOPBACK]
        addresses: dict[int, list[Address]] = {}
        for each in netlink.get_addr():
            address = ip_address(each.get("IFA_LOCAL") or each.get("IFA_ADDRESS"))
            if not address.is_link_local:
                addresses.setdefault(each["index"], []).append(address)
    return {
        link.get("ifname"): Interface(
            link.get("ifname"),
            bool(link["flags"] & IFF_UP),
            link.get("carrier") != 0,
            link.get("mtu"),
            tuple(addresses.get(link["index"], ())),
            link.get("gso_max_segs") or 1,
        )
        for link in links
    }


def _listeners() -> frozenset[tuple[Address, int]]:
    rows = [line.split() for file in ("tcp", "tcp6") for line in _lines(file)]
    return frozenset(address_and_port(row[1]) for row in rows if row[3] == _LISTEN)


def address_and_port(text: str, order: ByteOrder = sys.byteorder) -> tuple[Address, int]:
    """``0100007F:1389`` of /proc/net/tcp: words in the host's byte order, in hexadecimal."""
    host, port = text.split(":")
    words = [int(host[i : i + 8], 16) for i in range(0, len(host), 8)]
    packed = b"".join(word.to_bytes(4, order) for word in words)
    return ip_address(packed), int(port, 16)
