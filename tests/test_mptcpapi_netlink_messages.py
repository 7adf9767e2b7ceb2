"""The framing of netlink messages, on what a kernel sent and on any bytes."""

from errno import EADDRNOTAVAIL, EINVAL, ENOENT

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_answers import message, messages, raw

from mptcpapi import abi
from mptcpapi.errors import BadAnswer
from mptcpapi.netlink import Family, decode_family
from mptcpapi.nlmsg import Outcome, attribute, attributes, frame, outcome, split


def test_a_datagram_with_two_messages() -> None:
    first, second = messages("local_addresses_v4")

    assert first.raw + second.raw == raw("local_addresses_v4")
    assert (first.kind, first.sequence) == (second.kind, second.sequence) == (28, 1)


@settings(deadline=None)
@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1), st.binary())
def test_what_is_framed_is_split_again(kind: int, flags: int, sequence: int, body: bytes) -> None:
    (found,) = split(frame(kind, flags, sequence, body))

    assert (found.kind, found.flags, found.sequence, found.body) == (kind, flags, sequence, body)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, abi.NLA_TYPE_MASK), st.binary(max_size=50))))
def test_attributes_are_read_as_written(written: list[tuple[int, bytes]]) -> None:
    data = b"".join(attribute(kind, payload) for kind, payload in written)

    assert list(attributes(data)) == written


def test_messages_begin_at_multiples_of_four() -> None:
    odd, even = frame(1, 0, 1, b"odd"), frame(2, 0, 2, b"even")

    assert [found.raw for found in split(odd + b"\0" + even)] == [odd, even]


def test_a_nested_attribute_has_its_bare_type() -> None:
    assert list(attributes(attribute(1 | abi.NLA_F_NESTED, b"four"))) == [(1, b"four")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("refused", Outcome(EADDRNOTAVAIL, "connect error: -99")),
        ("dump_refused", Outcome(EINVAL, "userspace PM not selected")),
        ("not_found", Outcome(ENOENT, "")),
    ],
)
def test_outcome_of_a_request(name: str, expected: Outcome) -> None:
    assert outcome(message(name)) == expected


def test_outcome_whose_request_is_not_cut_off() -> None:
    """Without NETLINK_CAP_ACK the request stands between the errno and the sentence."""
    request = frame(28, 5, 7, b"12345678")
    body = (-EINVAL).to_bytes(4, "little", signed=True) + request
    body += attribute(abi.NLMSGERR_ATTR_MSG, b"why\0")
    (acknowledgement,) = split(frame(abi.NLMSG_ERROR, abi.NLM_F_ACK_TLVS, 7, body))

    assert outcome(acknowledgement) == Outcome(EINVAL, "why")


def test_the_path_managers_family() -> None:
    assert decode_family(message("family").body) == Family(id=28, event_group=9)


def test_a_family_without_the_event_group() -> None:
    changed = message("family").body.replace(b"mptcp_pm_events", b"mptcp_pm_nothing"[:15])

    with pytest.raises(BadAnswer, match="no multicast group 'mptcp_pm_events'"):
        decode_family(changed)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_are_split_or_refused(data: bytes) -> None:
    try:
        found = list(split(data))
    except BadAnswer:
        return
    assert sum(len(m.raw) for m in found) <= len(data)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_are_attributes_or_refused(data: bytes) -> None:
    try:
        found = list(attributes(data))
    except BadAnswer:
        return
    assert sum(abi.NLATTR.size + len(payload) for _, payload in found) <= len(data)


@settings(deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from([abi.NLMSG_ERROR, abi.NLMSG_DONE]),
    st.integers(0, 0x3FF),
)
def test_any_acknowledgement_is_read_or_refused(body: bytes, kind: int, flags: int) -> None:
    (acknowledgement,) = split(frame(kind, flags, 1, body))
    try:
        found = outcome(acknowledgement)
    except BadAnswer:
        return
    assert isinstance(found.text, str)


@settings(deadline=None)
@given(st.integers(0, len(message("family").body) - 1))
def test_a_cut_family_is_refused(length: int) -> None:
    with pytest.raises(BadAnswer):
        decode_family(message("family").body[:length])
