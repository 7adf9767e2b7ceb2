"""What spoils results without stopping a subflow; the manifest of a run has the values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lab import settings
from lab.build import Network
from lab.doctor.finding import Finding
from lab.doctor.state import State


def judge(network: Network, states: Mapping[str, State]) -> Iterator[Finding]:
    """Traps that a network is in."""
    yield from _joined_segments(network, states)
    for host in network.topology.hosts:
        with network.node(host).stack():
            yield from _congestion_control()
            yield from _metrics(host)


def _congestion_control() -> Iterator[Finding]:
    """What is restricted is so on the whole machine."""
    allowed = (settings.read("net.ipv4.tcp_allowed_congestion_control") or "").split()
    available = (settings.read("net.ipv4.tcp_available_congestion_control") or "").split()
    restricted = ", ".join(sorted(set(available) - set(allowed)))
    if restricted:
        what = (
            f"no host of a lab can have the congestion control {restricted} as its default: it is "
            "restricted to the machine's own network"
        )
        advice = "set it for each socket (TCP_CONGESTION), or allow it on the machine"
        yield Finding("congestion_control", "", what, advice, stops=False)


def _metrics(host: str) -> Iterator[Finding]:
    if settings.read("net.ipv4.tcp_no_metrics_save") == "0":
        what = "what TCP learns of a path is kept for the next connection (tcp_no_metrics_save)"
        command = ("sysctl", "-w", "net.ipv4.tcp_no_metrics_save=1")
        yield Finding("metrics", host, what, "let it forget", (command,), stops=False)


def _joined_segments(network: Network, states: Mapping[str, State]) -> Iterator[Finding]:
    """A packet of many segments counts as one in a queue of packets."""
    for node in network.topology.nodes:
        for _, end in network.topology.ends_of(node):
            interface = states[node].interfaces.get(end.interface)
            if interface and interface.segments > 1:
                what = (
                    f"{interface.name} sends up to {interface.segments} segments as one packet, "
                    "which queues of packets and captures count as one"
                )
                command = ("ip", "link", "set", "dev", interface.name, "gso_max_segs", "1")
                yield Finding("gso", node, what, "send them alone", (command,), stops=False)
