"""What each segment with data carried of its connection: new octets, or some that were sent before.

All of it is said from where the capture was taken: the sender's capture tells what was sent, the
receiver's what arrived.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.columns import groups
from lab.columns.flows import ACK, RST, SYN, Flows
from lab.columns.mappings import Mappings
from lab.columns.octets import Bools, Ints
from lab.columns.packets import Packets
from lab.columns.table import Table

NO_SAMPLE = -1

ENDLESS = 1 << 31
"""Length of an infinite mapping here: more than two segments of one subflow are apart."""


@dataclass(frozen=True, eq=False)
class Sent(Table):
    """Segments with payload of subflows of MPTCP connections; all lengths in octets."""

    packet: Ints
    """The row of its packet."""
    time: Ints
    """Nanoseconds since the epoch."""
    connection: Ints
    subflow: Ints
    onward: Bools
    """Whether the subflow's initiator sent it."""
    forward: Bools
    """Whether the connection's initiator sent it."""
    payload: Ints
    data: Ints
    """Where its first octet lies: octets after the first data in this direction of the connection
    that was captured. Of no meaning without a mapping."""
    first: Ints
    """Octets of data that no earlier segment of the connection carried."""
    reinjected: Ints
    """Octets that only other subflows had carried before."""
    retransmitted: Ints
    """Octets that this subflow had carried before."""
    unmapped: Ints
    """Octets without a mapping."""
    out_of_order: Ints
    """Octets of ``first`` below data that was seen before them."""
    rtt: Ints
    """Nanoseconds until an acknowledgment of the subflow covered the segment, from and back to
    where the capture was taken; -1: none did, or the segment was sent more than once."""


def sent(packets: Packets, flows: Flows, mappings: Mappings) -> Sent:
    """Follow the data of all connections, in the order of the capture."""
    data = (packets.payload > 0) & (packets.flags & RST == 0)
    row = np.flatnonzero(data & (flows.connection >= 0))
    payload = packets.payload[row].astype(np.int64)
    on_flow = 2 * flows.subflow + flows.onward
    start, ack = _positions(packets, on_flow)
    repeated = payload - groups.first_seen(start[row], start[row] + payload)
    number, mapped = _data_numbers(packets, mappings, on_flow, row)
    key = 2 * flows.connection[row] + flows.forward[row]
    data, first, out_of_order = np.zeros((3, len(row)), np.int64)
    data[mapped] = groups.unwrapped(key[mapped], number[mapped])
    first[mapped], out_of_order[mapped] = _new(key[mapped], data[mapped], payload[mapped])
    retransmitted = np.where(mapped, np.minimum(repeated, payload - first), 0)
    return Sent(
        packet=row,
        time=packets.time[row],
        connection=flows.connection[row],
        subflow=flows.subflow[row],
        onward=flows.onward[row],
        forward=flows.forward[row],
        payload=payload,
        data=data,
        first=first,
        reinjected=np.where(mapped, payload - first - retransmitted, 0),
        retransmitted=retransmitted,
        unmapped=np.where(mapped, 0, payload),
        out_of_order=out_of_order,
        rtt=_rtt(packets, on_flow, (start, ack), row, repeated > 0),
    )


def _positions(packets: Packets, on_flow: Ints) -> tuple[Ints, Ints]:
    """Return each packet's sequence number, and acknowledgment, in numbers of 64 bits.

    No two directions of subflows have numbers in common, and what acknowledges has those of what is
    acknowledged. A packet without ACK, and a reset, acknowledge nothing: -1.
    """
    count = len(on_flow)
    reset = packets.flags & RST != 0
    acks = np.flatnonzero((packets.flags & ACK != 0) & ~reset)
    sends = np.flatnonzero(~reset)
    keys = np.concatenate((on_flow[sends], on_flow[acks] ^ 1))
    numbers = np.concatenate((packets.seq[sends], packets.ack[acks]))
    order = np.argsort(np.concatenate((sends, acks)), kind="stable")
    distance = np.empty(len(order), np.int64)
    distance[order] = groups.unwrapped(keys[order], numbers[order])
    ends = distance.copy()
    ends[: len(sends)] += packets.payload[sends]
    distance += groups.apart(keys, distance, ends)
    start, ack = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    start[sends], ack[acks] = distance[: len(sends)], distance[len(sends) :]
    return start, ack


