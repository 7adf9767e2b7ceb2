"""The connection that a scripted peer is an end of: its keys, data sequence numbers, and data."""

from __future__ import annotations

import time
from typing import Any

from lab.errors import ScenarioFailed
from lab.peer.subflow import PATIENCE, Subflow, option_of
from lab.wire import keys
from lab.wire.checksum import checksum
from lab.wire.mptcp import AddAddr, AddAddr4, AddAddr6, Dss, MpCapableData
from lab.wire.segment import Segment

FULL_64 = 1 << 64


class Connection:
    """What both ends know of a connection, and the options that follow from it.

    Each of the methods that make an option makes the right one; a test that wants a wrong one makes
    it itself, and sends it with `Subflow.send`.
    """

    def __init__(
        self, first: Subflow, *, local_key: int, remote_key: int, checksums: bool = False
    ) -> None:
        self.local_key = local_key
        self.remote_key = remote_key
        self.checksums = checksums
        """Whether one of both asked for them (section 3.1, flag A)."""
        self.subflows = [first]
        self.snd_nxt = (keys.idsn(local_key) + 1) % FULL_64
        """The data sequence number of the next octet that is sent."""
        self.rcv_nxt = (keys.idsn(remote_key) + 1) % FULL_64
        """That of the next octet that is expected."""
        self.data = b""
        """All data that have come, without holes."""

    @property
    def first(self) -> Subflow:
        """The initial subflow."""
        return self.subflows[0]

    @property
    def token(self) -> int:
        """How a join that we send names the connection (section 3.2)."""
        return keys.token(self.remote_key)

    @property
    def local_token(self) -> int:
        """How a join of the other host names it."""
        return keys.token(self.local_key)

    def mapping(self, subflow: Subflow, payload: bytes, *, fin: bool = False, **fields: Any) -> Dss:
        """The DSS for data that are sent next on a subflow (section 3.3.1); ``fields`` alter it.

        The checksum is that of the fields as they are in the end, if checksums were agreed upon.
        """
        values = {
            "flags": "AaMmF" if fin else "AaMm",
            "data_ack": self.rcv_nxt,
            "dsn": self.snd_nxt,
            "ssn": subflow.ssn if payload else 0,
            "data_level_length": len(payload) + fin,
        }
        option = Dss(**values | fields)
        if self.checksums and "checksum" not in fields:
            option.checksum = checksum(option.dsn, option.ssn, option.data_level_length, payload)
        return option

    def acknowledgment(self, data_ack: int | None = None) -> Dss:
        """The DSS that acknowledges all that has come (section 3.3.2), or up to ``data_ack``."""
        return Dss(flags="Aa", data_ack=self.rcv_nxt if data_ack is None else data_ack)

    def add_addr(self, address_id: int, address: str, port: int | None = None) -> AddAddr:
        """ADD_ADDR with the right HMAC (section 3.4.1)."""
        layer = AddAddr6 if ":" in address else AddAddr4
        proof = keys.add_addr_hmac(self.local_key, self.remote_key, address_id, address, port or 0)
        return layer(address_id=address_id, address=address, port=port, hmac=proof)

    def send(self, payload: bytes, subflow: Subflow | None = None, *, fin: bool = False) -> None:
        """Send data with their mapping, on the initial subflow unless told otherwise.

        ``fin``: and the end of all data (DATA_FIN, section 3.3.3).
        """
        on = subflow or self.first
        option = self.mapping(on, payload, fin=fin)
        on.send(option, payload=payload, flags="PA" if payload else "A")
        self.snd_nxt = (self.snd_nxt + len(payload) + fin) % FULL_64

    def acknowledge(self, subflow: Subflow | None = None) -> None:
        """Acknowledge all that has come, on one subflow."""
        (subflow or self.first).send(self.acknowledgment())

    def expect(
        self, data: bytes, subflow: Subflow | None = None, *, timeout: float = PATIENCE
    ) -> None:
        """Wait for these data on one subflow, and acknowledge them.

        :raises ScenarioFailed: others come, or none.
        """
        on, deadline = subflow or self.first, time.monotonic() + timeout
        wanted = self.data + data
        while self.data != wanted and (segment := on.receive(deadline)):
            if self.take(segment):
                self.acknowledge(on)
        if self.data != wanted:
            came = self.data[len(wanted) - len(data) :]
            raise ScenarioFailed(
                f"{on} expected the data {data!r} within {timeout:g} s, not {came!r}; {on.so_far()}"
            )

    def expect_acknowledged(self, subflow: Subflow | None = None) -> Segment:
        """Wait until all that was sent is acknowledged, on one subflow."""
        return (subflow or self.first).expect_segment(
            lambda segment: _data_ack(segment) in (self.snd_nxt, self.snd_nxt % (1 << 32)),
            f"a data acknowledgment of {self.snd_nxt:#x}",
        )

    def take(self, segment: Segment) -> int:
        """Take the next data out of a segment, or DATA_FIN: how much the numbers moved by it."""
        found = _mapping(segment)
        if found is None:
            return 0
        capable = isinstance(found, MpCapableData)
        start = keys.idsn(self.remote_key) + 1 if capable else found.dsn
        if start % (1 << 32) != self.rcv_nxt % (1 << 32):
            return 0  # a repetition, or behind a hole
        self.data += segment.data
        moved = int(found.data_level_length)
        self.rcv_nxt = (self.rcv_nxt + moved) % FULL_64
        return moved


def _mapping(segment: Segment) -> Any:
    """The option that maps the data of a segment; None if there is none."""
    capable = option_of(segment, MpCapableData)
    if capable is not None:
        return capable
    option = option_of(segment, Dss)
    return option if option is not None and option.flags.value & Dss.MAP else None


def _data_ack(segment: Segment) -> int | None:
    option = option_of(segment, Dss)
    return option.data_ack if option is not None and option.flags.value & Dss.ACK else None
