"""Packets that vanish because they are too big for a link, and nobody says so to their sender."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from lab.doctor.finding import Finding
from lab.doctor.state import Interface, State

LEAST = 76
"""bytes of the third packet of MP_JOIN: IPv4 20, TCP 20, timestamps 12, the option 24 (RFC 8684,
section 3.2); measured: with 75 no subflow is established"""
USUAL = 1500
"""bytes: what Ethernet takes"""


def narrow(
    states: Mapping[str, State], out: tuple[str, str], into: tuple[str, str | None]
) -> Iterator[Finding]:
    """What is wrong with the sizes of a link from one host and interface to another."""
    (host, name), (other, arriving) = out, into
    first, second = states[host].interfaces[name], states[other].interfaces[arriving or ""]
    for where, interface in ((host, first), (other, second)):
        if interface.mtu < LEAST:
            few = f"{interface.name} takes {interface.mtu} bytes, too few for MP_JOIN"
            yield _mtu(where, interface, few, "let it take more", USUAL)
            return
    if first.mtu > second.mtu:
        # A frame that is longer than the next interface takes is dropped without a word.
        what = (
            f"{first.name} sends packets of {first.mtu} bytes, of which {other}:{second.name} "
            f"takes {second.mtu}: full segments vanish"
        )
        yield _mtu(host, first, what, "let both ends have one MTU", second.mtu)


def _mtu(host: str, interface: Interface, what: str, advice: str, mtu: int) -> Finding:
    command = ("ip", "link", "set", "dev", interface.name, "mtu", str(mtu))
    return Finding("mtu", host, what, advice, (command,))


def unheard(host: str, wide: Interface, small: Interface, blocked: Finding) -> Finding:
    """That ``host`` cannot tell a sender that packets do not fit: it is ``blocked``."""
    what = (
        f"packets of {wide.mtu} bytes do not fit into {host}:{small.name}, which takes "
        f"{small.mtu}, and their sender does not learn of it: {blocked.what}"
    )
    return replace(blocked, cause="mtu", what=what)
