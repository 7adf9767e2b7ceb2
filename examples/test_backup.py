"""What a second subflow is worth when it is a backup, and when it is not.

Each scenario takes the parameter ``backup`` and keeps the goodput, from the server's capture:
examples/backup.yaml runs them many times.
"""

import pytest

from lab.timeline import Blackhole, at

pytestmark = pytest.mark.topology("two_paths")


@pytest.fixture
def lte(flow, parameter):
    """The second subflow."""
    return flow.open_subflow("lte", backup=parameter("backup", False))


def keep_goodput(result, seen):
    """Keep what arrived on all subflows in a second, each byte counted once."""
    data = seen.with_payload()
    bits = 8 * sum(segment.payload for segment in data)
    result.figure("goodput", bits / (data.end - data.start), "bit/s", better="higher")


def test_a_long_transfer(flow, lte, capture, result):
    """10 MB with both subflows from the beginning."""
    flow.wait_delivered("10 MB")
    keep_goodput(result, capture.at("server").arrived())


@pytest.mark.flow(sender="server")
def test_a_download(flow, lte, capture, result):
    """10 MB from the server, which learns from MP_JOIN that the subflow is a backup."""
    flow.wait_delivered("10 MB")
    keep_goodput(result, capture.at("client").arrived())


def test_a_path_is_lost(flow, lte, capture, result, timeline):
    """Wi-Fi falls silent after a second and its subflow is given up; 2 MB more arrive over LTE."""
    lose = at("1 s", Blackhole("wifi"))
    timeline(lose).wait(lose)
    flow.connection.abort_subflow(flow.first)

    flow.wait_delivered_more("2 MB")

    keep_goodput(result, capture.at("server").arrived())
