"""The structs of the old options: bytes as gcc laid them out for x86-64, little-endian."""

import sys
from contextlib import suppress
from errno import EINVAL

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcpapi import Endpoint, InvalidArgument
from mptcpapi.draft import Flow, SubStatus
from mptcpapi.run import layouts

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the vectors are little-endian")

HERE, THERE = Endpoint("192.168.33.10", 64002), Endpoint("10.0.9.2", 80)
ADDRESSES = "0200fa02c0a8210a0000000000000000020000500a0009020000000000000000"
HERE6, THERE6 = Endpoint("fd00:1::1", 5), Endpoint("fd00:9::2", 6)
ADDRESSES6 = (
    "0a00000500000000fd00000100000000000000000000000100000000"
    "0a00000600000000fd00000900000000000000000000000200000000"
)


def test_the_list() -> None:
    joined = SubStatus(3, True, True, True, True, False)
    initial = SubStatus(1, False, None, True, None, True)

    assert layouts.encode_sub_ids((joined, initial)).hex() == "0200030f0114"


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (33, "07"), (57, "07"), (60, "07"), (96, "07"), (100, "07"), (257, "07"), (256, "07"),
        (34, "0701"), (58, "0701"), (258, "0701"),
    ],
)  # fmt: skip
def test_a_tuple_is_told_in_the_form_that_fits_the_buffer(length: int, head: str) -> None:
    told = layouts.encode_tuple(Flow(HERE, THERE, low_prio=True, id=7), length)

    assert told.hex() == head + ADDRESSES


def test_a_tuple_of_ipv6() -> None:
    told = layouts.encode_tuple(Flow(HERE6, THERE6, id=7), 57)

    assert told.hex() == "07" + ADDRESSES6


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("00" + ADDRESSES, Flow(HERE, THERE)),
        ("0000" + ADDRESSES, Flow(HERE, THERE)),
        ("0001" + ADDRESSES, Flow(HERE, THERE, low_prio=True)),
        ("00" + ADDRESSES6, Flow(HERE6, THERE6)),
        ("0001" + ADDRESSES6, Flow(HERE6, THERE6, low_prio=True)),
    ],
)
def test_a_tuple_that_asks_for_a_subflow(text: str, wanted: Flow) -> None:
    assert layouts.decode_tuple(bytes.fromhex(text)) == wanted


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "of 0 bytes: expected 33, 34, 57, 58"),
        (bytes(45), "of 45 bytes"),
        (bytes(59), "of 59 bytes"),
        (bytes(33), "an address of family 0"),
        (bytes.fromhex("00" + ADDRESSES.replace("0200fa", "0a00fa")), "an address of family 10"),
    ],
)
def test_a_tuple_that_cannot_be(data: bytes, complaint: str) -> None:
    with pytest.raises(InvalidArgument, match=complaint) as refusal:
        layouts.decode_tuple(data)

    assert refusal.value.errno == EINVAL


@pytest.mark.parametrize(
    ("text", "closing"),
    [("09", (9, 2)), ("09000000", (9, 2)), ("0900000001000000", (9, 1))],
)
def test_closing(text: str, closing: tuple[int, int]) -> None:
    assert layouts.decode_close(bytes.fromhex(text)) == closing


def test_getting_an_option() -> None:
    data = bytes.fromhex("0200000000000000010000000000000088776655443322110011223344556677")

    assert layouts.decode_get(data) == (2, 0, 1, 0x1122334455667788, 0x7766554433221100)


def test_setting_an_option() -> None:
    data = bytes.fromhex("0200000006000000120000000000000088776655443322110400000000000000")

    assert layouts.decode_set(data) == (2, 6, 18, 0x1122334455667788, 4)


@given(st.binary(max_size=80), st.sampled_from(["tuple", "close", "get", "set"]))
def test_any_bytes_are_decoded_or_refused(data: bytes, name: str) -> None:
    with suppress(InvalidArgument):
        getattr(layouts, f"decode_{name}")(data)
