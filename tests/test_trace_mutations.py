"""One field of a recorded capture is changed, and what scenarios assert of it must notice.

The verifier judges a capture as a whole. A scenario asks single questions of ``lab.trace``, as
``joins()``, ``only(MpPrio)``, ``on(subflow).payload()``: here they are asked of captures of the
kernel, and each kind of change fails one of them, by name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from capture_edit import IP, Editable

from lab.trace import Trace
from lab.wire import keys
from lab.wire.mptcp import (
    AddAddr,
    Dss,
    MpCapable,
    MpCapableAck,
    MpCapableData,
    MpCapableSyn,
    MpCapableSynAck,
    MpFastclose,
    MpJoin,
    MpJoinAck,
    MpJoinSyn,
    MpJoinSynAck,
    MpPrio,
    MpTcpRst,
    RemoveAddr,
)

CLIENT, SERVER, ABRUPT = "fin_v4_client", "fin_v4_server", "fastclose_v6_client"


class Ends(NamedTuple):
    """A subflow, as a socket names it."""

    local: tuple[str, int]
    remote: tuple[str, int]


INITIAL = Ends(("10.0.1.1", 39010), ("10.0.9.2", 45359))
LTE = Ends(("10.0.2.1", 51367), ("10.0.9.2", 45359))
AGAIN = Ends(("10.0.2.1", 55207), ("10.0.9.2", 45359))


# What scenarios assert, each as one question with one answer


def the_connection_is_whole(seen: Trace) -> None:
    connection = seen.connection()
    assert connection.missing == ()
    assert (connection.initiator, connection.responder) == (INITIAL.local, INITIAL.remote)
    assert connection.version == 1


def both_keys_are_said_twice(seen: Trace) -> None:
    connection = seen.connection()
    for _, option in (*seen.all(MpCapableAck), *seen.all(MpCapableData)):
        said = (option.sender_key, option.receiver_key)
        assert said == (connection.initiator_key, connection.responder_key)


def no_checksums_were_asked_for(seen: Trace) -> None:
    assert not any(option.flags.A for _, option in seen.all(MpCapable))


def joins_are_proven(seen: Trace) -> None:
    connection = seen.connection()
    joins = seen.joins()
    assert [join.initiator for join in joins] == [LTE.local, AGAIN.local]
    for join in joins:
        join.verify(connection)


def joins_have_the_ids_of_their_addresses(seen: Trace) -> None:
    assert [join.initiator_address_id for join in seen.joins()] == [1, 1]
    assert [join.responder_address_id for join in seen.joins()] == [0, 0]


def no_join_is_a_backup(seen: Trace) -> None:
    joins = seen.joins()
    assert [(join.initiator_backup, join.responder_backup) for join in joins] == 2 * [(False,) * 2]


def the_handshakes_have_no_other_option(seen: Trace) -> None:
    assert len(seen.all(MpJoin)) == 6
    assert len(seen.all(MpCapable)) == 4


def priorities_change_as_asked(seen: Trace) -> None:
    told = [(segment.source, option.backup) for segment, option in seen.all(MpPrio)]
    assert told == [(LTE.local, 1), (LTE.local, 0), (INITIAL.local, 1)]


def one_subflow_has_one_priority(seen: Trace) -> None:
    segment, option = seen.on(INITIAL).only(MpPrio)
    assert option.backup
    assert segment.source == INITIAL.local


def the_address_is_announced(seen: Trace) -> None:
    connection = seen.connection()
    assert len(seen.all(AddAddr)) == 2
    (segment, announced), (_, echo) = seen.all(AddAddr)
    assert segment.source == INITIAL.local
    assert (announced.address_id, announced.address, announced.port) == (7, "10.0.2.1", 7000)
    assert announced.hmac == keys.add_addr_hmac(
        connection.initiator_key or 0, connection.responder_key or 0, 7, "10.0.2.1", 7000
    )
    assert (echo.echo, echo.address_id, echo.address) == (1, 7, "10.0.2.1")


def the_address_is_withdrawn(seen: Trace) -> None:
    segment, option = seen.only(RemoveAddr)
    assert option.address_ids == [7]
    assert segment.source == INITIAL.local


def each_subflow_carries_its_part(seen: Trace) -> None:
    assert [seen.on(ends).payload() for ends in (INITIAL, LTE, AGAIN)] == [4200, 1350, 750]


def each_direction_carries_its_part(seen: Trace) -> None:
    assert (seen.sent().payload(), seen.arrived().payload()) == (4200, 2100)


def a_subflow_is_silent_after_its_end(seen: Trace) -> None:
    fin = next(segment for segment in seen.on(LTE) if segment.fin)
    assert seen.on(LTE).after(fin.time).with_payload().segments == ()
    assert seen.on(INITIAL).after(seen.on(LTE).end).payload() > 0


def data_are_mapped_where_they_are_sent(seen: Trace) -> None:
    for segment, option in seen.with_payload().all(Dss):
        assert option.data_level_length == segment.payload


def nothing_is_mapped_twice(seen: Trace) -> None:
    numbers = [option.dsn for _, option in seen.sent().with_payload().all(Dss)]
    assert numbers == sorted(set(numbers))


def the_reset_has_its_reason(seen: Trace) -> None:
    segment, option = seen.only(MpTcpRst)
    assert segment.rst
    assert (option.reason, str(option.flags)) == (0, "")
    assert segment.source == AGAIN.local


def both_ends_are_told(seen: Trace) -> None:
    fins = [option for _, option in seen.all(Dss) if option.flags.F]
    assert len(fins) == 2


ASSERTIONS = (
    the_connection_is_whole, both_keys_are_said_twice, no_checksums_were_asked_for,
    joins_are_proven, joins_have_the_ids_of_their_addresses, no_join_is_a_backup,
    the_handshakes_have_no_other_option, priorities_change_as_asked, one_subflow_has_one_priority,
    the_address_is_announced, the_address_is_withdrawn, each_subflow_carries_its_part,
    each_direction_carries_its_part, a_subflow_is_silent_after_its_end,
    data_are_mapped_where_they_are_sent, nothing_is_mapped_twice, the_reset_has_its_reason,
    both_ends_are_told,
)  # fmt: skip


# Changes


Mutation = Callable[[Editable], None]


def edit(kind: type, nth: int = 0, where: Any = lambda o: True, **fields: Any) -> Mutation:
    return lambda capture: capture.edit(kind, nth, where, **fields)


def remove(kind: type, nth: int = 0, where: Any = lambda o: True) -> Mutation:
    return lambda capture: capture.remove(kind, nth, where)


def header(kind: type, offset: int, code: str, new: Any, nth: int = 0) -> Mutation:
    """Change a field of the IPv4 (from 0) or TCP header (from 20) of an option's packet."""

    def change(capture: Editable) -> None:
        index, _, _ = capture.find(kind, nth, lambda o: True)
        (old,) = struct.unpack_from(code, capture.frames[index], IP + offset)
        struct.pack_into(code, capture.frames[index], IP + offset, new(old))

    return change


