"""A packet that opens a subflow, as far as a firewall may look at it."""

from __future__ import annotations

from dataclasses import dataclass

from lab.doctor.state import Address


@dataclass(frozen=True, slots=True)
class Packet:
    """The SYN with MP_JOIN, or the SYN/ACK that answers it, at one host."""

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

    @property
    def hooks(self) -> tuple[str, ...]:
        """The hooks of netfilter that it passes at this host."""
        if not self.arriving:
            return ("output", "postrouting")
        if not self.leaving:
            return ("prerouting", "input")
        return ("prerouting", "forward", "postrouting")

    @property
    def flags(self) -> set[str]:
        """TCP flags."""
        return {"syn", "ack"} if self.answer else {"syn"}

    def __str__(self) -> str:
        kind = "SYN/ACK" if self.answer else "SYN"
        return f"the {kind} with MP_JOIN from {self.source} to {self.destination}"
