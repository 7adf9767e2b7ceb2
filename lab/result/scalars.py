"""Scalars that follow from the captures of a run. Imports NumPy, so import it late.

They are those of its *transfer*: the direction of a connection that delivered the most new data to
a host where there was a capture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from lab.columns.analysis import Analysis
from lab.columns.sent import Sent
from lab.columns.series import SECOND, handovers
from lab.figure import Figure

ARRIVED, SENT = 0, 1
"""``Packets.outgoing``."""

Figures = dict[str, Figure]


def figures(analyses: Mapping[str, Analysis]) -> Figures:
    """The figures of the transfer, from its receiver's capture and from its sender's."""
    received = _busiest(analyses.values(), ARRIVED)
    sent = _busiest(analyses.values(), SENT)
    found = dict(_of_receiver(received)) if received is not None else {}
    return found | (dict(_of_sender(sent)) if sent is not None else {})


class _Way(NamedTuple):
    """One direction of a connection."""

    connection: int
    forward: bool
    delivered: int
    """octets of new data"""


def _busiest(analyses: Iterable[Analysis], outgoing: int) -> Sent | None:
    """The segments of the direction with the most new data; None if there is no data."""
    best, most = None, 0
    for analysis in analyses:
        seen = analysis.sent.take(
            analysis.capture.packets.outgoing[analysis.sent.packet] == outgoing
        )
        for way in _ways(seen):
            if way.delivered > most:
                chosen = (seen.connection == way.connection) & (seen.forward == way.forward)
                best, most = seen.take(chosen), way.delivered
    return best


def _ways(sent: Sent) -> Iterator[_Way]:
    keys, which = np.unique(2 * sent.connection + sent.forward, return_inverse=True)
    delivered = np.zeros(len(keys), np.int64)
    np.add.at(delivered, which, sent.first)
    for key, octets in zip(keys.tolist(), delivered.tolist(), strict=True):
        yield _Way(key // 2, bool(key % 2), octets)


def _of_receiver(sent: Sent) -> Iterator[tuple[str, Figure]]:
    fresh = sent.first > 0
    delivered = int(sent.first.sum())
    seconds = float(np.ptp(sent.time[fresh])) / SECOND
    yield "delivered", Figure(delivered, "byte")
    yield "subflows_used", Figure(len(np.unique(sent.subflow[fresh])), "")
    if seconds:
        yield "transfer_time", Figure(seconds, "s")
        yield "goodput", Figure(8 * delivered / seconds, "bit/s", "higher")
    if len(sent.time[fresh]) > 1:
        pause = int(np.diff(sent.time[fresh]).max())
        yield "longest_pause", Figure(pause / SECOND, "s", "lower")
    gaps = handovers(sent).gap
    if len(gaps):
        yield "handover_gap", Figure(int(gaps.max()) / SECOND, "s", "lower")


def _of_sender(sent: Sent) -> Iterator[tuple[str, Figure]]:
    yield "reinjected", Figure(int(sent.reinjected.sum()), "byte", "lower")
    yield "retransmitted", Figure(int(sent.retransmitted.sum()), "byte", "lower")
    samples = sent.rtt[sent.rtt >= 0]
    if len(samples):
        yield "rtt", Figure(float(np.median(samples)) / SECOND, "s", "lower")
