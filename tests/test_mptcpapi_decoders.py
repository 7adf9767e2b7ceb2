"""The decoders of events, sock_diag, addresses and MPTCP_FULL_INFO, on what a kernel sent."""

from errno import ECONNABORTED, ECONNREFUSED, ECONNRESET

import pytest
from kernel_answers import message, messages, raw, with_body

from mptcpapi import Endpoint, Event, EventKind, TcpState
from mptcpapi.abi import SubflowFlag
from mptcpapi.diag import SubflowDiag, decode_diag
from mptcpapi.errors import BadAnswer
from mptcpapi.event import decode_event
from mptcpapi.info import FullInfo, Subflow, decode_full_info
from mptcpapi.mib import decode_netstat
from mptcpapi.pathmanager import LocalAddress, decode_local_addresses

CLIENT = Endpoint("10.0.2.1", 45001)
SERVER = Endpoint("10.0.1.2", 5001)
CLIENT6 = Endpoint("fd00:2::1", 45001)
SERVER6 = Endpoint("fd00:1::2", 5001)
ESTABLISHED_JOIN = (
    SubflowFlag.JOIN_REM
    | SubflowFlag.JOIN_LOC
    | SubflowFlag.FULLY_ESTABLISHED
    | SubflowFlag.CONNECTED
)


def event(kind: EventKind, **fields: object) -> Event:
    return Event(kind, 12.5, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "created_v6",
            event(
                EventKind.CREATED,
                token=0x40EF825D,
                local=Endpoint("fd00:1::1", 38758),
                remote=SERVER6,
                local_id=0,
                remote_id=0,
                server_side=False,
            ),
        ),
        (
            "sub_established_v4",
            event(
                EventKind.SUB_ESTABLISHED,
                token=0x8591EE50,
                local=CLIENT,
                remote=SERVER,
                local_id=1,
                remote_id=0,
                backup=False,
            ),
        ),
        (
            "sub_established_backup_v6",
            event(
                EventKind.SUB_ESTABLISHED,
                token=0x34FC22AE,
                local=SERVER6,
                remote=CLIENT6,
                local_id=0,
                remote_id=1,
                backup=True,
            ),
        ),
        (
            "sub_priority_v6",
            event(
                EventKind.SUB_PRIORITY,
                token=0x34FC22AE,
                local=SERVER6,
                remote=CLIENT6,
                local_id=0,
                remote_id=1,
                backup=False,
            ),
        ),
        (
            "sub_closed_rst",
            event(
                EventKind.SUB_CLOSED,
                token=0x8591EE50,
                local=Endpoint("10.0.2.1", 45002),
                remote=Endpoint("10.0.1.2", 9),
                local_id=2,
                remote_id=0,
                backup=False,
                error=ECONNREFUSED,
            ),
        ),
        (
            "sub_closed_mp_tcprst",
            event(
                EventKind.SUB_CLOSED,
                token=0x8591EE50,
                local=CLIENT,
                remote=SERVER,
                local_id=1,
                remote_id=0,
                backup=False,
                error=ECONNRESET,
                reset_reason=0,
            ),
        ),
        (
            "sub_closed_aborted_dual_stack",  # mapped addresses are told as what they are: IPv4
            event(
                EventKind.SUB_CLOSED,
                token=0xD79CB1B8,
                local=SERVER,
                remote=CLIENT,
                local_id=0,
                remote_id=1,
                backup=False,
                error=ECONNABORTED,
            ),
        ),
        ("closed", event(EventKind.CLOSED, token=0x8591EE50)),
        (
            "announced",
            event(
                EventKind.ANNOUNCED,
                token=0x80973FD8,
                remote=Endpoint("10.0.2.2", 5001),
                remote_id=1,
            ),
        ),
        ("removed", event(EventKind.REMOVED, token=0x80973FD8, remote_id=1)),
        ("listener_created", event(EventKind.LISTENER_CREATED, local=Endpoint("10.0.1.1", 5007))),
        ("listener_closed", event(EventKind.LISTENER_CLOSED, local=Endpoint("10.0.1.1", 5007))),
    ],
)
def test_event(name: str, expected: Event) -> None:
    assert decode_event(message(name), 12.5) == expected


@pytest.mark.parametrize("length", [3, 9, 0xFFFF])
def test_an_attribute_of_a_length_that_cannot_be(length: int) -> None:
    whole = message("removed")
    broken = whole.body[:-8] + length.to_bytes(2, "little") + whole.body[-6:]

    with pytest.raises(BadAnswer, match=f"claims {length} bytes it does not have"):
        decode_event(with_body(broken, whole), 0.0)


def test_a_number_that_is_too_short() -> None:
    whole = message("closed")
    short = whole.body[:4] + b"\x06\x00\x01\x00\x01\x02"

    with pytest.raises(
        BadAnswer, match=r"MPTCP_ATTR_TOKEN: .* is not an integer of the right size"
    ):
        decode_event(with_body(short, whole), 0.0)


def test_an_event_of_a_newer_kernel_is_passed_over() -> None:
    known = message("removed")

    assert decode_event(with_body(b"\x63" + known.body[1:], known), 0.0) is None


