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
            yield from _of_host(host)


def _of_host(host: str) -> Iterator[Finding]:
    default = settings.read(settings.CONGESTION_CONTROL)
    allowed = (settings.read("net.ipv4.tcp_allowed_congestion_control") or "").split()
    available = (settings.read("net.ipv4.tcp_available_congestion_control") or "").split()
    restricted = ", ".join(sorted(set(available) - set(allowed)))
    if restricted:
        what = (
            f"the congestion control is {default}; {restricted} cannot be the default of a host of "
            "a lab, since it is restricted to the machine's own network"
        )
        advice = "set it for each socket (TCP_CONGESTION), or allow it on the machine"
        yield Finding("congestion_control", host, what, advice, stops=False)
    if settings.read("net.ipv4.tcp_no_metrics_save") == "0":
        what = "what TCP learns of a path is kept for the next connection (tcp_no_metrics_save)"
        advice = "for measurements that are repeated in one network, turn it off"
        command = ("sysctl", "-w", "net.ipv4.tcp_no_metrics_save=1")
        yield Finding("metrics", host, what, advice, (command,), stops=False)


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
