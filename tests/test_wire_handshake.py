"""Handshakes put together from real captures, and forged ones that must be found out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.errors import ScenarioFailed
from lab.trace import Trace
from lab.wire import handshake, keys, mptcp
from lab.wire.handshake import Connection, Join
from lab.wire.mptcp import MpCapableAck, MpCapableSyn, MpJoinAck, MpJoinSyn, MpJoinSynAck
from lab.wire.segment import Endpoint, Flags, Segment

DATA = Path(__file__).parent / "data"
CLIENT, SERVER = Endpoint("10.0.2.1", 40000), Endpoint("10.0.1.2", 5000)


@pytest.fixture(params=["join_prio_v4.pcap", "join_prio_v6_checksum.pcap"])
def trace(request: pytest.FixtureRequest) -> Trace:
    return Trace.from_pcap(DATA / request.param, at="server")


@pytest.fixture
def v4() -> Trace:
    return Trace.from_pcap(DATA / "join_prio_v4.pcap", at="server")


def segment(
    number: int, option: mptcp.MptcpOption, source: Endpoint = CLIENT, seq: int = 1
) -> Segment:
    """Return a segment between CLIENT and SERVER that carries one option."""
    value = bytes(option)
    return Segment(
        number=number,
        time=float(number),
        outgoing=None,
        interface=None,
        source=source,
        destination=SERVER if source == CLIENT else CLIENT,
        flags=Flags.ACK,
        seq=seq,
        ack=0,
        window=0,
        payload=0,
        options=bytes([mptcp.KIND, 2 + len(value)]) + value,
    )


def forged(join: Join, **fields: Any) -> Join:
    return replace(join, **fields)


def test_connection(v4: Trace) -> None:
    (connection,) = handshake.connections(v4)

    assert connection == Connection(
        initiator=Endpoint("10.0.1.1", 32906),
        responder=Endpoint("10.0.1.2", 5000),
        syn=v4[0],
        syn_ack=v4[1],
        ack=v4[2],
        initiator_key=0x06A3EC4EC501EA88,
        responder_key=0xB97E16197229E837,
    )
    assert connection.missing == ()
    assert connection.responder_token == 0x605CC030
    assert connection.initiator_token == keys.token(0x06A3EC4EC501EA88)
    assert connection.responder_idsn == 0xE2F95661B53DBE7A - 1
    assert connection.initiator_idsn == 0xD80A08AF791A0C2A - 1 - 300
    assert str(connection) == "connection 10.0.1.1:32906 > 10.0.1.2:5000"


def test_join(v4: Trace) -> None:
    join = handshake.joins(v4)[0]

    assert join == Join(
        initiator=Endpoint("10.0.2.1", 53241),
        responder=Endpoint("10.0.1.2", 5000),
        syn=v4[7],
        syn_ack=v4[8],
        ack=v4[9],
        token=0x605CC030,
        initiator_nonce=0xF60D821E,
        responder_nonce=0xF7007D33,
        initiator_address_id=7,
        responder_address_id=0,
        initiator_backup=True,
        responder_backup=False,
        syn_ack_hmac=bytes.fromhex("f1112da5a345cd55"),
        ack_hmac=bytes.fromhex("28b3c7729054297661db4270f477fa0f01cfef5a"),
    )
    assert join.missing == ()


def test_a_refused_join_is_visible_as_incomplete(trace: Trace) -> None:
    """Its SYN was answered with RST, as nobody listened at the announced address."""
    _complete, refused = handshake.joins(trace)

    assert refused.missing == ("SYN/ACK", "ACK")
    assert refused.token == handshake.connections(trace)[0].responder_token
    assert (refused.initiator_backup, refused.initiator_address_id) == (False, 7)
    assert (refused.responder_nonce, refused.responder_backup) == (None, None)
    assert (refused.syn_ack_hmac, refused.ack_hmac) == (None, None)
    assert refused.responder_address_id is None


def test_a_real_join_verifies(trace: Trace) -> None:
    handshake.joins(trace)[0].verify(handshake.connections(trace)[0])


def test_a_join_by_the_responder_of_the_connection_verifies(v4: Trace) -> None:
    """The same packets belong to a connection that the other host began."""
    (connection,) = handshake.connections(v4)
    reverse = replace(
        connection,
        initiator_key=connection.responder_key,
        responder_key=connection.initiator_key,
    )

    handshake.joins(v4)[0].verify(reverse)


FORGERIES = {
    "token": (
        {"token": 0x605CC031},
        "packet 8: the token of the SYN is 0x605cc031, expected 0x605cc030 (or 0x0674eb3d, ",
    ),
    "HMAC of the SYN/ACK": (
        {"syn_ack_hmac": bytes(8)},
        "packet 9: the HMAC of the SYN/ACK is 0000000000000000, expected f1112da5a345cd55 (",
    ),
    "HMAC of the ACK": (
        {"ack_hmac": bytes(20)},
        f"packet 10: the HMAC of the ACK is {'00' * 20}, expected 28b3c7729054297661db4270",
    ),
    "initiator's nonce": ({"initiator_nonce": 1}, "packet 9: the HMAC of the SYN/ACK is f1112"),
    "responder's nonce": ({"responder_nonce": 1}, "packet 9: the HMAC of the SYN/ACK is f1112"),
}


@pytest.mark.parametrize(("fields", "message"), FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_join_is_found_out(v4: Trace, fields: dict[str, Any], message: str) -> None:
    join = forged(handshake.joins(v4)[0], **fields)

    with pytest.raises(ScenarioFailed) as failure:
        join.verify(handshake.connections(v4)[0])

    text = str(failure.value)
    assert text.startswith("join 10.0.2.1:53241 > 10.0.1.2:5000, ")
    assert message in text
    assert text.endswith("(RFC 8684, section 3.2)")


def test_a_join_of_another_connection_is_found_out(v4: Trace) -> None:
    other = Trace.from_pcap(DATA / "join_prio_v6_checksum.pcap", at="server")

    with pytest.raises(ScenarioFailed, match="token of the SYN is 0x605cc030, expected 0xd033d06a"):
        handshake.joins(v4)[0].verify(handshake.connections(other)[0])


@pytest.mark.parametrize(("packet", "step"), [(8, "SYN"), (9, "SYN/ACK"), (10, "ACK")])
def test_a_join_without_one_segment_cannot_be_verified(v4: Trace, packet: int, step: str) -> None:
    join = handshake.joins(s for s in v4 if s.number != packet)[0]

    assert join.missing == (step,)
    assert join.initiator == ("10.0.2.1", 53241)
    with pytest.raises(ScenarioFailed, match=f"cannot be verified, the capture lacks its {step}$"):
        join.verify(handshake.connections(v4)[0])


def test_a_connection_without_keys_verifies_nothing(v4: Trace) -> None:
    (connection,) = handshake.connections(s for s in v4 if s.number not in (3, 4))

    assert connection.missing == ("ACK",)
    assert connection.initiator_key is None
    assert (connection.initiator_token, connection.initiator_idsn) == (None, None)
    with pytest.raises(ScenarioFailed, match=r"connection .*:32906 .* the capture lacks its ACK$"):
        handshake.joins(v4)[0].verify(connection)


def test_the_first_data_make_up_for_a_lost_ack(v4: Trace) -> None:
    (connection,) = handshake.connections(s for s in v4 if s.number not in (2, 3))

    assert connection.ack == v4[3]
    assert connection.missing == ("SYN/ACK",)
    assert connection.responder_key == 0xB97E16197229E837


def test_no_answer_leaves_no_keys(v4: Trace) -> None:
    (connection,) = handshake.connections(v4.segments[:1])

    assert connection.missing == ("SYN/ACK", "ACK")
    assert (connection.responder_token, connection.responder_idsn) == (None, None)


def test_retransmissions_are_the_same_join() -> None:
    """The first copy counts: its time is when the handshake went on."""
    syn, syn_ack = MpJoinSyn(token=1, nonce=2), MpJoinSynAck(nonce=3)

    (join,) = handshake.joins(
        [
            segment(1, syn, seq=100),
            segment(2, syn, seq=100),
            segment(3, syn_ack, source=SERVER),
            segment(4, syn_ack, source=SERVER),
            segment(5, MpJoinAck()),
            segment(6, MpJoinAck()),
        ]
    )

    numbers = [part.number for part in (join.syn, join.syn_ack, join.ack) if part]
    assert numbers == [1, 3, 5]


def test_the_same_addresses_again_are_another_join() -> None:
    first, second = handshake.joins(
        [
            segment(1, MpJoinSyn(nonce=2), seq=100),
            segment(2, MpJoinSyn(nonce=9), seq=700),
            segment(3, MpJoinSynAck(nonce=3), source=SERVER),
        ]
    )

    assert (first.initiator_nonce, first.missing) == (2, ("SYN/ACK", "ACK"))
    assert (second.initiator_nonce, second.responder_nonce) == (9, 3)


def test_a_join_after_the_end_of_one_whose_beginning_was_missed() -> None:
    early, late = handshake.joins([segment(1, MpJoinAck()), segment(2, MpJoinSyn(), seq=5)])

    assert early.missing == ("SYN", "SYN/ACK")
    assert late.missing == ("SYN/ACK", "ACK")


def test_connections_and_joins_do_not_mix() -> None:
    segments = [segment(1, MpCapableSyn()), segment(2, MpCapableAck(sender_key=7, receiver_key=8))]

    assert handshake.joins(segments) == ()
    (connection,) = handshake.connections(segments)
    assert (connection.initiator_key, connection.responder_key) == (7, 8)
