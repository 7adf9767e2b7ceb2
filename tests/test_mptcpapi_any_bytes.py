"""Whatever bytes the decoders get, they return a value or raise BadAnswer."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_answers import ANSWERS, message, raw, with_body

import mptcpapi
from mptcpapi import abi
from mptcpapi.abi import SubflowFlag
from mptcpapi.diag import decode_diag
from mptcpapi.discovery import decode_connection
from mptcpapi.endpoint import Endpoint, decode_sockaddr
from mptcpapi.errors import BadAnswer
from mptcpapi.event import decode_event, decode_token
from mptcpapi.info import decode_full_info
from mptcpapi.managed import decode_endpoint, decode_limits
from mptcpapi.mib import decode_netstat
from mptcpapi.mptcpinfo import decode_mptcp_info
from mptcpapi.netlink import decode_family
from mptcpapi.nlmsg import Message, attributes, frame, outcome, split
from mptcpapi.pathmanager import decode_local_addresses
from mptcpapi.subflow_options.btf import function_id
from mptcpapi.tcpinfo import decode_tcp_info

EVENTS = [name for name in ANSWERS if name.startswith(("sub_", "created", "announced", "closed"))]
DIAGS = [name for name in ANSWERS if name.startswith("diag_")]
CONNECTIONS = [name for name in ANSWERS if name.startswith("connection_")]
LISTS = [name for name in ANSWERS if name.startswith("local_addresses")]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """pyroute2 logs every attribute that it cannot decode."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def read_event(given_message: Message) -> None:
    event = decode_event(given_message, 0.0)
    if event is not None:
        numbers = (event.token, event.local_id, event.remote_id, event.error, event.reset_reason)
        assert all(isinstance(number, int | None) for number in numbers)
        assert all(isinstance(end, Endpoint | None) for end in (event.local, event.remote))
        assert isinstance(event.backup, bool | None)


def read_token(given_message: Message) -> None:
    assert isinstance(decode_token(given_message), int | None)


def read_diag(given_message: Message) -> None:
    found = decode_diag(given_message)
    assert isinstance(found.flags, SubflowFlag | None)
    assert all(isinstance(number, int | None) for number in (found.local_id, found.remote_id))


def read_connection(given_message: Message) -> None:
    found = decode_connection(given_message)
    assert all(isinstance(end, Endpoint) for end in (found.local, found.remote))
    assert all(isinstance(number, int) for number in (found.token, found.inode, found.uid))


def read_list(given_message: Message) -> None:
    for address in decode_local_addresses(given_message):
        assert isinstance(address.host, str)
        assert isinstance(address.id, int)


def read_endpoint(given_message: Message) -> None:
    found = decode_endpoint(given_message)
    assert isinstance(found.address.host, str)
    assert all(isinstance(number, int) for number in (found.id, found.flags, found.interface))


def read_limits(given_message: Message) -> None:
    assert all(isinstance(number, int) for number in decode_limits(given_message))


DECODERS = [
    (read_event, EVENTS),
    (read_token, EVENTS),
    (read_diag, DIAGS),
    (read_connection, CONNECTIONS),
    (read_list, LISTS),
    (read_endpoint, LISTS),
    (read_limits, LISTS),
]


@st.composite
def damaged(draw: st.DrawFn, name: str) -> Message:
    """A real message, cut, with some bytes changed, and with any bytes at its end."""
    whole = message(name)
    body = bytearray(whole.body)
    for place in draw(st.lists(st.integers(0, len(body) - 1), max_size=6)):
        body[place] = draw(st.integers(0, 255))
    cut = draw(st.integers(0, len(body)) | st.just(len(body)))
    return with_body(bytes(body[:cut]) + draw(st.binary(max_size=12)), whole)


@pytest.mark.parametrize(("decoder", "names"), DECODERS)
@settings(deadline=None)
@given(data=st.data())
def test_damaged_messages(
    decoder: Callable[[Message], None], names: list[str], data: st.DataObject
) -> None:
    given_message = data.draw(st.sampled_from(names).flatmap(damaged))
    with suppress(BadAnswer):
        decoder(given_message)


@pytest.mark.parametrize(("decoder", "names"), DECODERS)
@settings(deadline=None)
@given(body=st.binary(max_size=200))
def test_any_message(decoder: Callable[[Message], None], names: list[str], body: bytes) -> None:
    with suppress(BadAnswer):
        decoder(with_body(body, message(names[0])))


@pytest.mark.parametrize(("decoder", "names"), DECODERS)
def test_cut_messages(decoder: Callable[[Message], None], names: list[str]) -> None:
    for name in names:
        whole = message(name)
        for length in range(len(whole.body)):
            with suppress(BadAnswer):
                decoder(with_body(whole.body[:length], whole))


