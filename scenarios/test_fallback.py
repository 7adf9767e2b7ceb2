"""A server without Multipath TCP: the connection falls back to TCP (RFC 8684, section 3.7)."""

import socket

import pytest

import mptcpapi
from lab.environment import counters
from lab.wire.mptcp import MpCapable, MptcpOption

pytestmark = [
    pytest.mark.topology("two_paths"),
    pytest.mark.flow(server_protocol=socket.IPPROTO_TCP),
    pytest.mark.parametrize("family", ["ipv4", "ipv6"]),
]


def test_a_server_without_mptcp_is_spoken_to_in_tcp(flow, client, capture):
    """Only the client's SYN offers MPTCP; the data arrives, and every call says that it is TCP."""
    flow.wait_delivered("200 kB")

    assert not flow.connection.in_use()
    with pytest.raises(mptcpapi.FallenBack):
        flow.connection.subflows()
    with pytest.raises(mptcpapi.FallenBack):
        flow.open_subflow("lte")
    assert counters(client)["MPCapableFallbackSYNACK"] == 1
    seen = capture.at("server")
    syn, _ = seen.arrived().only(MpCapable)
    assert syn.syn
    assert seen.all(MptcpOption) == seen.all(MpCapable)
    assert seen.arrived().after(syn.time).payload() > 100_000
