"""A node of a network: a Mininet ``Node`` whose addresses and routes come from a topology."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Interface, IPv6Interface
from socket import AF_INET, AF_INET6, socket
from typing import Any

from pyroute2 import IPRoute, NetlinkError

import mptcpapi
from lab import nft, settings
from lab.errors import CommandFailed, Unsupported, UsageError
from lab.model.settings import Settings
from lab.routing import MAIN_TABLE, Route, Rule
from lab.shell import ShellNode

Interface = IPv4Interface | IPv6Interface

IFA_F_NODAD = 0x02
"""<linux/if_addr.h>: the address is usable at once, without duplicate address detection."""

RTN_UNREACHABLE = "unreachable"

RULE_PRIORITY = 1000
"""Of every rule: after the local table (0) and before the main table (32766), however many."""

FOREIGN = {
    # A new namespace takes these from the host for IPv4 (net.core.devconf_inherit_init_net).
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    # Else each of two interfaces in one subnet would answer for both, and ask in the other's name.
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
    # Without these, an IPv6 address is unusable for a second, and lost when its link goes down.
    "net.ipv6.conf.default.accept_dad": "0",
    "net.ipv6.conf.default.accept_ra": "0",
    "net.ipv6.conf.default.keep_addr_on_down": "1",
}
"""Sysctls of every node, so that what the host or the kernel prefers does not alter a lab."""

FORWARDING = {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}
"""Sysctls of a router."""


class LabNode(ShellNode):
    """A host or router in a network namespace of its own.

    ``addresses`` are by interface. ``sysctls``, those of the ``configured`` settings, and the
    ``ruleset`` for nftables are set before the first interface exists, which then inherits from
    ``default``; only sysctls of one interface are set later, as are endpoints and limits.
    """

    def __init__(
        self,
        name: str,
        *,
        addresses: Mapping[str, Sequence[Interface]],
        rules: Sequence[Rule] = (),
        routes: Sequence[Route] = (),
        sysctls: Mapping[str, str] | None = None,
        configured: Settings | None = None,
        ruleset: str = "",
        **params: Any,
    ) -> None:
        self.addresses = addresses
        self.configured = configured or Settings()
        self.rules = rules
        self.routes = routes
        wanted = settings.sysctls(self.configured)
        self._later = settings.of_interfaces(wanted, addresses)
        super().__init__(name, **params)
        now = {name: value for name, value in wanted.items() if name not in self._later}
        with self.stack():
            self._configure({**FOREIGN, **(sysctls or {}), **now})
            if ruleset:
                nft.load(name, ruleset)

    def msocket(self, family: int, kind: int, protocol: int = 0) -> socket:
        """A socket of this node, usable from any thread; arguments as for ``socket.socket``."""
        with self.stack():
            return socket(family, kind, protocol)

    def set_sysctls(self, values: Mapping[str, str]) -> None:
        """Write sysctls by their dotted names in this node's namespace.

        :raises UsageError: this kernel has no such sysctl, or refuses the value.
        """
        with self.stack():
            for name, value in values.items():
                try:
                    settings.write(name, value)
                except OSError as refused:
                    raise UsageError(
                        f"{self.name}: {settings.why_not(name, value, refused)}"
                    ) from None

    def _configure(self, values: Mapping[str, str]) -> None:
        """Write sysctls of the topology; the calling thread is in this node's stack.

        :raises UsageError: a value is none of that sysctl.
        :raises Unsupported: this kernel lacks it, or does not let it be set here.
        """
        for name, value in values.items():
            try:
                settings.write(name, value)
            except OSError as refused:
                mistaken = refused.errno == errno.EINVAL
                raise (UsageError if mistaken else Unsupported)(
                    f"{self.name}: {settings.why_not(name, value, refused)}"
                ) from None

    def sysctl(self, name: str) -> str | None:
        """The value of a sysctl in this node's namespace; None when this kernel lacks it."""
        with self.stack():
            return settings.read(name)

    def run(self, *command: str) -> str:
        """Run a command to its end and return what it printed.

        :raises CommandFailed: its status is not 0.
        """
        process = self.popen(
            list(command), stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, text=True
        )
        output: str = process.communicate()[0]
        if process.returncode:
            raise CommandFailed(self.name, command, process.returncode, output)
        return output

    def config(self, **_params: Any) -> dict[str, str]:
        """Set addresses, rules and routes; Mininet calls this when all interfaces exist."""
        with self.stack(), IPRoute() as netlink:
            index = {link.get("ifname"): link["index"] for link in netlink.get_links()}
            netlink.link("set", index=index["lo"], state="up")
            for interface, addresses in self.addresses.items():
                for address in addresses:
                    _change_address(netlink, "add", index[interface], address)
            for rule in self.rules:
                _add_rule(netlink, rule)
            for route in self.routes:
                _set_route(netlink, "add", route, index)
            self._configure(self._later)
            self._manage_paths()
        return {}

    def remove_addresses(self, interface: str) -> None:
        """Take from ``interface`` the addresses that the topology gives it, as far as it has them.

        The kernel takes the routes that depend on them.
        """
        with self.stack(), IPRoute() as netlink:
            index = netlink.link_lookup(ifname=interface)[0]
            for address in self.addresses[interface]:
                with _unless(errno.EADDRNOTAVAIL):
                    _change_address(netlink, "del", index, address)

    def add_addresses(self, interface: str) -> None:
        """Give ``interface`` those of its addresses that it lacks, and its routes."""
        with self.stack(), IPRoute() as netlink:
            index = netlink.link_lookup(ifname=interface)[0]
            for address in self.addresses[interface]:
                with _unless(errno.EEXIST):
                    _change_address(netlink, "add", index, address)
        self.restore_routes(interface)

    def _manage_paths(self) -> None:
        try:
            settings.manage(self.configured, self.addresses)
        except mptcpapi.MptcpError as refused:
            raise Unsupported(f"{self.name}: {refused.strerror}") from refused

    def restore_routes(self, interface: str) -> None:
        """Give back the routes that the kernel took when ``interface`` was set down.

        ``net.set_link`` and Mininet's ``link A B up`` do it; it is for who runs ``ip link`` here.
        """
        with self.stack(), IPRoute() as netlink:
            index = {interface: netlink.link_lookup(ifname=interface)[0]}
            for route in self.routes:
                if route.interface == interface:
                    _set_route(netlink, "replace", route, index)


