"""What each subflow carried at each host, in steps of 100 ms. Imports NumPy, so import it late."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lab.columns.analysis import Analysis
from lab.columns.octets import Array, Ints
from lab.columns.series import SECOND, series

STEP = SECOND // 10
"""Nanoseconds; steps begin at multiples of it, so that those of all hosts are the same."""

SEEN = np.array(["arrived", "sent", "unknown"], object)
"""By ``Packets.outgoing``."""

Columns = dict[str, Array]


def metrics(analyses: Mapping[str, Analysis]) -> Columns:
    """The table by its columns, the hosts one after another."""
    parts = [_of_host(host, analysis) for host, analysis in analyses.items()]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_host(host: str, analysis: Analysis) -> Columns:
    found = series(analysis.sent, STEP, aligned=True)
    ends = np.array([tuple(each) for each in analysis.ends()], object).reshape(-1, 2)
    way = 2 * found.subflow + found.onward
    return {
        "host": np.full(len(found), host, object),
        "connection": found.connection + 1,
        "subflow": found.subflow + 1,
        "initiator": ends[found.subflow, 0],
        "responder": ends[found.subflow, 1],
        "direction": np.where(found.onward, ">", "<").astype(object),
        "seen": SEEN[_outgoing(analysis, way)],
        "time_ns": found.start,
        "segments": found.segments,
        "bytes": found.payload,
        "first": found.first,
        "reinjected": found.reinjected,
        "retransmitted": found.retransmitted,
        "out_of_order": found.out_of_order,
        "unmapped": found.unmapped,
        "rtt_s": found.rtt,
        "goodput": found.goodput,
    }


def _outgoing(analysis: Analysis, way: Ints) -> Any:
    """Whether the host sent each of these directions of subflows, by its first segment."""
    sent = analysis.sent
    ways, head = np.unique(2 * sent.subflow + sent.onward, return_index=True)
    outgoing = analysis.capture.packets.outgoing[sent.packet[head]]
    return outgoing[np.searchsorted(ways, way)]