@pytest.mark.parametrize(("decoder", "names"), DECODERS)
def test_a_header_alone_is_refused(decoder: Callable[[Message], None], names: list[str]) -> None:
    with pytest.raises(BadAnswer):
        decoder(with_body(b"", message(names[0])))


@settings(deadline=None)
@given(st.binary(max_size=150), st.binary(max_size=600), st.binary(max_size=4))
def test_any_full_info(head: bytes, entries: bytes, states: bytes) -> None:
    with suppress(BadAnswer):
        info = decode_full_info(head, entries, states)
        assert len(info.subflows) <= info.count


@settings(deadline=None)
@given(st.data())
def test_full_info_with_a_cut_array_is_refused(data: st.DataObject) -> None:
    parts = [raw(f"full_info_{part}_v6") for part in ("head", "entries", "states")]
    which = data.draw(st.sampled_from([1, 2]))
    parts[which] = parts[which][: data.draw(st.integers(0, len(parts[which]) - 1))]

    with pytest.raises(BadAnswer, match="lists 2 subflows that it does not have"):
        decode_full_info(*parts)


@settings(deadline=None)
@given(st.integers(0, 55))
def test_full_info_cut_before_the_end_of_the_token_is_refused(length: int) -> None:
    head, *arrays = (raw(f"full_info_{part}_v6") for part in ("head", "entries", "states"))

    with pytest.raises(BadAnswer, match="too short"):
        decode_full_info(head[:length], *arrays)


def read_split(data: bytes) -> None:
    assert sum(len(each.raw) for each in split(data)) <= len(data)


def read_attributes(data: bytes) -> None:
    assert sum(len(payload) for _, payload in attributes(data)) <= len(data)


def read_outcome(data: bytes) -> None:
    for kind in (abi.NLMSG_ERROR, abi.NLMSG_DONE):
        for flags in (0, abi.NLM_F_ACK_TLVS, abi.NLM_F_ACK_TLVS | abi.NLM_F_CAPPED):
            with suppress(BadAnswer):
                (acknowledgement,) = split(frame(kind, flags, 1, data))
                assert isinstance(outcome(acknowledgement).text, str)


def read_family(data: bytes) -> None:
    assert all(isinstance(number, int) for number in decode_family(data))


def read_tcp_info(data: bytes) -> None:
    assert isinstance(decode_tcp_info(data).rtt, float)


def read_mptcp_info(data: bytes) -> None:
    assert isinstance(decode_mptcp_info(data).token, int)


def read_netstat(data: bytes) -> None:
    text = data.decode("latin-1")
    for written in (text, f"MPTcpExt: a b\nMPTcpExt: {text}\n"):
        with suppress(BadAnswer):
            assert all(isinstance(each, int) for each in decode_netstat(written).values())


def read_type_information(data: bytes) -> None:
    assert isinstance(function_id(data, "bpf_iter_tcp"), int | None)


BYTES: list[Callable[[bytes], None]] = [
    read_split,
    read_attributes,
    read_outcome,
    read_family,
    read_tcp_info,
    read_mptcp_info,
    read_netstat,
    read_type_information,
]


@pytest.mark.parametrize("decoder", BYTES)
@settings(deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes(decoder: Callable[[bytes], None], data: bytes) -> None:
    with suppress(BadAnswer):
        decoder(data)


@pytest.mark.parametrize(
    ("decoder", "name"), [(read_tcp_info, "tcp_info"), (read_mptcp_info, "mptcp_info")]
)
@settings(deadline=None)
@given(data=st.data())
def test_damaged_structs(decoder: Callable[[bytes], None], name: str, data: st.DataObject) -> None:
    body = bytearray(raw(name))
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=6)):
        body[place] = data.draw(st.integers(0, 255))
    with suppress(BadAnswer):
        decoder(bytes(body[: data.draw(st.integers(0, len(body)))]))


OURS = {"decode_answer", "decode_order", "decode_host", "decode_inet_diag"}
"""Of bytes that this package itself wrote or measured, or within another decoder."""

OF_PROGRAMS = {"decode_tuple", "decode_close", "decode_get", "decode_set"}
"""test_run_layouts.py gives any bytes to these."""

OF_PROGRAMS_STATE = {"decode_notice", "decode_maps", "decode_status"}
"""Of what the kernel says of a program under ``mptcpapi run``; no answer to a request."""

ELSEWHERE = OURS | OF_PROGRAMS | OF_PROGRAMS_STATE


def test_every_decoder_is_here() -> None:
    package = Path(mptcpapi.__file__).parent
    found = {
        name
        for path in package.rglob("*.py")
        for name in re.findall(r"^def (decode_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert found - ELSEWHERE <= set(globals())


@settings(deadline=None)
@given(st.binary(max_size=128))
def test_any_sockaddr(data: bytes) -> None:
    with suppress(BadAnswer):
        assert isinstance(decode_sockaddr(data), Endpoint)
