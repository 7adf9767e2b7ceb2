"""What wirefilter is told for what a link declares, and what it cannot do."""

import pytest

from lab.errors import Unsupported
from lab.hop.wirefilter_terms import NOTHING, Terms, check
from lab.model import Direction


def told(there, back):
    """The commands for each process."""
    return [list(terms.commands()) for terms in Terms.of(Direction(**there), Direction(**back))]


def test_equal_delays_are_one_process():
    assert told({"delay": 0.03}, {"delay": 0.03, "loss": 0.001}) == [
        ["delay LR30.5", "loss LR0", "delay RL30.5", "loss RL0.1"]
    ]


@pytest.mark.parametrize(
    ("there", "back"),
    [
        ({"delay": 0.01}, {"delay": 0.02}),
        ({"delay": 0.01}, {"delay": 0.01, "jitter": 0.002}),
        ({"delay": 0.01, "jitter": 0.002}, {"delay": 0.01, "jitter": 0.002}),
    ],
)
def test_directions_that_delay_differently_are_two_processes(there, back):
    first, second = Terms.of(Direction(**there), Direction(**back))

    assert (first.there, first.back) == (Direction(**there), NOTHING)
    assert (second.there, second.back) == (NOTHING, Direction(**back))


def test_one_direction_that_delays_is_one_process():
    assert told({"delay": 0.01, "jitter": 0.002}, {"loss": 0.5}) == [
        ["delay LR10.5+2U", "loss LR0", "delay RL0", "loss RL50"]
    ]


def test_each_process_keeps_to_its_direction():
    there, back = Direction(delay=0.02), Direction(delay=0.03)

    changed = [terms.changed(there, back) for terms in Terms.of(Direction(delay=0.01), back)]

    assert changed == list(Terms.of(there, back))


def test_one_process_does_not_begin_to_delay_differently():
    (terms,) = Terms.of(Direction(delay=0.01), Direction(delay=0.01))

    assert terms.changed(Direction(delay=0.5), Direction(delay=0.5)).there.delay == 0.5
    for there in (Direction(delay=0.02), Direction(delay=0.01, jitter=0.001), NOTHING):
        with pytest.raises(Unsupported, match="declare different delays, or jitter, in the topo"):
            terms.changed(there, Direction(delay=0.01))


def test_what_was_delayed_stays_in_order_without_delay():
    (terms,) = Terms.of(Direction(delay=0.01), NOTHING)

    now = terms.changed(Direction(), NOTHING)

    assert list(now.commands()) == ["delay LR0.5", "loss LR0", "delay RL0", "loss RL0"]


@pytest.mark.parametrize(
    ("direction", "said"),
    [
        (Direction(delay=0.0005), "a delay of 500 us, and wirefilter counts whole milliseconds"),
        (Direction(delay=0.01, jitter=0.0015), "a jitter of 1.5 ms, and wirefilter counts whole"),
    ],
)
def test_what_it_cannot_do_exactly_is_named(direction, said):
    with pytest.raises(Unsupported, match=f"link 'wifi' declares {said}"):
        check("wifi", direction)
