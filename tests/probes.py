"""Numbered datagrams through a network, and when the captures at both ends saw them."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import closing, contextmanager
from typing import NamedTuple

from lab.build import Network
from lab.capture import Captures
from lab.load import loads
from lab.wire import link_layer, reading

ONE_LINK = """
topology: 1
name: one_link
hosts: {{client: {{}}, server: {{}}}}
links:
  wifi: {{ends: [client:wifi, server:wifi], subnet: 10.0.1.0/24, {declared}}}
"""

PORT = 4000
"""Where probes are sent to."""

MARK = 4001
"""Where goes what only says that all before it has come."""

AT_ONCE = 20
"""datagrams without a pause: fewer than any queue on the way keeps"""

DEADLINE = 30.0

HEADERS = 20 + 8
"""octets of an IPv4 and a UDP header"""


@contextmanager
def one_link(declared, directory, backend=None):
    """A network of one link that declares so, and probes there and back."""
    topology = loads(ONE_LINK.format(declared=declared), "one_link.yaml")
    with (
        Network(topology, backend=backend) as net,
        Captures(net.nodes, directory) as captures,
        net.sound(),
        closing(Probes(net, captures, directory, "client", "server")) as there,
        closing(Probes(net, captures, directory, "server", "client")) as back,
    ):
        yield net, there, back


class Crossing(NamedTuple):
    """What became of probes on their way from one host to another."""

    sent: dict[int, float]
    """By number, when it was sent, in seconds since the epoch."""
    came: list[tuple[int, float]]
    """Number and time, in the order of arrival; what came twice is there twice."""

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.came]

    @property
    def delays(self) -> list[float]:
        """Seconds that each took, in the order of arrival."""
        return [time - self.sent[number] for number, time in self.came]


class Probes:
    """Sends probes from one host to another of a network, captured by ``captures``."""

    def __init__(self, net, captures, directory, sender, receiver):
        self._captures, self._directory = captures, directory
        self._sender, self._receiver = sender, receiver
        addresses = net.topology.addresses_of(receiver)
        self._to = next(str(each.ip) for each in addresses if each.version == 4)
        self._socket = net.node(sender).msocket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sinks = [net.node(receiver).msocket(socket.AF_INET, socket.SOCK_DGRAM)
                       for _ in (PORT, MARK)]  # fmt: skip
        for sink, port in zip(self._sinks, (PORT, MARK), strict=True):
            sink.bind((self._to, port))
        self._sinks[1].settimeout(0.02)
        self._next = 0
        self.mark()

    def close(self):
        for each in (self._socket, *self._sinks):
            each.close()

    def send(self, count, *, pause=0.0, size=64):
        """Send so many, of ``size`` octets; ``pause`` seconds after each."""
        for _ in range(count):
            content = struct.pack("!I", self._next).ljust(size, b"\xa5")
            self._socket.sendto(content, (self._to, PORT))
            self._next += 1
            if pause or self._next % AT_ONCE == 0:
                time.sleep(pause or 0.001)

    def mark(self):
        """Return when everything sent before has come, or never will."""
        end = time.monotonic() + DEADLINE
        mark = struct.pack("!d", time.monotonic())
        while True:
            assert time.monotonic() < end, "nothing passes any more"
            self._socket.sendto(mark, (self._to, MARK))
            try:
                while self._sinks[1].recv(64) != mark:
                    pass
            except TimeoutError:
                continue
            return

    def crossing(self):
        """What became of all probes so far."""
        self.mark()
        return self.seen_until_now()

    def seen_until_now(self):
        """What became of all probes so far; some may be on their way still."""
        return Crossing(dict(self._seen(self._sender)), list(self._seen(self._receiver)))

    def whole(self):
        """How many probes came just as they were sent.

        But for the UDP checksum, which the sender's capture shows before it is computed.
        """
        self.mark()
        sent = {_but_checksum(packet) for packet, _ in self._packets(self._sender)}
        return sum(_but_checksum(each) in sent for each, _ in self._packets(self._receiver))

    def lengths(self):
        """The lengths of the IP packets to the receiver that came, but for marks."""
        self.mark()
        to = socket.inet_aton(self._to)
        seen = (packet for packet, _ in self._any_packets(self._receiver) if packet[16:20] == to)
        return [int.from_bytes(packet[2:4]) for packet in seen if _port(packet) != MARK]

    def _seen(self, host):
        for packet, seen in self._packets(host):
            yield struct.unpack_from("!I", packet, HEADERS)[0], seen

    def _packets(self, host):
        """The probes that a host has seen, with times."""
        to = socket.inet_aton(self._to)
        for packet, seen in self._any_packets(host):
            if packet[16:20] == to and _port(packet) == PORT:
                yield packet, seen

    def _any_packets(self, host):
        """The UDP datagrams over IPv4, and parts of them, that a host has seen, with times."""
        self._captures.at(host)  # all that has crossed is in the file then
        for record in reading.read_records(self._directory / f"{host}.pcap"):
            found = link_layer.network(record.frame, record.interface.link_type)
            packet = record.frame[found.offset :]
            if found.protocol == link_layer.ETH_P_IP and packet[9] == socket.IPPROTO_UDP:
                yield packet, record.time


def _port(packet):
    return int.from_bytes(packet[22:24])


def _but_checksum(packet):
    return packet[:26] + packet[28:]
