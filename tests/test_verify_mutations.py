"""One field of a recorded capture is changed, and the verifier must notice, and say what it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from capture_edit import DATA, Editable

from lab.verify import Severity, Verdict, verify
from lab.wire.mptcp import (
    AddAddr4,
    AddAddr6,
    Dss,
    MpCapableAck,
    MpCapableData,
    MpCapableSyn,
    MpCapableSynAck,
    MpFastclose,
    MpJoinAck,
    MpJoinSyn,
    MpJoinSynAck,
    MpPrio,
    MpTcpRst,
    RemoveAddr,
)

V4, V6 = "fin_v4_client", "fin_v6_checksum_client"
ABRUPT, ABRUPT_CHECKSUM = "fastclose_v6_client", "fastclose_v4_checksum_client"
FALLBACK = "fallback_client"

Mutation = Callable[[Editable], None]


def edit(kind: type, nth: int = 0, where: Any = lambda o: True, **fields: Any) -> Mutation:
    return lambda capture: capture.edit(kind, nth, where, **fields)


def remove(kind: type, nth: int = 0, where: Any = lambda o: True) -> Mutation:
    return lambda capture: capture.remove(kind, nth, where)


def patch(kind: type, octets: dict[int, int], where: Any = lambda o: True) -> Mutation:
    return lambda capture: capture.patch(kind, octets, 0, where)


def bit(number: int) -> int:
    return number ^ 1


def last_bit(octets: bytes) -> bytes:
    return octets[:-1] + bytes([octets[-1] ^ 1])


def add(amount: int) -> Callable[[int], int]:
    return lambda number: (number + amount) % 2**64


def maps(option: Any) -> bool:
    """Whether a DSS maps data: no DATA_FIN of its own, and no bare acknowledgment."""
    return bool(option.flags.M and not option.flags.F)


def fin(option: Any) -> bool:
    return bool(option.flags.F)


def bare_ack(option: Any) -> bool:
    return not option.flags.M


def announces(option: Any) -> bool:
    return not option.echo


def echo(option: Any) -> bool:
    return bool(option.echo)


NOTICED: dict[str, tuple[str, Mutation, str]] = {
    # MP_CAPABLE
    "SYN of version 0": (V4, edit(MpCapableSyn, version=0), "version 0"),
    "SYN/ACK of version 2": (V4, edit(MpCapableSynAck, version=2), "version 2|version 1"),
    "ACK of version 0": (V4, edit(MpCapableAck, version=0), "has version 0, agreed is 1"),
    "key of the SYN/ACK": (V4, edit(MpCapableSynAck, sender_key=bit), "MP_CAPABLE has the .* key"),
    "sender's key of the ACK": (V4, edit(MpCapableAck, sender_key=bit), "the sender key"),
    "receiver's key of the ACK": (V4, edit(MpCapableAck, receiver_key=bit), "the receiver key"),
    "sender's key of the data": (V4, edit(MpCapableData, sender_key=bit), "the sender key"),
    "receiver's key of the data": (V4, edit(MpCapableData, receiver_key=bit), "the receiver key"),
    "SYN without an algorithm": (V4, edit(MpCapableSyn, flags=0), "names no known algorithm"),
    "SYN/ACK with the flag B": (V4, edit(MpCapableSynAck, flags="HB"), "has the flags B"),
    "ACK with the flag D": (V4, edit(MpCapableAck, flags="HD"), "has the flags D"),
    "ACK with the flag A": (V4, edit(MpCapableAck, flags="HA"), "has A=1, the SYNs say 0"),
    "ACK without the flag A": (V6, edit(MpCapableAck, flags="H"), "has A=0, the SYNs say 1"),
    "SYN of an unknown version": (V4, edit(MpCapableSyn, version=9), "no RFC defines"),
    "ACK with the flag C": (V4, edit(MpCapableAck, flags="HC"), "has C=1, before it had C=0"),
    "SYN/ACK with the flag C": (V4, edit(MpCapableSynAck, flags="HC"), "said that none is taken"),
    "first data are longer": (V4, edit(MpCapableData, data_level_length=add(1)), "overlaps"),
    "first data are shorter": (V4, edit(MpCapableData, data_level_length=add(-1)), "no mapping"),
    "SYN/ACK without MP_CAPABLE": (V4, remove(MpCapableSynAck), "after the fallback to TCP"),
    "MP_CAPABLE with a wrong length": (V4, patch(MpCapableSynAck, {1: 11}), "malformed"),
    "MP_CAPABLE becomes MP_JOIN": (V4, patch(MpCapableSynAck, {2: 0x11}), "that MP_CAPABLE began"),
    # MP_JOIN
    "token of a join": (V4, edit(MpJoinSyn, token=bit), "the token of the SYN is"),
    "nonce of the SYN": (V4, edit(MpJoinSyn, nonce=bit), "HMAC of the SYN/ACK"),
    "nonce of the SYN/ACK": (V4, edit(MpJoinSynAck, nonce=bit), "HMAC of the SYN/ACK"),
    "HMAC of the SYN/ACK": (V4, edit(MpJoinSynAck, hmac=last_bit), "HMAC of the SYN/ACK"),
    "HMAC of the ACK": (V6, edit(MpJoinAck, hmac=last_bit), "HMAC of the ACK"),
    "HMAC of the second join": (V4, edit(MpJoinAck, 1, hmac=last_bit), "HMAC of the ACK"),
    "id of the first address in a join": (V4, edit(MpJoinSyn, address_id=0), "address id 0 is"),
    "other id in a SYN/ACK": (V4, edit(MpJoinSynAck, address_id=5), "has id 5, before it had 0"),
    "reserved bits of a join": (V4, edit(MpJoinSyn, reserved=1), "MpJoinSyn has reserved bits"),
    "ACK without MP_JOIN": (V4, remove(MpJoinAck), "no ACK had MP_JOIN"),
    "SYN/ACK without MP_JOIN": (V4, remove(MpJoinSynAck), "its SYN/ACK had no MP_JOIN"),
    # addresses
    "HMAC of ADD_ADDR": (V4, edit(AddAddr4, 0, announces, hmac=last_bit), "HMAC of ADD_ADDR"),
    "HMAC of ADD_ADDR, v6": (V6, edit(AddAddr6, 0, announces, hmac=last_bit), "HMAC of ADD_ADDR"),
    "address": (V4, edit(AddAddr4, 0, announces, address="10.0.2.77"), "HMAC of ADD_ADDR"),
    "address, v6": (V6, edit(AddAddr6, 0, announces, address="fd00:2::7"), "HMAC of ADD_ADDR"),
    "port": (V4, edit(AddAddr4, 0, announces, port=7001), "HMAC of ADD_ADDR"),
    "id of ADD_ADDR": (V4, edit(AddAddr4, 0, announces, address_id=8), "HMAC of ADD_ADDR"),
    "id of ADD_ADDR is 0": (V4, edit(AddAddr4, 0, announces, address_id=0), "address id 0 is"),
    "id of the echo": (V4, edit(AddAddr4, 0, echo, address_id=8), "ADD_ADDR that was not sent"),
    "port of the echo": (V4, edit(AddAddr4, 0, echo, port=1), "ADD_ADDR that was not sent"),
    "missing echo": (V4, remove(AddAddr4, 0, echo), "ADD_ADDR without an echo"),
    "reserved bits of ADD_ADDR": (V4, edit(AddAddr4, 0, announces, reserved=2), "reserved bits"),
    "id of REMOVE_ADDR": (V4, edit(RemoveAddr, address_ids=[9]), "REMOVE_ADDR of address id 9"),
    "MP_PRIO with an address id": (V4, patch(MpPrio, {1: 4, 3: 7}), "MP_PRIO has an address id"),
    "reserved bits of MP_PRIO": (V4, edit(MpPrio, reserved=1), "MpPrio has reserved bits"),
    "unassigned subtype": (V4, patch(MpPrio, {2: 0x91}), "unassigned subtype 9"),
    # DSS
    "data sequence number": (V4, edit(Dss, 0, maps, dsn=add(1)), "a hole|was changed"),
    "data sequence number back": (V4, edit(Dss, 1, maps, dsn=add(-90)), "a hole|for the first"),
    "data sequence number far away": (V4, edit(Dss, 1, maps, dsn=add(2**40)), "a hole"),
    "data before the beginning": (V4, edit(Dss, 0, maps, dsn=add(-(2**40))), "first octet has"),
    "subflow sequence number": (V4, edit(Dss, 1, maps, ssn=add(5000)), "no mapping covers"),
    "mapping is shorter": (V4, edit(Dss, 1, maps, data_level_length=add(-1)), "no mapping covers"),
    "mapping is longer": (V4, edit(Dss, 1, maps, data_level_length=add(1)), "overlaps|FIN comes"),
    "mapping without an end": (V4, edit(Dss, 0, maps, data_level_length=0), "without an end"),
    "no mapping": (V4, remove(Dss, 1, maps), "no mapping covers"),
    "swapped options": (V4, lambda c: c.swap(Dss, 2, 3, maps), "no mapping|went back|maps those"),
    "swapped data sequence numbers": (
        V4,
        lambda c: c.swap(Dss, 2, 3, maps, ("dsn",)),
        "a hole|for the first time|was changed",
    ),
    "acknowledgment of what was not sent": (
        V4, edit(Dss, 5, bare_ack, data_ack=add(2**20)), "of data that no mapping has|went back",
    ),
    "acknowledgment goes back": (V4, edit(Dss, 21, bare_ack, data_ack=add(-900)), "went back"),
    "acknowledgment before the beginning": (
        V4, edit(Dss, 0, bare_ack, data_ack=add(-2000)), "before the first octet",
    ),
    "reserved bits of DSS": (V4, edit(Dss, 3, maps, reserved=4), "DSS has reserved bits"),
    "flag of a mapping that is not there": (
        V4, edit(Dss, 1, bare_ack, flags=lambda f: int(f) | 8), "the flag m without the field",
    ),
    "DATA_FIN on other data": (V4, edit(Dss, 1, maps, flags=lambda f: int(f) | 16), "DATA_FIN"),
    "no DATA_FIN": (V4, edit(Dss, 0, fin, flags=lambda f: int(f) & ~16), "but no DATA_FIN"),
    "place of DATA_FIN": (V4, edit(Dss, 0, fin, dsn=add(1)), "DATA_FIN|no mapping has|a hole"),
    "length of DSS": (V4, patch(Dss, {3: 0x01}, maps), "malformed DSS"),
    # checksums
    "checksum": (V6, edit(Dss, 1, maps, checksum=bit), "the checksum of the data"),
    "checksum of the first data": (V6, edit(MpCapableData, checksum=bit), "the checksum of"),
    "checksum of DATA_FIN": (V6, edit(Dss, 0, fin, checksum=bit), "the checksum of the data"),
    "data under a checksum": (V6, lambda c: c.payload(3), "the checksum of the data"),
    "subflow sequence number under a checksum": (
        ABRUPT_CHECKSUM, edit(Dss, 1, maps, ssn=add(1)), "checksum|no mapping covers|was changed",
    ),
    # endings
    "key of MP_FASTCLOSE": (ABRUPT, edit(MpFastclose, receiver_key=bit), "MP_FASTCLOSE has key"),
    "reserved bits of MP_FASTCLOSE": (ABRUPT, edit(MpFastclose, reserved=1), "reserved bits"),
    "MP_TCPRST without RST": (V4, lambda c: c.without_reset(MpTcpRst), "without RST"),
    "reason of MP_TCPRST": (V4, edit(MpTcpRst, reason=77), "unassigned reason 77"),
    "flags of MP_TCPRST": (V4, edit(MpTcpRst, flags="U"), "of which only T may be set"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "mutation", "sentence"), NOTICED.values(), ids=NOTICED.keys())
def test_a_changed_field_is_noticed(name: str, mutation: Mutation, sentence: str) -> None:
    capture = Editable(name)

    mutation(capture)

    report = verify([capture.capture()])
    assert report.verdict in (Verdict.VIOLATED, Verdict.DOUBTFUL), str(report)
    heavy = [each for each in report.findings if each.severity is not Severity.NOTE]
    assert any(re.search(sentence, each.sentence) for each in heavy), str(report)
    assert all(each.packets for each in heavy)


NOTED: dict[str, tuple[str, Mutation, str]] = {
    "backup bit of a SYN/ACK": (V4, edit(MpJoinSynAck, backup=bit), "wants it as a backup"),
    "the same, v6": (V6, edit(MpJoinSynAck, 1, backup=bit), "wants it as a backup"),
    "id of the initial address": (V4, edit(MpJoinSyn, 1, address_id=4), "has id 4, before"),
}
"""What the protocol allows, and a reader of the report should see."""


@pytest.mark.parametrize(("name", "mutation", "sentence"), NOTED.values(), ids=NOTED.keys())
def test_a_changed_field_is_noted(name: str, mutation: Mutation, sentence: str) -> None:
    capture = Editable(name)
    unchanged = verify([capture.capture()])

    mutation(capture)

    (new,) = set(verify([capture.capture()]).findings) - set(unchanged.findings)
    assert new.severity is Severity.NOTE
    assert re.search(sentence, new.sentence), new


V4_THERE = "fin_v4_server"

ON_THE_WAY: dict[str, Mutation] = {
    "backup bit of a SYN": edit(MpJoinSyn, backup=bit),
    "backup bit of a SYN/ACK": edit(MpJoinSynAck, backup=bit),
    "backup bit of MP_PRIO": edit(MpPrio, backup=bit),
    "backup bit of the last MP_PRIO": edit(MpPrio, 2, backup=bit),
    "MP_PRIO": remove(MpPrio),
    "id of a join": edit(MpJoinSyn, 0, address_id=5),
    "reason of a reset": edit(MpTcpRst, reason=3),
    "whether the cause of a reset will pass": edit(MpTcpRst, flags="T"),
    "reset without MP_TCPRST": remove(MpTcpRst),
    "data acknowledgment": edit(Dss, 20, bare_ack, data_ack=add(-1)),
    "checksums in a SYN": edit(MpCapableSyn, flags="HA"),
}
"""Of fields that nothing proves: only the capture of the other host tells that they changed."""


@pytest.mark.parametrize("mutation", ON_THE_WAY.values(), ids=ON_THE_WAY.keys())
@pytest.mark.parametrize("changed", [V4, V4_THERE])
def test_what_changed_between_two_hosts_is_noticed(changed: str, mutation: Mutation) -> None:
    captures = {name: Editable(name) for name in (V4, V4_THERE)}

    mutation(captures[changed])

    report = verify(each.capture() for each in captures.values())
    assert report.verdict is not Verdict.VERIFIED, str(report)
    (found,) = [each for each in report.findings if "changed on the way" in each.sentence]
    assert {place.file for place in found.packets} == set(captures)


def test_unchanged_captures_of_both_hosts_are_compared() -> None:
    report = verify(Editable(name).capture() for name in (V4, V4_THERE))

    assert report.verdict is Verdict.VERIFIED, str(report)
    assert report.connections[0].checked["packets compared with what was sent"] == 52


@pytest.mark.parametrize("name", [V4, V4_THERE])
def test_a_packet_that_one_host_lacks_is_no_change(name: str) -> None:
    """Lost in the network, or not captured: the other one's is compared with nothing."""
    whole = {each: Editable(each).capture() for each in (V4, V4_THERE)}
    for lost in whole[name].segments:
        left = tuple(each for each in whole[name].segments if each is not lost)
        report = verify({**whole, name: whole[name]._replace(segments=left)}.values())

        found = [str(each) for each in report.findings if "changed on the way" in each.sentence]
        assert not found, f"without packet {lost.number}: {found}"


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.pcap")))
def test_an_unchanged_capture_is_verified(name: str) -> None:
    report = verify([Editable(name).capture()])

    assert report.verdict is Verdict.VERIFIED, str(report)
    assert {each.severity for each in report.findings} <= {Severity.NOTE}


def test_octets_that_differ_between_two_captures_are_noticed() -> None:
    there = Editable("fin_v4_server")
    here = Editable(V4)
    assert verify([here.capture(), there.capture()]).verdict is Verdict.VERIFIED

    there.payload(3)

    (finding,) = [
        each
        for each in verify([here.capture(), there.capture()]).findings
        if each.severity is not Severity.NOTE
    ]
    assert "other octets" in finding.sentence
    assert {place.file for place in finding.packets} == {"fin_v4_server", V4}


def test_there_are_enough_kinds() -> None:
    assert len(NOTICED) >= 40