def twice(kind: type, nth: int = 0) -> Mutation:
    def change(capture: Editable) -> None:
        index, _, _ = capture.find(kind, nth, lambda o: True)
        capture.frames.append(capture.frames[index])

    return change


def without(kind: type, nth: int = 0) -> Mutation:
    def change(capture: Editable) -> None:
        index, _, _ = capture.find(kind, nth, lambda o: True)
        del capture.frames[index]

    return change


def bit(number: int) -> int:
    return number ^ 1


def last_bit(octets: bytes) -> bytes:
    return octets[:-1] + bytes([octets[-1] ^ 1])


def first_bit(octets: bytes) -> bytes:
    return bytes([octets[0] ^ 0x80]) + octets[1:]


def maps(option: Any) -> bool:
    return bool(option.flags.M and not option.flags.F)


def fin(option: Any) -> bool:
    return bool(option.flags.F)


def announces(option: Any) -> bool:
    return not option.echo


def echo(option: Any) -> bool:
    return bool(option.echo)


NOTICED: dict[str, tuple[Mutation, Callable[[Trace], None]]] = {
    "no SYN": (remove(MpCapableSyn), the_connection_is_whole),
    "no SYN/ACK": (remove(MpCapableSynAck), the_connection_is_whole),
    "SYN is not there": (without(MpCapableSyn), the_connection_is_whole),
    "version of the SYN/ACK": (edit(MpCapableSynAck, version=0), the_connection_is_whole),
    "port of the SYN": (header(MpCapableSyn, 20, "!H", bit), the_connection_is_whole),
    "address of the SYN": (header(MpCapableSyn, 12, "!I", bit), the_connection_is_whole),
    "key of the SYN/ACK": (edit(MpCapableSynAck, sender_key=bit), both_keys_are_said_twice),
    "the same, for the joins": (edit(MpCapableSynAck, sender_key=bit), joins_are_proven),
    "own key of the ACK": (edit(MpCapableAck, sender_key=bit), joins_are_proven),
    "other key of the ACK": (edit(MpCapableAck, receiver_key=bit), both_keys_are_said_twice),
    "key of the data": (edit(MpCapableData, receiver_key=bit), both_keys_are_said_twice),
    "checksums in the SYN": (edit(MpCapableSyn, flags="HA"), no_checksums_were_asked_for),
    "checksums in the SYN/ACK": (edit(MpCapableSynAck, flags="HA"), no_checksums_were_asked_for),
    "token": (edit(MpJoinSyn, token=bit), joins_are_proven),
    "token of the second join": (edit(MpJoinSyn, 1, token=bit), joins_are_proven),
    "nonce of the SYN": (edit(MpJoinSyn, nonce=bit), joins_are_proven),
    "nonce of the SYN/ACK": (edit(MpJoinSynAck, nonce=bit), joins_are_proven),
    "HMAC of the SYN/ACK, last bit": (edit(MpJoinSynAck, hmac=last_bit), joins_are_proven),
    "HMAC of the SYN/ACK, first bit": (edit(MpJoinSynAck, hmac=first_bit), joins_are_proven),
    "HMAC of the ACK, last bit": (edit(MpJoinAck, hmac=last_bit), joins_are_proven),
    "HMAC of the ACK, first bit": (edit(MpJoinAck, hmac=first_bit), joins_are_proven),
    "HMAC of the second join": (edit(MpJoinAck, 1, hmac=last_bit), joins_are_proven),
    "no SYN of a join": (remove(MpJoinSyn), joins_are_proven),
    "no SYN/ACK of a join": (remove(MpJoinSynAck), joins_are_proven),
    "no ACK of a join": (remove(MpJoinAck), joins_are_proven),
    "port of a join": (header(MpJoinSyn, 20, "!H", bit), joins_are_proven),
    "address of a join": (header(MpJoinSyn, 12, "!I", bit), joins_are_proven),
    "id of a join": (edit(MpJoinSyn, 0, address_id=5), joins_have_the_ids_of_their_addresses),
    "id of a SYN/ACK": (edit(MpJoinSynAck, 1, address_id=5), joins_have_the_ids_of_their_addresses),
    "backup bit of a SYN": (edit(MpJoinSyn, backup=bit), no_join_is_a_backup),
    "backup bit of a SYN/ACK": (edit(MpJoinSynAck, 1, backup=bit), no_join_is_a_backup),
    "a join's ACK twice": (twice(MpJoinAck), the_handshakes_have_no_other_option),
    "backup bit of MP_PRIO": (edit(MpPrio, backup=bit), priorities_change_as_asked),
    "backup bit of the last MP_PRIO": (edit(MpPrio, 2, backup=bit), one_subflow_has_one_priority),
    "no MP_PRIO": (remove(MpPrio, 1), priorities_change_as_asked),
    "no last MP_PRIO": (remove(MpPrio, 2), one_subflow_has_one_priority),
    "the last MP_PRIO twice": (twice(MpPrio, 2), one_subflow_has_one_priority),
    "MP_PRIO twice": (twice(MpPrio), priorities_change_as_asked),
    "MP_PRIO on another subflow": (
        header(MpPrio, 20, "!H", lambda port: AGAIN.local[1]), priorities_change_as_asked,
    ),
    "id of ADD_ADDR": (edit(AddAddr, 0, announces, address_id=8), the_address_is_announced),
    "address": (edit(AddAddr, 0, announces, address="10.0.2.77"), the_address_is_announced),
    "port of the address": (edit(AddAddr, 0, announces, port=7001), the_address_is_announced),
    "HMAC of ADD_ADDR": (edit(AddAddr, 0, announces, hmac=last_bit), the_address_is_announced),
    "no echo": (remove(AddAddr, 0, echo), the_address_is_announced),
    "id of the echo": (edit(AddAddr, 0, echo, address_id=8), the_address_is_announced),
    "id of REMOVE_ADDR": (edit(RemoveAddr, address_ids=[9]), the_address_is_withdrawn),
    "no REMOVE_ADDR": (remove(RemoveAddr), the_address_is_withdrawn),
    "REMOVE_ADDR of another host": (
        header(RemoveAddr, 12, "!I", bit), the_address_is_withdrawn,
    ),
    "length of a segment": (
        header(MpCapableData, 2, "!H", lambda length: length - 1), each_subflow_carries_its_part,
    ),
    "a segment on another subflow": (
        header(MpCapableData, 20, "!H", bit), each_subflow_carries_its_part,
    ),
    "a segment lost": (without(MpCapableData), each_direction_carries_its_part),
    "a segment twice": (twice(MpCapableData), each_direction_carries_its_part),
    "data after the end": (
        lambda c: c.frames.append(c.frames[c.find(Dss, 6, maps)[0]]),
        a_subflow_is_silent_after_its_end,
    ),
    "mapping is shorter": (
        edit(Dss, 1, maps, data_level_length=lambda n: n - 1), data_are_mapped_where_they_are_sent,
    ),
    "mapping goes back": (
        edit(Dss, 4, maps, dsn=lambda n: n - 5000), nothing_is_mapped_twice,
    ),
    "reason of the reset": (edit(MpTcpRst, reason=3), the_reset_has_its_reason),
    "cause of the reset will pass": (edit(MpTcpRst, flags="T"), the_reset_has_its_reason),
    "no reset": (lambda c: c.without_reset(MpTcpRst), the_reset_has_its_reason),
    "no MP_TCPRST": (remove(MpTcpRst), the_reset_has_its_reason),
    "no DATA_FIN": (
        edit(Dss, 0, fin, flags=lambda flags: int(flags) & ~16), both_ends_are_told,
    ),
}  # fmt: skip


