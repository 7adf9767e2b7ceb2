"""MPTCP options decoded: from where they lie to a table of their fields."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from lab.columns.column import nothing
from lab.columns.forms import FORMS, HMAC_OCTETS, MOST_IDS, signal
from lab.columns.mptcp import Field, Flag, Options, Subtype
from lab.columns.octets import Array, Ints, Octets
from lab.columns.option_walk import Found
from lab.columns.packets import mapped

SHAPES: dict[Field, tuple[str, tuple[int, ...]]] = {
    Field.version: ("u1", ()),
    Field.flags: ("u1", ()),
    Field.sender_key: ("u8", ()),
    Field.receiver_key: ("u8", ()),
    Field.data_ack: ("u8", ()),
    Field.dsn: ("u8", ()),
    Field.ssn: ("u4", ()),
    Field.data_level_length: ("u2", ()),
    Field.checksum: ("u2", ()),
    Field.address_id: ("u1", ()),
    Field.token: ("u4", ()),
    Field.nonce: ("u4", ()),
    Field.truncated_hmac: ("u8", ()),
    Field.hmac: ("u1", (HMAC_OCTETS,)),
    Field.address: ("u8", (2,)),
    Field.port: ("u2", ()),
    Field.reason: ("u1", ()),
    Field.removed: ("u1", (MOST_IDS,)),
    Field.reserved: ("u2", ()),
}
"""What NumPy calls the numbers in a column, and how many there are in a row."""

_DSS_FORM = Flag.DSS_ACK | Flag.DSS_ACK_8 | Flag.DSS_MAP | Flag.DSS_MAP_8
"""The flags that tell which fields a DSS has."""


def decode(octets: Octets, found: Found, number: Ints) -> Options:
    """Return the fields of options; ``number`` are the numbers of all packets.

    Those of one form are read at once.
    """
    rows = len(found.at)
    subtype = octets.u1(found.at + 2) >> np.uint8(4)
    present = np.zeros(rows, np.uint32)
    columns = {field: nothing(rows, code, *shape) for field, (code, shape) in SHAPES.items()}
    forms = _forms(octets, found, subtype)
    for form in np.flatnonzero(np.bincount(forms)).tolist():
        if layout := _layout(form):
            chosen = np.flatnonzero(forms == form)
            options = octets.headers(found.at[chosen], layout)
            for name in layout.names or ():
                field = Field[name]
                if not columns[field].flags.writeable:
                    columns[field] = np.zeros_like(columns[field])
                _put(columns[field], chosen, field, options[name], _subtype(form))
                present[chosen] |= np.uint32(field)
    named = {str(field.name): column for field, column in columns.items()}
    length = found.length.astype(np.uint8)
    return Options(found.packet, number[found.packet], subtype, length, present, **named)


def _forms(octets: Octets, found: Found, subtype: Array) -> Array:
    """Return subtype, length and, of a DSS, the flags that matter: 4, 6 and 4 bits of a number."""
    flags = octets.u1(found.at + np.minimum(found.length - 1, 3)) & _DSS_FORM
    flags[subtype != Subtype.DSS] = 0
    return (subtype.astype(np.int16) << 6 | found.length.astype(np.int16)) << 4 | flags


def _subtype(form: int) -> int:
    return form >> 10


@cache
def _layout(form: int) -> np.dtype[Any] | None:
    """Return a form as NumPy reads it; None if the option has no fields."""
    subtype, length, flags = _subtype(form), form >> 4 & 0x3F, form & 0xF
    places = signal(flags, length) if subtype == Subtype.DSS else FORMS.get((subtype, length), ())
    if not places:
        return None
    names, offsets, codes = zip(*((str(f.name), at, code) for f, at, code in places), strict=True)
    formats = [np.dtype(code).newbyteorder(">") for code in codes]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": length})


def _put(column: Array, rows: Ints, field: Field, values: Array, subtype: int) -> None:
    """Write the values of a field as they were read from options of one subtype."""
    if field is Field.address and values.ndim == 1:
        values = mapped(values)
    elif field is Field.removed:
        column = column[:, : values.shape[1]]
    elif field is Field.reserved:
        values = values & 0x0FFF
    elif field is Field.version or (field is Field.flags and subtype not in _OCTET_OF_FLAGS):
        values = values & 0x0F  # the other half is the subtype
    column[rows] = values


_OCTET_OF_FLAGS = (Subtype.MP_CAPABLE, Subtype.DSS)
"""In all others they are half an octet."""
