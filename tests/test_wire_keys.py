"""Tokens, sequence numbers and HMACs, against what Linux 6.18 put on the wire."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from lab.errors import UsageError
from lab.wire import keys
from lab.wire.keys import Party


class Vector(NamedTuple):
    """One connection and its first join, from a capture in tests/data."""

    initiator: Party
    responder: Party
    token: int
    """In the initiator's SYN."""
    first_data_ack: int
    """In the responder's first DSS, when it had received ``received`` bytes."""
    received: int
    first_dsn: int
    """In the responder's first DSS with data."""
    syn_ack_hmac: str
    ack_hmac: str


VECTORS = {
    "join_prio_v4.pcap": Vector(
        initiator=Party(0x06A3EC4EC501EA88, 0xF60D821E),
        responder=Party(0xB97E16197229E837, 0xF7007D33),
        token=0x605CC030,
        first_data_ack=0xD80A08AF791A0C2A,
        received=300,
        first_dsn=0xE2F95661B53DBE7A,
        syn_ack_hmac="f1112da5a345cd55",
        ack_hmac="28b3c7729054297661db4270f477fa0f01cfef5a",
    ),
    "join_prio_v6_checksum.pcap": Vector(
        initiator=Party(0x1C941E54A6268741, 0x9E6A761B),
        responder=Party(0xDBC5B705D0AF6D4B, 0x3D022BC3),
        token=0xD033D06A,
        first_data_ack=6690409575277150281,
        received=300,
        first_dsn=0x1D4A01E46EACA17A,
        syn_ack_hmac="17bf8991b2201a55",
        ack_hmac="d0132051402344a2427d591c056ee81f1d3b3769",
    ),
}


@pytest.fixture(params=list(VECTORS.values()), ids=list(VECTORS))
def vector(request: pytest.FixtureRequest) -> Vector:
    given: Vector = request.param
    return given


def test_token_is_that_of_the_responder(vector: Vector) -> None:
    assert keys.token(vector.responder.key) == vector.token


def test_data_begins_after_the_initial_sequence_number(vector: Vector) -> None:
    assert keys.first_dsn(vector.responder.key) == vector.first_dsn
    assert keys.first_dsn(vector.initiator.key) + vector.received == vector.first_data_ack


def test_hmac_of_the_syn_ack_is_the_responders(vector: Vector) -> None:
    hmac = keys.join_hmac_syn_ack(sender=vector.responder, receiver=vector.initiator)

    assert hmac.hex() == vector.syn_ack_hmac


def test_hmac_of_the_ack_is_the_initiators(vector: Vector) -> None:
    hmac = keys.join_hmac_ack(sender=vector.initiator, receiver=vector.responder)

    assert hmac.hex() == vector.ack_hmac


def test_the_two_hmacs_are_cut_from_256_bits(vector: Vector) -> None:
    whole = keys.join_hmac(sender=vector.initiator, receiver=vector.responder)

    assert len(whole) == 32
    assert whole.hex().startswith(vector.ack_hmac)


def test_keys_and_nonces_may_be_octets(vector: Vector) -> None:
    def octets(party: Party) -> Party:
        assert isinstance(party.key, int)
        assert isinstance(party.nonce, int)
        return Party(party.key.to_bytes(8, "big"), party.nonce.to_bytes(4, "big"))

    initiator, responder = octets(vector.initiator), octets(vector.responder)

    assert keys.token(responder.key) == vector.token
    assert keys.join_hmac_ack(initiator, responder).hex() == vector.ack_hmac


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (b"1234567", "has 56 bits, not 64"),
        (b"123456789", "has 72 bits, not 64"),
        (2**64, "does not fit in 64 bits"),
        (-1, "does not fit in 64 bits"),
    ],
)
def test_key_of_another_length_is_refused(key: bytes | int, why: str) -> None:
    with pytest.raises(UsageError, match=f"^key [^ ]+ {why}$"):
        keys.token(key)


@pytest.mark.parametrize("nonce", [b"123", b"12345", 2**32, -1])
def test_nonce_of_another_length_is_refused(nonce: bytes | int) -> None:
    with pytest.raises(UsageError, match=r"nonce .* 32"):
        keys.join_hmac(Party(1, nonce), Party(2, 3))
