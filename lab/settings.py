"""The settings of a host in its kernel, through sysctls and the library's path manager."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import NamedTuple

import mptcpapi
from lab.errors import Unsupported
from lab.model.settings import Endpoint, Settings
from mptcpapi import AddressFlag

Addresses = Mapping[str, Sequence[IPv4Interface | IPv6Interface]]
"""Of a node, by interface."""

PATH_MANAGERS = {"kernel": "0", "userspace": "1"}
"""``net.mptcp.pm_type``, Documentation/networking/mptcp-sysctl.rst; newer kernels keep it in sync
with ``net.mptcp.path_manager``, so that one name serves them all."""

CONGESTION_CONTROL = "net.ipv4.tcp_congestion_control"
SCHEDULER = "net.mptcp.scheduler"

_AVAILABLE = {
    SCHEDULER: "net.mptcp.available_schedulers",
    CONGESTION_CONTROL: "net.ipv4.tcp_available_congestion_control",
}
"""Which sysctl lists what another may be set to."""


class Managed(NamedTuple):
    """One endpoint as the kernel takes it."""

    host: str
    port: int
    """0: none."""
    flags: AddressFlag
    id: int | None


def sysctls(settings: Settings) -> dict[str, str]:
    """What the settings mean as sysctls, by their dotted names."""
    own = {
        "net.mptcp.pm_type": PATH_MANAGERS.get(settings.path_manager or ""),
        SCHEDULER: settings.scheduler,
        "net.mptcp.checksum_enabled": _number(settings.checksum),
        "net.mptcp.allow_join_initial_addr_port": _number(settings.allow_join_initial_addr_port),
        CONGESTION_CONTROL: settings.congestion_control,
    }
    return {name: value for name, value in own.items() if value is not None} | {**settings.sysctls}


def of_interfaces(values: Mapping[str, str], interfaces: Iterable[str]) -> dict[str, str]:
    """Those sysctls that are of one of these interfaces."""
    names = {interface.replace(".", "/") for interface in interfaces}
    return {name: value for name, value in values.items() if names & set(name.split(".")[2:])}


def _number(switch: bool | None) -> str | None:
    return None if switch is None else str(int(switch))


def endpoints(settings: Settings, addresses: Addresses) -> list[Managed]:
    """The endpoints, first those with an id: else the kernel might give that id to another."""
    found = [each for one in settings.endpoints for each in _managed(one, addresses)]
    return sorted(found, key=lambda endpoint: endpoint.id is None)


def _managed(endpoint: Endpoint, addresses: Addresses) -> Iterator[Managed]:
    flags = AddressFlag(0)
    for name in endpoint.flags:
        flags |= AddressFlag[name.upper()]
    for host in _hosts(endpoint, addresses):
        yield Managed(host, endpoint.port or 0, flags, endpoint.id)


def _hosts(endpoint: Endpoint, addresses: Addresses) -> Iterable[str]:
    if endpoint.interface:
        return [str(each.ip) for each in addresses[endpoint.interface]]
    return [str(endpoint.address)]


def manage(settings: Settings, addresses: Addresses) -> None:
    """Set limits and endpoints in the network namespace of the calling thread.

    :raises Unsupported: this kernel lacks a flag of an endpoint.
    """
    limits = settings.limits.model_dump(exclude_none=True)
    if limits:
        mptcpapi.set_limits(**limits)
    for host, port, flags, id in endpoints(settings, addresses):
        made = mptcpapi.add_endpoint((host, port), flags, id=id)
        lacking = flags & ~made.flags  # a kernel drops the flags that it does not know
        if lacking:
            raise Unsupported(f"this kernel knows no endpoints with the flag {lacking.name}")


def write(sysctl: str, value: str) -> None:
    """Set a sysctl of the calling thread's network namespace; the OSError is the kernel's."""
    _path(sysctl).write_text(value, encoding="utf-8")


def read(sysctl: str) -> str | None:
    """The value of a sysctl in the calling thread's network namespace; None if there is none."""
    path = _path(sysctl)
    return path.read_text(encoding="ascii").strip() if path.exists() else None


def _path(sysctl: str) -> Path:
    """As in sysctl(8), a dot in an interface's name is written ``/``."""
    return Path("/proc/sys", *(part.replace("/", ".") for part in sysctl.split(".")))


def why_not(name: str, value: str, refused: OSError) -> str:
    """Why a value of a sysctl cannot be set here, and what to do about it."""
    if isinstance(refused, FileNotFoundError) and not _path(name).exists():
        return f"this kernel has no sysctl '{name}'"
    if name == CONGESTION_CONTROL and isinstance(refused, PermissionError):
        return _restricted(value)
    choices = _AVAILABLE.get(name)
    known = f" (known: {read(choices)})" if choices else ""
    return f"the kernel refuses {name}={value!r}: {refused.strerror}{known}"


def _restricted(algorithm: str) -> str:
    """A congestion control that only the machine's own namespace may have as its default."""
    sysctl = "net.ipv4.tcp_allowed_congestion_control"
    allowed = read(sysctl)
    return (
        f"the congestion control '{algorithm}' is restricted on this machine, so that no network "
        f"namespace but the first may have it as its default (allowed: {allowed}). Allow it, "
        f"outside the lab: sudo sysctl -w '{sysctl}={allowed} {algorithm}'. Or set it for each "
        f"socket: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'{algorithm}')"
    )