@pytest.mark.parametrize(
    ("name", "local", "remote"),
    [("diag_join_v4", CLIENT, SERVER), ("diag_join_v6", CLIENT6, SERVER6)],
)
def test_sock_diag_of_an_additional_subflow(name: str, local: Endpoint, remote: Endpoint) -> None:
    found = decode_diag(message(name))

    assert (found.local, found.remote) == (local, remote)
    assert found.flags == ESTABLISHED_JOIN
    assert (found.local_id, found.remote_id) == (1, 0)


def test_sock_diag_of_the_initial_subflow() -> None:
    assert decode_diag(message("diag_initial_v4")) == SubflowDiag(
        local=Endpoint("10.0.1.1", 39326),
        remote=SERVER,
        inode=168371,
        cookie=731,
        interface=0,
        flags=SubflowFlag.MCAP_REM
        | SubflowFlag.MCAP_LOC
        | SubflowFlag.FULLY_ESTABLISHED
        | SubflowFlag.CONNECTED,
        local_id=0,
        remote_id=0,
    )


def test_sock_diag_without_privilege_has_the_flags_since_linux_6_15() -> None:
    found = decode_diag(message("diag_unprivileged"))

    assert found.flags == ESTABLISHED_JOIN


def test_sock_diag_of_a_socket_that_is_no_subflow() -> None:
    whole = message("diag_initial_v4")
    plain = decode_diag(with_body(whole.body[:72], whole))

    assert plain.remote == SERVER
    assert (plain.flags, plain.local_id, plain.remote_id) == (None, None, None)


def test_a_nested_attribute_that_claims_too_much() -> None:
    whole = message("diag_join_v4")
    broken = whole.body.replace(b"\x58\x00\x03\x00", b"\x58\x01\x03\x00")

    with pytest.raises(BadAnswer, match="attribute claims 344 bytes it does not have"):
        decode_diag(with_body(broken, whole))


def test_sock_diag_of_a_socket_that_is_not_ip() -> None:
    whole = message("diag_initial_v4")

    with pytest.raises(BadAnswer, match="an address of family 1"):
        decode_diag(with_body(b"\x01" + whole.body[1:], whole))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "local_addresses_v4",
            [LocalAddress("10.0.2.1", 45001, 1), LocalAddress("10.0.2.1", 45002, 2)],
        ),
        (
            "local_addresses_v6",
            [LocalAddress("fd00:2::1", 45001, 1), LocalAddress("fd00:2::1", 45002, 2)],
        ),
    ],
)
def test_local_addresses(name: str, expected: list[LocalAddress]) -> None:
    found = [address for part in messages(name) for address in decode_local_addresses(part)]

    assert found == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (
            "v4",
            FullInfo(
                token=0x8591EE50,
                count=2,
                subflows=(
                    Subflow(1, Endpoint("10.0.1.1", 39326), SERVER, TcpState.ESTABLISHED),
                    Subflow(2, CLIENT, SERVER, TcpState.ESTABLISHED),
                ),
                tcp_infos=b"\x01\x01",
            ),
        ),
        (
            "v6",
            FullInfo(
                token=0x40EF825D,
                count=2,
                subflows=(
                    Subflow(1, Endpoint("fd00:1::1", 38758), SERVER6, TcpState.ESTABLISHED),
                    Subflow(2, CLIENT6, SERVER6, TcpState.ESTABLISHED),
                ),
                tcp_infos=b"\x01\x01",
            ),
        ),
    ],
)
def test_full_info(version: str, expected: FullInfo) -> None:
    parts = (raw(f"full_info_{part}_{version}") for part in ("head", "entries", "states"))

    assert decode_full_info(*parts) == expected


def test_full_info_says_when_the_room_was_too_small() -> None:
    head = bytearray(raw("full_info_head_v4"))
    head[20:24] = (1).to_bytes(4, "little")  # size_arrays_user

    found = decode_full_info(bytes(head), raw("full_info_entries_v4"), raw("full_info_states_v4"))

    assert (found.count, [entry.id for entry in found.subflows]) == (2, [1])


def test_a_tcp_state_that_is_not_known() -> None:
    with pytest.raises(BadAnswer, match="subflow 2 is in TCP state 77"):
        decode_full_info(raw("full_info_head_v4"), raw("full_info_entries_v4"), b"\x01\x4d")


def test_counters() -> None:
    text = "TcpExt: A B\nTcpExt: 1 2\nMPTcpExt: MPJoinSynRx MPPrioTx\nMPTcpExt: 3 0\n"

    assert decode_netstat(text) == {"MPJoinSynRx": 3, "MPPrioTx": 0}


def test_counters_of_a_kernel_without_mptcp() -> None:
    assert decode_netstat("TcpExt: A\nTcpExt: 1\n") == {}


@pytest.mark.parametrize(
    "text",
    ["MPTcpExt: A B\nMPTcpExt: 1\n", "MPTcpExt: A\n", "MPTcpExt: A\nMPTcpExt: one\n"],
)
def test_counters_that_do_not_fit_their_names(text: str) -> None:
    with pytest.raises(BadAnswer, match="names and values"):
        decode_netstat(text)
