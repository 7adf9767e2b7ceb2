"""A packet that opens a subflow, or tells of one too big, as far as a firewall may look at it."""

from __future__ import annotations

from dataclasses import dataclass

from lab.doctor.state import Address


@dataclass(frozen=True, slots=True)
class Packet:
    """The SYN with MP_JOIN, the SYN/ACK that answers it, or an ICMP error, at one host."""

    source: Address
    destination: Address
    answer: bool = False
    """whether it is the SYN/ACK"""
    port: int | None = None
    """of the host that answers; None: not known"""
    arriving: str = ""
    """the interface by which it comes; empty: the host sends it"""
    leaving: str = ""
    """the interface by which it goes; empty: it is for the host"""
    too_big: bool = False
    """whether it is the ICMP error to who has sent a packet that is too big (RFC 1191, RFC 8201)"""

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks of netfilter that it passes at this host."""
        if not self.arriving:
            return ("output", "postrouting")
        if not self.leaving:
            return ("prerouting", "input")
        return ("prerouting", "forward", "postrouting")

    @property
    def protocol(self) -> str:
        """Its protocol above IP, as nftables call it."""
        if not self.too_big:
            return "tcp"
        return "icmp" if self.source.version == 4 else "ipv6-icmp"

    @property
    def flags(self) -> set[str]:
        """TCP flags."""
        return set() if self.too_big else {"syn", "ack"} if self.answer else {"syn"}

    @property
    def state(self) -> set[str]:
        """What conntrack calls it."""
        return {"related"} if self.too_big else {"established"} if self.answer else {"new"}

    def __str__(self) -> str:
        kind = "SYN/ACK with MP_JOIN" if self.answer else "SYN with MP_JOIN"
        kind = "ICMP error 'packet too big'" if self.too_big else kind
        return f"the {kind} from {self.source} to {self.destination}"
