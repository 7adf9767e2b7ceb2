"""Which fields an MPTCP option of a subtype and length has, and where (RFC 8684's figures)."""

from __future__ import annotations

from lab.columns.mptcp import Field, Subtype

HMAC_OCTETS, MOST_IDS = 20, 37
"""Of the third packet's MP_JOIN; and the most address ids that a TCP header has room for."""

Place = tuple[Field, int]
"""A field and its offset from the option's kind."""

_CAPABLE: tuple[Place, ...] = ((Field.version, 2), (Field.flags, 3))
_KEY = (*_CAPABLE, (Field.sender_key, 4))
_KEYS = (*_KEY, (Field.receiver_key, 12))
_MAPPED = (*_KEYS, (Field.data_level_length, 20))
_JOIN: tuple[Place, ...] = ((Field.flags, 2), (Field.address_id, 3))


def _add_address(octets: int) -> dict[tuple[int, int], tuple[Place, ...]]:
    """Section 3.4.1; without an HMAC it is an echo, or of version 0."""
    end = 4 + octets
    alone: tuple[Place, ...] = (*_JOIN, (Field.address, 4))
    return {
        (Subtype.ADD_ADDR, end): alone,
        (Subtype.ADD_ADDR, end + 2): (*alone, (Field.port, end)),
        (Subtype.ADD_ADDR, end + 8): (*alone, (Field.truncated_hmac, end)),
        (Subtype.ADD_ADDR, end + 10): (
            *alone,
            (Field.port, end),
            (Field.truncated_hmac, end + 2),
        ),
    }


FORMS: dict[tuple[int, int], tuple[Place, ...]] = {
    (Subtype.MP_CAPABLE, 4): _CAPABLE,
    (Subtype.MP_CAPABLE, 12): _KEY,
    (Subtype.MP_CAPABLE, 20): _KEYS,
    (Subtype.MP_CAPABLE, 22): _MAPPED,
    (Subtype.MP_CAPABLE, 24): (*_MAPPED, (Field.checksum, 22)),
    (Subtype.MP_JOIN, 12): (*_JOIN, (Field.token, 4), (Field.nonce, 8)),
    (Subtype.MP_JOIN, 16): (*_JOIN, (Field.truncated_hmac, 4), (Field.nonce, 12)),
    (Subtype.MP_JOIN, 24): ((Field.reserved, 2), (Field.hmac, 4)),
    **_add_address(4),
    **_add_address(16),
    **{(Subtype.REMOVE_ADDR, 3 + ids): ((Field.removed, 3),) for ids in range(1, MOST_IDS + 1)},
    (Subtype.MP_PRIO, 3): ((Field.flags, 2),),
    (Subtype.MP_PRIO, 4): _JOIN,
    (Subtype.MP_FAIL, 12): ((Field.reserved, 2), (Field.dsn, 4)),
    (Subtype.MP_FASTCLOSE, 12): ((Field.reserved, 2), (Field.receiver_key, 4)),
    (Subtype.MP_TCPRST, 4): ((Field.flags, 2), (Field.reason, 3)),
}
"""By subtype and length; DSS is not here, as its length follows from its flags."""
