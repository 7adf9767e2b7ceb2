"""The scripted peer: a host's place in which a test is the MPTCP stack."""

from __future__ import annotations

import time
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any, Self

from lab.errors import ScenarioFailed, UsageError
from lab.host import LabNode
from lab.peer import handshake
from lab.peer.connection import Connection
from lab.peer.raw import RawTcp
from lab.peer.subflow import PATIENCE, Subflow
from lab.run import Run
from lab.wire.segment import Endpoint


class Peer:
    """An MPTCP endpoint at a host, for as long as the context lasts, that does what a test says.

    The host's kernel keeps silent at its ports, and goes on as usual at all others. Keys, nonces
    and sequence numbers are drawn from the run's seed unless the test chooses them.
    """

    def __init__(self, host: LabNode, run: Run) -> None:
        self._host, self._run = host, run
        self._raw = RawTcp(host)
        self._undo = ExitStack()
        self._listening: list[Endpoint] = []
        self._answered: set[tuple[Endpoint, Endpoint]] = set()

    def __enter__(self) -> Self:
        self._undo.enter_context(self._raw)
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def draw(self, bits: int) -> int:
        """A number that the run's seed repeats."""
        return self._run.random.getrandbits(bits)

    def address(self, version: int = 4) -> str:
        """The host's first address of IPv4 or IPv6.

        :raises UsageError: it has none.
        """
        for addresses in self._host.addresses.values():
            for address in addresses:
                if address.version == version:
                    return str(address.ip)
        raise UsageError(f"{self._host.name} has no IPv{version} address")

    def listen(self, address: str | None = None, port: int = 0) -> Endpoint:
        """Take a port, at which `syn` waits for what comes.

        :raises UsageError: the host has no such address, or the port is taken.
        """
        end = self._raw.own(address or self.address(), port)
        self._listening.append(end)
        return end

    def syn(self, at: Endpoint | None = None, *, timeout: float = PATIENCE) -> Subflow:
        """The next SYN to a port that listens (the last one, if not told), yet to be answered.

        One that the kernel has only sent again is no other.

        :raises UsageError: none listens.
        :raises ScenarioFailed: no SYN comes.
        """
        if at is None and not self._listening:
            raise UsageError(f"the peer at {self._host.name} listens nowhere: call listen() first")
        local, deadline = at or self._listening[-1], time.monotonic() + timeout
        while segment := self._raw.receive(local, None, deadline):
            if (local, segment.source) not in self._answered:
                self._answered.add((local, segment.source))
                subflow = self._subflow(local, segment.source)
                subflow.take(segment)
                return subflow
        raise ScenarioFailed(
            f"the peer at {self._host.name} expected a SYN to {local} within {timeout:g} s; "
            "none came"
        )

    def dial(self, remote: tuple[str, int], address: str | None = None) -> Subflow:
        """A subflow to ``remote`` from a free port of ``address``, on which nothing was sent.

        :raises UsageError: ``remote`` is no address, or the host has no such ``address``.
        """
        try:
            host = ip_address(remote[0])
        except ValueError:
            raise UsageError(f"a peer dials (address, port), not {remote!r}") from None
        local = self._raw.own(address or self.address(host.version))
        return self._subflow(local, Endpoint(str(host), remote[1]))

    def accept(self, *, key: int | None = None, flags: str = "H") -> Connection:
        """A connection from a kernel, as it should be; ``flags="HA"`` asks for checksums."""
        return handshake.accept(self.syn(), key=self._key(key), flags=flags)

    def connect(
        self, remote: tuple[str, int], *, key: int | None = None, **options: Any
    ) -> Connection:
        """A connection to a kernel, as it should be; options as for `handshake.connect`."""
        return handshake.connect(self.dial(remote), key=self._key(key), **options)

    def join(
        self,
        connection: Connection,
        address: str,
        *,
        address_id: int,
        remote: tuple[str, int] | None = None,
        backup: bool = False,
    ) -> Subflow:
        """A further subflow from one of the host's addresses, as it should be."""
        subflow = self.dial(remote or connection.first.remote, address)
        return handshake.join(
            subflow, connection, nonce=self.draw(32), address_id=address_id, backup=backup
        )

    def accept_join(
        self, connection: Connection, *, address_id: int = 0, backup: bool = False
    ) -> Subflow:
        """A further subflow that the kernel opens to a port that listens, as it should be."""
        return handshake.accept_join(
            self.syn(), connection, nonce=self.draw(32), address_id=address_id, backup=backup
        )

    def _subflow(self, local: Endpoint, remote: Endpoint) -> Subflow:
        isn, name = self.draw(32), self._host.name
        return Subflow(self._raw, self._run, local, remote, isn=isn, host=name)

    def _key(self, key: int | None) -> int:
        return self.draw(64) if key is None else key