@contextmanager
def _unless(expected: int) -> Iterator[None]:
    """Let the kernel refuse, with this errno, what is done already."""
    try:
        yield
    except NetlinkError as refused:
        if refused.code != expected:
            raise


def _change_address(netlink: IPRoute, how: str, index: int, address: Interface) -> None:
    flags = {"flags": IFA_F_NODAD} if address.version == 6 else {}
    netlink.addr(
        how, index=index, address=str(address.ip), prefixlen=address.network.prefixlen, **flags
    )


def _add_rule(netlink: IPRoute, rule: Rule) -> None:
    length = rule.source.max_prefixlen
    netlink.rule(
        "add", family=_family(rule.source.version), src=str(rule.source), src_len=length,
        table=rule.table, priority=RULE_PRIORITY,
    )  # fmt: skip


def _set_route(netlink: IPRoute, how: str, route: Route, index: Mapping[str, int]) -> None:
    way: dict[str, Any] = {"oif": index[route.interface]} if route.interface else {}
    if route.gateway:
        way["gateway"] = str(route.gateway)
    if not route.interface:
        # The last choice of its table: any other route of the same destination is preferred.
        way |= {"type": RTN_UNREACHABLE, "priority": 0x7FFFFFFF}
    elif not route.gateway and route.table != MAIN_TABLE:
        way["scope"] = "link"
    netlink.route(
        how, family=_family(route.destination.version), dst=str(route.destination),
        table=route.table, **way,
    )  # fmt: skip


def _family(version: int) -> int:
    return AF_INET if version == 4 else AF_INET6
