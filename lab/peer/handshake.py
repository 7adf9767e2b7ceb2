"""The handshakes as they should be: MP_CAPABLE and MP_JOIN, from either side.

A test that wants one of their steps otherwise makes the steps itself: they are few.
"""

from __future__ import annotations

from lab.errors import ScenarioFailed
from lab.peer.connection import Connection
from lab.peer.subflow import Subflow, option_of
from lab.wire import keys
from lab.wire.mptcp import (
    MpCapableAck,
    MpCapableSyn,
    MpCapableSynAck,
    MpJoinAck,
    MpJoinSyn,
    MpJoinSynAck,
)


def accept(subflow: Subflow, *, key: int, flags: str = "H") -> Connection:
    """Answer a SYN with MP_CAPABLE, and wait for the third packet (section 3.1)."""
    subflow.send(MpCapableSynAck(sender_key=key, flags=flags), flags="SA")
    third = subflow.expect_option(MpCapableAck)
    return Connection(
        subflow,
        local_key=key,
        remote_key=third.sender_key,
        checksums=bool(third.flags.A),
    )


def connect(
    subflow: Subflow, *, key: int, flags: str = "H", again: float | None = None
) -> Connection:
    """Send a SYN with MP_CAPABLE, and the third packet when it is answered (section 3.1).

    ``again``: seconds until a SYN that is not answered is sent again.
    """
    subflow.send(MpCapableSyn(flags=flags), flags="S")
    answer = subflow.expect_option(MpCapableSynAck, again=again)
    checksums = "A" in flags or bool(answer.flags.A)
    agreed = "HA" if checksums else "H"
    theirs = answer.sender_key
    subflow.send(MpCapableAck(flags=agreed, sender_key=key, receiver_key=theirs))
    return Connection(subflow, local_key=key, remote_key=theirs, checksums=checksums)


def join(
    subflow: Subflow, connection: Connection, *, nonce: int, address_id: int, backup: bool = False
) -> Subflow:
    """Send a SYN with MP_JOIN, prove who we are, and wait for the fourth packet (section 3.2).

    :raises ScenarioFailed: the kernel does not prove who it is.
    """
    answer = ask_to_join(subflow, connection, nonce=nonce, address_id=address_id, backup=backup)
    ours, theirs = _parties(connection, nonce, answer.nonce)
    _require(subflow, "HMAC of the SYN/ACK", answer.hmac, keys.join_hmac_syn_ack(theirs, ours))
    subflow.send(join_ack(connection, nonce, answer.nonce))
    subflow.expect_segment(lambda segment: not segment.syn, "the fourth packet")
    connection.subflows.append(subflow)
    return subflow


def ask_to_join(
    subflow: Subflow, connection: Connection, *, nonce: int, address_id: int, backup: bool = False
) -> MpJoinSynAck:
    """Send a SYN with MP_JOIN, and wait for its answer; nothing is proven yet."""
    option = MpJoinSyn(
        token=connection.token, nonce=nonce, address_id=address_id, backup=int(backup)
    )
    subflow.send(option, flags="S")
    return subflow.expect_option(MpJoinSynAck)


def join_ack(connection: Connection, nonce: int, their_nonce: int) -> MpJoinAck:
    """The option of the third packet that proves who we are."""
    return MpJoinAck(hmac=keys.join_hmac_ack(*_parties(connection, nonce, their_nonce)))


def accept_join(
    subflow: Subflow, connection: Connection, *, nonce: int, address_id: int, backup: bool = False
) -> Subflow:
    """Answer a SYN with MP_JOIN, wait for the third packet and acknowledge it (section 3.2).

    :raises ScenarioFailed: the kernel names another connection, or does not prove who it is.
    """
    syn = option_of(subflow.heard[0], MpJoinSyn)
    _require(subflow, "token", syn and syn.token, connection.local_token)
    ours, theirs = _parties(connection, nonce, syn.nonce if syn else 0)
    proof = keys.join_hmac_syn_ack(ours, theirs)
    answer = MpJoinSynAck(hmac=proof, nonce=nonce, address_id=address_id, backup=int(backup))
    subflow.send(answer, flags="SA")
    third = subflow.expect_option(MpJoinAck)
    _require(subflow, "HMAC of the ACK", third.hmac, keys.join_hmac_ack(theirs, ours))
    connection.acknowledge(subflow)
    connection.subflows.append(subflow)
    return subflow


def _parties(connection: Connection, nonce: int, their_nonce: int) -> tuple[keys.Party, keys.Party]:
    """What we bring to a join, and what the kernel brings."""
    ours = keys.Party(connection.local_key, nonce)
    return ours, keys.Party(connection.remote_key, their_nonce)


def _require(subflow: Subflow, what: str, seen: bytes | int | None, expected: bytes | int) -> None:
    if seen != expected:
        text = f"the kernel's {what} is {_shown(seen)}, expected {_shown(expected)}"
        raise ScenarioFailed(f"{subflow}: {text}")


def _shown(value: bytes | int | None) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return "none" if value is None else f"{value:#010x}"
