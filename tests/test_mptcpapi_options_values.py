"""Which options a subflow has, what their values look like, and what the errors say."""

import socket
import sys
from errno import EACCES, EINVAL, EMFILE, ENOSYS, EOPNOTSUPP, EPERM
from pathlib import Path

import pytest

from mptcpapi import abi
from mptcpapi.errors import InvalidArgument, KernelRefused, MptcpError, Unsupported
from mptcpapi.subflow_options import refusal, values
from mptcpapi.subflow_options.refusal import Privilege
from mptcpapi.subflow_options.table import OPTIONS, Kind, find

MARK = find(socket.SOL_SOCKET, socket.SO_MARK)
CONGESTION = find(socket.IPPROTO_TCP, socket.TCP_CONGESTION)
COOKIE = find(socket.SOL_SOCKET, abi.SO_COOKIE)
INFO = find(socket.IPPROTO_TCP, socket.TCP_INFO)


def test_the_names_are_those_of_their_numbers() -> None:
    for option in OPTIONS:
        number = getattr(socket, option.name, getattr(abi, option.name, None))
        assert option.number == number, option
    assert len({(option.level, option.number) for option in OPTIONS}) == len(OPTIONS)


def test_the_documentation_lists_every_option() -> None:
    text = (Path(__file__).parent.parent / "docs" / "options.md").read_text(encoding="utf-8")
    assert [option.name for option in OPTIONS if f"`{option.name}`" not in text] == []


@pytest.mark.parametrize(
    ("level", "number", "name"),
    [
        (socket.IPPROTO_TCP, socket.TCP_CORK, "TCP_CORK"),
        (socket.SOL_SOCKET, socket.SO_LINGER, "SO_LINGER"),
        (socket.IPPROTO_IP, socket.IP_TTL, "IP_TTL"),
        (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, "IPV6_V6ONLY"),
        (socket.IPPROTO_TCP, 4711, "option 4711 at level 6"),
        (abi.SOL_MPTCP, 1, "option 1 at level 284"),
    ],
)
def test_an_option_that_a_subflow_cannot_have_is_named(level: int, number: int, name: str) -> None:
    with pytest.raises(Unsupported, match=f"one subflow has no {name} of its own") as refused:
        find(level, number)
    assert refused.value.errno == EOPNOTSUPP


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (1, b"\1\0\0\0"),
        (-1, b"\xff\xff\xff\xff"),
        (0xFFFFFFFF, b"\xff\xff\xff\xff"),
        (True, b"\1\0\0\0"),
        (b"\1\2\3\4", b"\1\2\3\4"),
    ],
)
@pytest.mark.skipif(sys.byteorder != "little", reason="the vectors are little-endian")
def test_integers(value: int | bytes, octets: bytes) -> None:
    assert values.encode(MARK, value) == octets


def test_names_are_padded_with_zeros() -> None:
    assert values.encode(CONGESTION, b"reno") == b"reno" + bytes(12)
    assert values.encode(CONGESTION, b"reno\0") == b"reno" + bytes(12)
    assert values.encode(CONGESTION, b"") == bytes(16)
    assert values.encode(CONGESTION, b"a" * 15) == b"a" * 15 + b"\0"


@pytest.mark.parametrize(
    ("option", "value", "text"),
    [
        (MARK, 1 << 32, "SO_MARK takes an integer of 32 bits, not 4294967296"),
        (MARK, -(1 << 31) - 1, "32 bits"),
        (MARK, b"\1", "SO_MARK takes 4 bytes, not 1"),
        (MARK, "1", "SO_MARK takes int or bytes, not str"),
        (MARK, None, "not NoneType"),
        (CONGESTION, 1, "TCP_CONGESTION takes a name in bytes, not 1"),
        (CONGESTION, "reno", "not str"),
        (CONGESTION, b"a" * 16, "at most 15 bytes"),
    ],
)
def test_what_is_no_value(option, value, text) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidArgument, match=text) as refused:
        values.encode(option, value)
    assert refused.value.errno == EINVAL


def test_values_are_given_as_getsockopt_gives_them() -> None:
    assert values.decode(MARK, b"\xff\xff\xff\xff", None) == -1
    assert values.decode(MARK, b"\1\2\3\4", 2) == b"\1\2"
    assert values.decode(MARK, b"\1\2\3\4", 100) == b"\1\2\3\4"
    assert values.decode(COOKIE, b"\xff" * 8, None) == (1 << 64) - 1


@pytest.mark.parametrize("option", [CONGESTION, INFO])
def test_what_is_no_integer_needs_a_length(option) -> None:  # type: ignore[no-untyped-def]
    values.check_length(option, 16)
    with pytest.raises(InvalidArgument, match=f"{option.name} takes a length"):
        values.check_length(option, None)


@pytest.mark.parametrize("length", [0, -1, "4", 1.5])
def test_what_is_no_length(length) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidArgument, match="SO_MARK takes a length of at least 1 byte"):
        values.check_length(MARK, length)


BPF, PERFMON, ADMIN = 1 << abi.CAP_BPF, 1 << abi.CAP_PERFMON, 1 << abi.CAP_SYS_ADMIN


@pytest.mark.parametrize(
    ("privilege", "text"),
    [
        (
            Privilege(0, initial=True),
            "CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN), which",
        ),
        (Privilege(PERFMON, initial=True), "CAP_BPF (or CAP_SYS_ADMIN), which"),
        (Privilege(BPF, initial=True), "CAP_PERFMON (or CAP_SYS_ADMIN), which"),
        (Privilege(BPF | PERFMON, initial=True), "a security policy forbids it"),
        (Privilege(ADMIN, initial=True), "a security policy forbids it"),
        (Privilege(BPF | PERFMON | ADMIN, initial=False), "in the initial user namespace"),
    ],
)
def test_what_is_missing_is_named(privilege: Privilege, text: str) -> None:
    assert text in refusal.missing(privilege)


def explained(code: int, log: str = "") -> MptcpError:
    return refusal.explain(OSError(code, "no"), lambda: log)


def test_the_verifier_is_quoted() -> None:
    log = "0: first\n1: second\n2: third\n3: call\nR4 min value is negative\nprocessed 4 insns"

    error = explained(EACCES, log)

    assert isinstance(error, Unsupported)
    assert error.strerror.splitlines()[1:] == [
        "    1: second",
        "    2: third",
        "    3: call",
        "    R4 min value is negative",
    ]


def test_errors_by_who_must_act() -> None:
    assert isinstance(explained(EPERM), PermissionError)
    assert isinstance(explained(ENOSYS), Unsupported)
    assert isinstance(explained(EINVAL), Unsupported)
    assert isinstance(explained(EMFILE), KernelRefused)
    assert explained(EMFILE).errno == EMFILE


def test_every_option_says_how_its_value_looks() -> None:
    assert {option.size for option in OPTIONS if option.kind is not Kind.KNOWN} == {4, 16}
