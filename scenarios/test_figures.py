"""The kernel's figures of a connection and of its subflows, beside what crossed the wire."""

import pytest

from mptcpapi import EventKind

pytestmark = pytest.mark.topology("two_paths")

both_families = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@both_families
def test_the_bytes_of_each_subflow_are_those_on_the_wire(flow, capture):
    """tcp_info counts what each subflow carried, and mptcp_info what the connection delivered."""
    first = flow.first
    lte = flow.open_subflow("lte")
    capture.until("server", lambda seen: seen.arrived().on(lte).payload() > 50_000)

    delivered = flow.finish()
    capture.until("client", lambda seen: nothing_is_on_its_way(flow))

    seen = capture.at("client")
    assert flow.connection.mptcp_info().bytes_acked == delivered + 1  # DATA_FIN counts as one
    for subflow in (first, lte):
        figures = flow.connection.tcp_info(subflow)
        assert figures.bytes_sent == seen.sent().on(subflow).payload()
        assert 0 < figures.min_rtt <= figures.rtt
    flow.events["server"].wait(EventKind.SUB_ESTABLISHED, lte)


def nothing_is_on_its_way(flow):
    """Whether the peer has acknowledged everything, on each subflow and to the connection."""
    info = flow.connection.mptcp_info()
    figures = [flow.connection.tcp_info(each) for each in flow.connection.subflows()]
    return info.snd_una == info.write_seq and all(each.unacked == 0 for each in figures)
