"""Which fields an MPTCP option of a subtype and length has, and where (RFC 8684's figures)."""

from __future__ import annotations

from lab.columns.mptcp import Field, Flag, Subtype

HMAC_OCTETS, MOST_IDS = 20, 37
"""Of the third packet's MP_JOIN; and the most address ids that a TCP header has room for."""

Place = tuple[Field, int, str]
"""A field, its offset from the option's kind, and what NumPy calls a number of its size."""

_CAPABLE: tuple[Place, ...] = ((Field.version, 2, "u1"), (Field.flags, 3, "u1"))
_KEY = (*_CAPABLE, (Field.sender_key, 4, "u8"))
_KEYS = (*_KEY, (Field.receiver_key, 12, "u8"))
_MAPPED = (*_KEYS, (Field.data_level_length, 20, "u2"))
_FLAGS: Place = (Field.flags, 2, "u1")
_JOIN: tuple[Place, ...] = (_FLAGS, (Field.address_id, 3, "u1"))
_RESERVED: Place = (Field.reserved, 2, "u2")


def _add_address(size: str, octets: int) -> dict[tuple[int, int], tuple[Place, ...]]:
    """Section 3.4.1; without an HMAC it is an echo, or of version 0."""
    end = 4 + octets
    alone: tuple[Place, ...] = (*_JOIN, (Field.address, 4, size))
    port: Place = (Field.port, end, "u2")
    return {
        (Subtype.ADD_ADDR, end): alone,
        (Subtype.ADD_ADDR, end + 2): (*alone, port),
        (Subtype.ADD_ADDR, end + 8): (*alone, (Field.truncated_hmac, end, "u8")),
        (Subtype.ADD_ADDR, end + 10): (*alone, port, (Field.truncated_hmac, end + 2, "u8")),
    }


FORMS: dict[tuple[int, int], tuple[Place, ...]] = {
    (Subtype.MP_CAPABLE, 4): _CAPABLE,
    (Subtype.MP_CAPABLE, 12): _KEY,
    (Subtype.MP_CAPABLE, 20): _KEYS,
    (Subtype.MP_CAPABLE, 22): _MAPPED,
    (Subtype.MP_CAPABLE, 24): (*_MAPPED, (Field.checksum, 22, "u2")),
    (Subtype.MP_JOIN, 12): (*_JOIN, (Field.token, 4, "u4"), (Field.nonce, 8, "u4")),
    (Subtype.MP_JOIN, 16): (*_JOIN, (Field.truncated_hmac, 4, "u8"), (Field.nonce, 12, "u4")),
    (Subtype.MP_JOIN, 24): (_RESERVED, (Field.hmac, 4, f"{HMAC_OCTETS}u1")),
    **_add_address("u4", 4),
    **_add_address("2u8", 16),
    **{
        (Subtype.REMOVE_ADDR, 3 + ids): ((Field.removed, 3, f"({ids},)u1"),)
        for ids in range(1, MOST_IDS + 1)
    },
    (Subtype.MP_PRIO, 3): (_FLAGS,),
    (Subtype.MP_PRIO, 4): _JOIN,
    (Subtype.MP_FAIL, 12): (_RESERVED, (Field.dsn, 4, "u8")),
    (Subtype.MP_FASTCLOSE, 12): (_RESERVED, (Field.receiver_key, 4, "u8")),
    (Subtype.MP_TCPRST, 4): (_FLAGS, (Field.reason, 3, "u1")),
}
"""By subtype and length; DSS is not here, as its length follows from its flags."""


def signal(flags: int, length: int) -> tuple[Place, ...]:
    """Return the fields of a DSS (section 3.3): its flags do not tell of a checksum."""
    places: list[Place] = [(Field.flags, 3, "u1")]
    end = 4
    if flags & Flag.DSS_ACK:
        octets = 8 if flags & Flag.DSS_ACK_8 else 4
        places.append((Field.data_ack, end, f"u{octets}"))
        end += octets
    if flags & Flag.DSS_MAP:
        octets = 8 if flags & Flag.DSS_MAP_8 else 4
        places.append((Field.dsn, end, f"u{octets}"))
        end += octets
        places += ((Field.ssn, end, "u4"), (Field.data_level_length, end + 4, "u2"))
        end += 6
        if length == end + 2:
            places.append((Field.checksum, end, "u2"))
            end += 2
    return tuple(places) if length == end else ()