def seen_in(capture: Editable, at: str = "client") -> Trace:
    return Trace(capture.capture().segments, at=at)


OF_THE_CLIENT = (each_direction_carries_its_part, nothing_is_mapped_twice)
"""They ask what the host has sent and received."""

UNCHANGED = [(CLIENT, each) for each in ASSERTIONS]
UNCHANGED += [(SERVER, each) for each in ASSERTIONS if each not in OF_THE_CLIENT]


@pytest.mark.parametrize(("name", "assertion"), UNCHANGED)
def test_an_unchanged_capture_passes(name: str, assertion: Callable[[Trace], None]) -> None:
    assertion(seen_in(Editable(name)))


@pytest.mark.parametrize(("mutation", "assertion"), NOTICED.values(), ids=NOTICED.keys())
def test_a_changed_field_fails_an_assertion(
    mutation: Mutation, assertion: Callable[[Trace], None]
) -> None:
    capture = Editable(CLIENT)

    mutation(capture)

    with pytest.raises(AssertionError) as failure:  # ScenarioFailed is one
        assertion(seen_in(capture))
    assert str(failure.value)


def test_the_key_of_a_fastclose_is_the_receivers() -> None:
    capture = Editable(ABRUPT)
    seen = seen_in(capture)
    segment, _ = seen.first(MpFastclose)
    assert segment.source == seen.connection().responder
    key = seen.connection().initiator_key
    assert {option.receiver_key for _, option in seen.all(MpFastclose)} == {key}

    capture.edit(MpFastclose, receiver_key=bit)

    assert {option.receiver_key for _, option in seen_in(capture).all(MpFastclose)} != {key}


def test_every_assertion_can_fail() -> None:
    assert {assertion for _, assertion in NOTICED.values()} == set(ASSERTIONS)


def test_there_are_enough_kinds() -> None:
    assert len(NOTICED) >= 40