def _data_numbers(
    packets: Packets, mappings: Mappings, on_flow: Ints, row: Ints
) -> tuple[Ints, Bools]:
    """Return the data sequence number of each segment, its low 32 bits; and which have one.

    A segment without a mapping belongs to the last one before it on its subflow, if that covers it.
    """
    useful = np.flatnonzero((mappings.length > 0) | mappings.infinite)
    own = np.full(len(packets), -1, np.int64)
    own[mappings.packet[useful]] = useful
    used = _filled(on_flow[row], own[row])
    zero = _initial_numbers(packets, mappings, on_flow, own)[on_flow[row]]
    payload = packets.payload[row].astype(np.int64)
    mapped = used >= 0
    at = used[mapped]
    relative = packets.seq[row].astype(np.int64) - zero
    offset = np.zeros(len(row), np.int64)
    offset[mapped] = (relative[mapped] - mappings.ssn[at]).astype(np.uint32).astype(np.int32)
    room = np.where(mappings.infinite[at], ENDLESS, mappings.length[at])
    good = (offset[mapped] >= 0) & (offset[mapped] + payload[mapped] <= room)
    number = np.zeros(len(row), np.int64)
    number[mapped] = (mappings.dsn[at] & np.uint64(0xFFFFFFFF)).astype(np.int64) + offset[mapped]
    mapped[mapped] = good
    return number & 0xFFFFFFFF, mapped


def _filled(keys: Ints, values: Ints) -> Ints:
    """Replace -1 by the last other value before it in its group, if there is one."""
    order = np.argsort(keys, kind="stable")
    sorted_values = values[order]
    latest = np.where(sorted_values >= 0, np.arange(len(order)), -1)
    starts = np.flatnonzero(groups.begins(keys[order]))
    start = np.repeat(starts, np.diff([*starts, len(order)]))
    latest = np.maximum.accumulate(latest, dtype=np.int64)
    found = np.empty_like(values)
    found[order] = np.where(latest >= start, sorted_values[latest], -1)
    return found


def _initial_numbers(packets: Packets, mappings: Mappings, on_flow: Ints, own: Ints) -> Ints:
    """Return the sequence number of the SYN of each direction of a subflow.

    Where it was not captured, a segment that is as long as its mapping tells; else it is assumed
    that the first segment with a mapping begins where that does.
    """
    initial = np.zeros(int(on_flow.max(initial=0)) + 2, np.int64)
    segments = np.flatnonzero((own >= 0) & (packets.payload > 0))
    mapping = own[segments]
    told = packets.seq[segments].astype(np.int64) - mappings.ssn[mapping]
    whole = packets.payload[segments] == mappings.length[mapping]
    syn = np.flatnonzero(packets.flags & SYN)
    for rows, values in (
        (segments, told),
        (segments[whole], told[whole]),
        (syn, packets.seq[syn].astype(np.int64)),
    ):
        initial[on_flow[rows[::-1]]] = values[::-1]  # of several, the first one counts
    return initial


def _new(key: Ints, data: Ints, payload: Ints) -> tuple[Ints, Ints]:
    """Return the octets that are new to their connection, and how many of those come late."""
    place = data + groups.apart(key, data, data + payload)
    first = groups.first_seen(place, place + payload)
    late = place < groups.before(key, place + payload)
    return first, np.where(late, first, 0)


def _rtt(
    packets: Packets, on_flow: Ints, positions: tuple[Ints, Ints], row: Ints, repeats: Bools
) -> Ints:
    """Return the time from each segment to the first acknowledgment that covers it.

    Of what was sent more than once, nobody knows which one is acknowledged (RFC 6298, section 3).
    """
    start, ack = positions
    end = start[row] + packets.payload[row].astype(np.int64)
    acks = np.flatnonzero(ack >= 0)
    acks = acks[np.argsort(on_flow[acks] ^ 1, kind="stable")]
    highest = np.maximum.accumulate(ack[acks])
    at = np.searchsorted(highest, end)
    found = at < len(acks)
    covering = acks[np.minimum(at, len(acks) - 1)] if len(acks) else np.zeros_like(row)
    found &= (on_flow[covering] ^ 1 == on_flow[row]) & (covering > row)
    found &= ~_within(end - 1, start[row][repeats], end[repeats])
    return np.where(found, packets.time[covering] - packets.time[row], NO_SAMPLE)


def _within(numbers: Ints, start: Ints, end: Ints) -> Bools:
    """Tell which numbers lie in any of the ranges."""
    order = np.argsort(start)
    highest = np.maximum.accumulate(end[order])
    at = np.searchsorted(start[order], numbers, "right") - 1
    inside: Bools = at >= 0
    inside[inside] = highest[at[inside]] > numbers[inside]
    return inside
