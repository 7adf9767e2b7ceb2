"""What a wire is told to do, and what it cannot."""

import pytest

from lab.errors import Unsupported
from lab.model import Direction
from lab.shape import check, token_bucket
from lab.units import Queue


def test_a_queue_of_bytes_or_time_waits_beside_the_burst():
    by_bytes = token_bucket(80_000_000, Queue(bytes=64_000))
    by_time = token_bucket(80_000_000, Queue(seconds=0.05))

    assert by_bytes == {"rate": 10_000_000, "burst": 10_000, "limit": 74_000}
    assert by_time == {"rate": 10_000_000, "burst": 10_000, "limit": 510_000}


def test_a_slow_link_can_still_send_a_whole_frame():
    assert token_bucket(100_000, Queue(packets=10))["burst"] == 2 * 1514


@pytest.mark.parametrize("declared", [{"delay": 0.01}, {"jitter": 0.001}, {"loss": 0.1}])
def test_what_cannot_be_emulated_is_named(declared):
    (name,) = declared

    with pytest.raises(Unsupported, match=f"link 'wifi' declares {name}"):
        check("wifi", Direction(**declared))


@pytest.mark.parametrize(
    "direction",
    [
        Direction(rate=8),
        Direction(rate=40_000_000_000),
        Direction(rate=100_000_000, queue=Queue(seconds=3600.0)),
    ],
)
def test_a_number_that_the_shaper_cannot_count_is_refused(direction):
    with pytest.raises(Unsupported, match="more than it can count"):
        check("wifi", direction)


@pytest.mark.parametrize("rate", [100, 1_000_000, 1_000_000_000, 34_000_000_000])
def test_usual_rates_are_accepted(rate):
    check("wifi", Direction(rate=rate))
