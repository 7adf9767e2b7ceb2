"""A connection from a client to a server of a network, with data on its way."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, Literal, Self

import mptcpapi
from lab.errors import ScenarioFailed, UsageError
from lab.events import EventLog, EventLogs
from lab.host import LabNode
from lab.model import Topology
from lab.run import Run
from lab.workload import Pattern, Transfer
from mptcpapi import Subflow

Family = Literal["ipv4", "ipv6"]

VERSIONS: dict[Family, tuple[int, socket.AddressFamily]] = {
    "ipv4": (4, socket.AF_INET),
    "ipv6": (6, socket.AF_INET6),
}

PROTOCOLS = (socket.IPPROTO_TCP, mptcpapi.IPPROTO_MPTCP)

SEND_BUFFER = 1 << 14
RECEIVE_BUFFER = 1 << 16
"""bytes, which the kernel doubles. Little, so that what was sent arrives soon after the last send;
and so that little waits at the receiver in another order than it belongs, where Linux 6.18 once in
hundreds of transfers takes one segment for another (docs/mptcpapi.md)."""


PATIENCE = 30.0
"""seconds until a connection is there, by a SYN that was lost four times at the latest"""


def _require(what: str, value: object, known: Iterable[object]) -> None:
    if value not in tuple(known):
        choices = ", ".join(map(repr, known))
        raise UsageError(f"the {what} of a flow cannot be {value!r} (known: {choices})")


def family(topology: Topology) -> Family:
    """IPv4 where the server has it, else IPv6."""
    versions = {address.version for address in topology.addresses_of("server")}
    return "ipv4" if 4 in versions else "ipv6"


class RecordedSocket(mptcpapi.Socket):
    """A socket whose operations on subflows go to the records of a run."""

    run: Run
    host: str
    """where it is"""


def _recorded(name: str) -> Callable[..., Any]:
    operation = getattr(mptcpapi.Socket, name)

    def call(self: RecordedSocket, *arguments: Any, **options: Any) -> Any:
        began = time.time()
        record: dict[str, Any] = {"call": name, "arguments": arguments, "options": options}
        try:
            record["result"] = operation(self, *arguments, **options)
        except mptcpapi.MptcpError as error:
            record["error"] = f"{type(error).__name__}: {error}"
            raise
        finally:
            self.run.record("call", host=self.host, began=began, **record)
        return record["result"]

    return call


RECORDED = (
    "open_subflow",
    "close_subflow",
    "abort_subflow",
    "set_backup",
    "announce",
    "withdraw",
    "subflows",
    "subflow_details",
    "tcp_info",
    "mptcp_info",
    "get_subflow_option",
    "set_subflow_option",
)

for _name in RECORDED:
    setattr(RecordedSocket, _name, _recorded(_name))


class Flow:
    """One connection, made by entering the context, and a bulk transfer over it.

    ``sender`` says which host sends; ``server_protocol`` makes the server a plain TCP one.

    :raises UsageError: an argument is none of those that are known.
    """

    def __init__(
        self,
        client: LabNode,
        server: LabNode,
        topology: Topology,
        run: Run,
        *,
        family: Family = "ipv4",
        sender: Literal["client", "server"] = "client",
        server_protocol: int = mptcpapi.IPPROTO_MPTCP,
    ) -> None:
        _require("family", family, VERSIONS)
        _require("sender", sender, ("client", "server"))
        _require("server_protocol", server_protocol, PROTOCOLS)
        self._client, self._server, self._topology, self._run = client, server, topology, run
        self._version, self._family = VERSIONS[family]
        self._sender, self._server_protocol = sender, server_protocol
        self.events = EventLogs()
        """What the kernels of client and server said, by the host's name."""
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            for node in (self._client, self._server):
                self.events[node.name] = undo.enter_context(EventLog(node, self._run))
            self._connect(undo)
            ends = (self.connection, self.accepted)
            sender, receiver = ends if self._sender == "client" else ends[::-1]
            pattern = Pattern(self._run.seed)
            self.transfer = undo.enter_context(Transfer(sender, receiver, pattern))
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets and end the following of events.

        :raises InvalidRun: events are missing.
        """
        self._undo.close()

    def _connect(self, undo: ExitStack) -> None:
        self.listener = self._server.msocket(
            self._family, socket.SOCK_STREAM, self._server_protocol
        )
        undo.callback(self.listener.close)
        self.listener.bind((self.address(self._server.name), 0))
        self.listener.listen()
        self.connection = self._client_socket()
        undo.callback(self.connection.close)
        self._meet()
        undo.callback(self.accepted.close)
        for end in (self.connection, self.accepted):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)

    def _meet(self) -> None:
        """Connect and accept.

        :raises ScenarioFailed: the network does not let them.
        """
        self.listener.settimeout(PATIENCE)
        self.connection.settimeout(PATIENCE)
        try:
            self.connection.connect(self.listener.getsockname())
            self.accepted, _ = self.listener.accept()
        except TimeoutError:
            raise ScenarioFailed(
                f"{self._client.name} and {self._server.name} had no connection "
                f"after {PATIENCE:g} s"
            ) from None
        self.connection.settimeout(None)

    def _client_socket(self) -> RecordedSocket:
        with self._client.stack():
            connection = RecordedSocket(self._family)
        connection.run, connection.host = self._run, self._client.name
        return connection

    def address(self, node: str, link: str | None = None) -> str:
        """The address of ``node`` on ``link`` (on its first link) in the family of this flow."""
        if link is None:
            addresses = self._topology.addresses_of(node)
        else:
            addresses = self._topology.link(link).end_at(node).addresses
        for address in addresses:
            if address.version == self._version:
                return str(address.ip)
        place = f"on link '{link}'" if link else "in this topology"
        raise UsageError(f"{node} has no IPv{self._version} address {place}")

    @property
    def first(self) -> Subflow:
        """The initial subflow."""
        return min(self.connection.subflows(), key=lambda subflow: subflow.id)

    def open_subflow(self, link: str, *, backup: bool = False) -> Subflow:
        """Open a subflow from the client's address on ``link``."""
        return self.connection.open_subflow(self.address(self._client.name, link), backup=backup)

    def wait_delivered(self, amount: str) -> None:
        """Return when ``amount`` (``"2 MB"``) has been delivered since the flow began."""
        self.transfer.wait_delivered(amount)

    def wait_delivered_more(self, amount: str) -> None:
        """Return when ``amount`` has been delivered from now on."""
        self.transfer.wait_delivered_more(amount)

    def finish(self) -> int:
        """Stop sending, wait until all has arrived unaltered, and return how many bytes."""
        return self.transfer.finish()
