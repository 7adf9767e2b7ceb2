"""What a wire is told to do, and what it cannot."""

import pytest

from lab.errors import Unsupported, UsageError
from lab.model import Direction
from lab.shape import check, require_alike, token_bucket
from lab.units import Queue


def test_a_queue_of_bytes_or_time_has_that_room():
    by_bytes = token_bucket(80_000_000, Queue(bytes=64_000))
    by_time = token_bucket(80_000_000, Queue(seconds=0.05))

    assert by_bytes == {"rate": 10_000_000, "burst": 10_000, "limit": 64_000}
    assert by_time == {"rate": 10_000_000, "burst": 10_000, "limit": 500_000}


def test_a_slow_link_can_still_send_a_whole_frame():
    assert token_bucket(100_000, Queue(packets=10))["burst"] == 2 * 1514


@pytest.mark.parametrize("queue", [Queue(bytes=1513), Queue(seconds=0.001)])
def test_a_queue_with_no_room_for_a_frame_is_refused(queue):
    with pytest.raises(Unsupported, match=f"declares a queue of {queue}, .* declare a larger"):
        check("wifi", Direction(rate=12_104_000, queue=queue))


@pytest.mark.parametrize("queue", [Queue(bytes=1514), Queue(seconds=0.001), Queue(packets=1)])
def test_a_queue_with_room_for_one_frame_is_accepted(queue):
    check("wifi", Direction(rate=12_112_000, queue=queue))


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({}, {"rate": 1_000_000}, "neither begin nor end"),
        ({"rate": 1_000_000}, {}, "neither begin nor end"),
        (
            {"rate": 1_000_000},
            {"rate": 1_000_000, "queue": Queue(bytes=9000)},
            "a queue of 100 packets cannot become one of 9 kB: .* Keep to packets",
        ),
    ],
)
def test_a_change_for_which_packets_would_be_lost_is_refused(before, now, said):
    with pytest.raises(UsageError, match=said):
        require_alike(Direction(**before), Direction(**now))


@pytest.mark.parametrize(
    "direction",
    [
        Direction(rate=40_000_000_000),
        Direction(rate=100_000_000, queue=Queue(seconds=3600.0)),
    ],
)
def test_a_number_that_the_shaper_cannot_count_is_refused(direction):
    with pytest.raises(Unsupported, match="more than it can count"):
        check("wifi", direction)


def test_a_rate_at_which_no_burst_of_a_frame_can_be_counted_is_refused():
    with pytest.raises(Unsupported, match=r"5\.648 kbit/s is the slowest"):
        check("wifi", Direction(rate=5640))


@pytest.mark.parametrize("rate", [5648, 1_000_000, 1_000_000_000, 34_000_000_000])
def test_usual_rates_are_accepted(rate):
    check("wifi", Direction(rate=rate))
