"""Mappings of subflow sequence numbers to data sequence numbers (RFC 8684, section 3.3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lab.columns.flows import Flows
from lab.columns.mptcp import Field, Flag, Options, Subtype
from lab.columns.octets import Bools, Ints
from lab.columns.packets import Packets
from lab.columns.table import Table
from lab.wire import keys


@dataclass(frozen=True, eq=False)
class Mappings(Table):
    """One row for each DSS with a mapping, and each MP_CAPABLE with a data-level length.

    An MP_CAPABLE of a version of which no hash is known maps nothing that could be named.
    """

    packet: Ints
    """The row of its packet."""
    number: Ints
    """The number of its packet in the file."""
    time: Ints
    """Nanoseconds since the epoch."""
    connection: Ints
    subflow: Ints
    forward: Bools
    """Whether the connection's initiator sent it."""
    dsn: npt.NDArray[np.uint64]
    """Data sequence number as in the option: of 32 bits, where that has no more."""
    ssn: npt.NDArray[np.uint32]
    """Subflow sequence number, 1 for the first octet; 0 for a DATA_FIN without data."""
    length: Ints
    """Octets, without the DATA_FIN; 0 of an infinite mapping is ``infinite``."""
    data_fin: Bools
    infinite: Bools
    """Fallback: all that follows belongs to it (section 3.7)."""


def mappings(packets: Packets, options: Options, flows: Flows) -> Mappings:
    """Return the mappings in the order of the capture."""
    unknown = (options.subtype == Subtype.MP_CAPABLE) & ~np.isin(options.version, list(keys.HASHES))
    row = np.flatnonzero(options.has(Field.data_level_length) & ~unknown)
    chosen = options.take(row)
    packet, length = chosen.packet, chosen.data_level_length.astype(np.int64)
    capable = chosen.subtype == Subtype.MP_CAPABLE
    dsn, ssn = chosen.dsn.copy(), chosen.ssn.copy()
    for at in np.flatnonzero(capable).tolist():
        dsn[at] = keys.first_dsn(int(chosen.sender_key[at]), int(chosen.version[at]))
        ssn[at] = 1
    fin = ~capable & (chosen.flags & Flag.DATA_FIN != 0)
    return Mappings(
        packet=packet,
        number=chosen.number,
        time=packets.time[packet],
        connection=flows.connection[packet],
        subflow=flows.subflow[packet],
        forward=flows.forward[packet],
        dsn=dsn,
        ssn=ssn,
        length=length - (fin & (length > 0)),
        data_fin=fin,
        infinite=length == 0,
    )
