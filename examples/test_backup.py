"""What a second subflow is worth when it is a backup, and when it is not.

Each scenario takes the parameter ``backup``: examples/backup.yaml runs them many times. Goodput is
among the figures that every run has, from its captures.
"""

import pytest

from lab.timeline import Blackhole, at

pytestmark = pytest.mark.topology("two_paths")


@pytest.fixture
def lte(flow, parameter):
    """The second subflow."""
    return flow.open_subflow("lte", backup=parameter("backup", False))


def test_a_long_transfer(flow, lte):
    """10 MB with both subflows from the beginning."""
    flow.wait_delivered("10 MB")


@pytest.mark.flow(sender="server")
def test_a_download(flow, lte):
    """10 MB from the server, which learns from MP_JOIN that the subflow is a backup."""
    flow.wait_delivered("10 MB")


def test_a_path_is_lost(flow, lte, timeline):
    """Wi-Fi falls silent after a second and its subflow is given up; 2 MB more arrive over LTE."""
    lose = at("1 s", Blackhole("wifi"))
    timeline(lose).wait(lose)
    flow.connection.abort_subflow(flow.first)

    flow.wait_delivered_more("2 MB")
