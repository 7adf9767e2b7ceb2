"""MPTCP options decoded: from where they lie to a table of their fields."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from lab.columns.forms import FORMS, HMAC_OCTETS, MOST_IDS
from lab.columns.mptcp import Field, Flag, Options, Subtype
from lab.columns.octets import Array, Ints, Octets
from lab.columns.option_walk import Found
from lab.columns.packets import address_4, address_6
from lab.columns.table import filled

SIZES = {
    Field.version: "u1",
    Field.flags: "u1",
    Field.sender_key: "u8",
    Field.receiver_key: "u8",
    Field.data_ack: "u8",
    Field.dsn: "u8",
    Field.ssn: "u4",
    Field.data_level_length: "u2",
    Field.checksum: "u2",
    Field.address_id: "u1",
    Field.token: "u4",
    Field.nonce: "u4",
    Field.truncated_hmac: "u8",
    Field.port: "u2",
    Field.reason: "u1",
    Field.reserved: "u2",
}
"""What NumPy calls a field of one number; the other fields have columns of their own shape."""

SHAPES: dict[Field, tuple[str, tuple[int, ...]]] = {
    **{field: (code, ()) for field, code in SIZES.items()},
    Field.hmac: ("u1", (HMAC_OCTETS,)),
    Field.address: ("u8", (2,)),
    Field.removed: ("u1", (MOST_IDS,)),
}

Values: TypeAlias = dict[Field, list[tuple[Ints, Array]]]
"""The values of each field, with the rows that have them."""


def decode(octets: Octets, found: Found, number: Ints) -> Options:
    """Return the fields of options; ``number`` are the numbers of all packets."""
    rows = len(found.at)
    first = octets.u1(found.at + 2)
    subtype, length = (first >> 4).astype(np.uint8), found.length.astype(np.uint8)
    values: Values = {field: [] for field in SHAPES}
    _signals(octets, found.at, subtype, length, values)
    _others(octets, found.at, subtype, length, values)
    present = np.zeros(rows, np.uint32)
    for field, parts in values.items():
        for row, _ in parts:
            present[row] |= np.uint32(field)
    columns = {str(field.name): filled(rows, values[field], *SHAPES[field]) for field in SHAPES}
    return Options(found.packet, number[found.packet], subtype, length, present, **columns)


def _signals(octets: Octets, at: Ints, subtype: Array, length: Array, values: Values) -> None:
    """DSS (section 3.3): the flags tell what follows, but not whether a checksum does."""
    row = np.flatnonzero((subtype == Subtype.DSS) & (length >= 4))
    at, length = at[row], length[row].astype(np.int64)
    flags = octets.u1(at + 3)
    acks, maps = flags & Flag.DSS_ACK != 0, flags & Flag.DSS_MAP != 0
    ack_octets = np.where(acks, np.where(flags & Flag.DSS_ACK_8, 8, 4), 0)
    map_octets = np.where(maps, np.where(flags & Flag.DSS_MAP_8, 14, 10), 0)
    rest = length - 4 - ack_octets - map_octets
    good = (rest == 0) | (maps & (rest == 2))
    values[Field.flags].append((row[good], flags[good]))
    _number(octets, Field.data_ack, row, at + 4, ack_octets, good & acks, values)
    mapped = good & maps
    behind = at + 4 + ack_octets
    _number(octets, Field.dsn, row, behind, map_octets - 6, mapped, values)
    end = (behind + map_octets)[mapped]
    values[Field.ssn].append((row[mapped], octets.u4(end - 6)))
    values[Field.data_level_length].append((row[mapped], octets.u2(end - 2)))
    summed = mapped & (rest == 2)
    values[Field.checksum].append((row[summed], octets.u2((behind + map_octets)[summed])))


def _number(
    octets: Octets, field: Field, row: Ints, at: Ints, size: Ints, good: Array, values: Values
) -> None:
    """Read a data sequence number or acknowledgment of four or eight octets."""
    for each, read in ((4, octets.u4), (8, octets.u8)):
        chosen = np.flatnonzero(good & (size == each))
        if len(chosen):
            values[field].append((row[chosen], read(at[chosen])))


def _others(octets: Octets, at: Ints, subtype: Array, length: Array, values: Values) -> None:
    """All options whose form follows from subtype and length."""
    row = np.flatnonzero(subtype != Subtype.DSS)
    form = subtype[row].astype(np.uint16) << 8 | length[row]
    for each in np.unique(form):
        kind, octets_long = divmod(int(each), 256)
        rows = row[form == each]
        for field, offset in FORMS.get((kind, octets_long), ()):
            read = _read(octets, field, at[rows] + offset, kind, octets_long)
            values[field].append((rows, read))


def _read(octets: Octets, field: Field, at: Ints, subtype: int, length: int) -> Array:
    if field is Field.address:
        return address_4(octets, at) if length in (8, 10, 16, 18) else address_6(octets, at)
    if field is Field.hmac:
        return octets.rows(at, HMAC_OCTETS)
    if field is Field.removed:
        ids = octets.rows(at, length - 3)
        return np.pad(ids, ((0, 0), (0, MOST_IDS - ids.shape[1])))
    value = octets.take(SIZES[field], at)
    if field is Field.reserved:
        value &= 0x0FFF
    if field is Field.version or (field is Field.flags and subtype != Subtype.MP_CAPABLE):
        value &= 0x0F  # the other half is the subtype
    return value
