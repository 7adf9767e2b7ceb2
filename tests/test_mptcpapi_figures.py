"""struct tcp_info and struct mptcp_info: what a kernel gave, as values with units."""

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_answers import raw

from mptcpapi import TcpState
from mptcpapi.errors import BadAnswer
from mptcpapi.layout import Layout
from mptcpapi.mptcpinfo import decode_mptcp_info
from mptcpapi.tcpinfo import decode_tcp_info

MIN_RTT, PACING_RATE, TOTAL_RTO_TIME = 148, 104, 244


def with_bytes(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


def test_a_layout_is_aligned_as_in_c() -> None:
    layout = Layout("B one", "I four", "H two", "Q eight")

    assert layout.size == 24
    assert layout.unpack(bytes(range(24)))["four"] == int.from_bytes(b"\4\5\6\7", "little")
    assert layout.unpack(bytes(range(24)))["eight"] == int.from_bytes(range(16, 24), "little")


def test_a_field_that_is_cut_is_absent() -> None:
    layout = Layout("B one", "I four")

    assert layout.unpack(bytes(7)) == {"one": 0}


def test_tcp_info() -> None:
    info = decode_tcp_info(raw("tcp_info"))

    assert info.state is TcpState.ESTABLISHED
    assert (info.snd_wscale, info.rcv_wscale, info.options) == (10, 10, 7)
    assert (info.rto, info.ato, info.rtt, info.rttvar) == (0.204, 0.04, 54e-6, 24e-6)
    assert (info.last_data_sent, info.last_data_recv) == (0.0, 0.188)
    assert (info.min_rtt, info.busy_time) == (17e-6, 0.004)
    assert (info.pacing_rate, info.max_pacing_rate) == (17521116576, math.inf)
    assert info.delivery_rate == 10477280000
    assert (info.bytes_sent, info.bytes_acked) == (565456, 565457)  # a SYN is acknowledged, too
    assert (info.segs_out, info.data_segs_out, info.snd_wnd) == (56, 52, 715776)
    assert (info.rcv_wnd, info.total_rto, info.total_rto_time) == (145408, 0, 0.0)


def test_tcp_info_of_older_kernels_lacks_what_came_later() -> None:
    info = decode_tcp_info(raw("tcp_info")[:232])

    assert info.snd_wnd == 715776
    assert (info.rcv_wnd, info.rehash, info.total_rto, info.total_rto_time) == (None,) * 4


def test_tcp_info_before_the_first_sample() -> None:
    info = decode_tcp_info(with_bytes(raw("tcp_info"), MIN_RTT, b"\xff" * 4))

    assert info.min_rtt is None


def test_the_bit_fields_of_tcp_info() -> None:
    info = decode_tcp_info(with_bytes(raw("tcp_info"), 6, bytes([0x72, 0b101])))

    assert (info.snd_wscale, info.rcv_wscale) == (2, 7)
    assert (info.delivery_rate_app_limited, info.fastopen_client_fail) == (True, 2)


def test_rates_are_in_bits_and_times_in_seconds() -> None:
    changed = with_bytes(raw("tcp_info"), PACING_RATE, (1000).to_bytes(8, "little"))
    changed = with_bytes(changed, TOTAL_RTO_TIME, (1500).to_bytes(4, "little"))

    info = decode_tcp_info(changed)

    assert (info.pacing_rate, info.total_rto_time) == (8000, 1.5)


def test_tcp_info_in_a_state_that_is_not_known() -> None:
    with pytest.raises(BadAnswer, match="TCP state 77: unknown"):
        decode_tcp_info(with_bytes(raw("tcp_info"), 0, b"\x4d"))


def test_mptcp_info() -> None:
    info = decode_mptcp_info(raw("mptcp_info"))

    assert (info.subflows, info.subflows_total, info.subflows_max) == (1, 2, 0)
    assert info.remote_key_received
    assert not info.csum_enabled
    assert info.token == 2662112071
    assert info.write_seq == info.snd_una == 15800172190600907961
    assert (info.bytes_sent, info.bytes_received, info.bytes_acked) == (600000, 100000, 600000)
    assert (info.last_data_sent, info.last_data_recv) == (0.0, 0.188)


@pytest.mark.parametrize(("size", "known"), [(48, False), (80, True)])
def test_mptcp_info_of_older_kernels(size: int, known: bool) -> None:
    info = decode_mptcp_info(raw("mptcp_info")[:size])

    assert (info.bytes_sent == 600000) is known
    assert (info.bytes_sent is None) is not known
    assert (info.subflows_total, info.last_data_sent) == (None, None)


@pytest.mark.parametrize("decoder", [decode_tcp_info, decode_mptcp_info])
@given(data=st.binary(max_size=300))
def test_any_bytes(decoder, data) -> None:  # type: ignore[no-untyped-def]
    with suppress(BadAnswer):
        decoder(data)


@pytest.mark.parametrize(("decoder", "least"), [(decode_tcp_info, 232), (decode_mptcp_info, 48)])
def test_what_is_too_short_is_refused(decoder, least) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadAnswer, match=f"of {least - 1} bytes is too short"):
        decoder(bytes(least - 1))
