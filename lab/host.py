"""A node of a network: a Mininet ``Node`` whose addresses and routes come from a topology."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Interface, IPv6Interface
from socket import socket
from typing import Any

import mptcpapi
from lab import nft, settings
from lab.errors import CommandFailed, Unsupported, UsageError
from lab.interfaces import channel, states
from lab.model.settings import Settings
from lab.routing import MAIN_TABLE, Route, Rule
from lab.rtnetlink import requests
from lab.rtnetlink.channel import Request
from lab.shell import ShellNode
from mptcpapi.stacks import NamespaceStack

Interface = IPv4Interface | IPv6Interface

RULE_PRIORITY = 1000
"""Of every rule: after the local table (0) and before the main table (32766), however many."""

FOREIGN = {
    # A new namespace takes these from the host for IPv4 (net.core.devconf_inherit_init_net).
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    # Else each of two interfaces in one subnet would answer for both, and ask in the other's name.
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
    # Else a connection begins with what TCP has learnt from the one before.
    "net.ipv4.tcp_no_metrics_save": "1",
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
        try:
            with self.stack():
                self._configure({**FOREIGN, **(sysctls or {}), **now})
                if ruleset:
                    nft.load(name, ruleset)
        except BaseException:
            self.terminate()
            raise

    def msocket(self, family: int, kind: int, protocol: int = 0) -> socket:
        """A socket of this node, usable from any thread; arguments as for ``socket.socket``."""
        with self.stack():
            return socket(family, kind, protocol)

    def as_stack(self) -> NamespaceStack:
        """This node as a stack of `mptcpapi.stacks`, for ``use``; the node outlives it."""
        return NamespaceStack(f"host {self.name}", os.dup(self.namespace))

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
        with channel(self.namespace) as netlink:
            index = {name: link.index for name, link in states(netlink).items()}
            try:
                netlink.carry_out(self._requests(index))
            except Unsupported as problem:
                raise Unsupported(f"at {self.name}: {problem}") from problem
        with self.stack():
            self._configure(self._later)
            self._manage_paths()
        return {}

    def _requests(self, index: Mapping[str, int]) -> Iterator[Request]:
        yield requests.set_up("lo")
        for interface, addresses in self.addresses.items():
            for address in addresses:
                yield requests.address(index[interface], address)
        for rule in self.rules:
            yield requests.rule(rule.source, rule.table, RULE_PRIORITY)
        for route in self.routes:
            yield _request(route, index)

    def _manage_paths(self) -> None:
        try:
            settings.manage(self.configured, self.addresses)
        except mptcpapi.MptcpError as refused:
            raise Unsupported(f"{self.name}: {refused.strerror}") from refused

    def restore_routes(self, interface: str) -> None:
        """Give back the routes that the kernel took when ``interface`` was set down.

        Nothing, while it is down: the kernel takes no route by it then.

        ``net.set_link`` and Mininet's ``link A B up`` do it; it is for who runs ``ip link`` here.
        """
        with channel(self.namespace) as netlink:
            found = states(netlink)[interface]
            if not found.up:
                return
            index = {interface: found.index}
            lost = (route for route in self.routes if route.interface == interface)
            netlink.carry_out(_request(route, index, replace=True) for route in lost)


def _request(route: Route, index: Mapping[str, int], *, replace: bool = False) -> Request:
    return requests.route(
        route.destination,
        route.table,
        index=index[route.interface] if route.interface else 0,
        gateway=route.gateway,
        on_link=bool(route.interface and not route.gateway and route.table != MAIN_TABLE),
        replace=replace,
    )
