"""What wirefilter is told for what a link declares, and what it cannot do."""

import pytest

from lab.errors import Unsupported
from lab.hop.wirefilter_terms import NOTHING, Terms, check
from lab.model import Bursts, Direction


def told(there, back):
    """The commands for each process."""
    return [list(terms.commands()) for terms in Terms.of(Direction(**there), Direction(**back))]


def test_equal_delays_are_one_process():
    assert told({"delay": 0.03}, {"delay": 0.03, "loss": 0.001}) == [
        [
            *("delay LR30.5", "lostburst LR0", "loss LR0", "dup LR0"),
            *("delay RL30.5", "lostburst RL0", "loss RL0.1", "dup RL0"),
        ]
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
    (commands,) = told({"delay": 0.01, "jitter": 0.002}, {"loss": 0.5})

    assert commands[0] == "delay LR10.5+2U"
    assert (commands[4], commands[6]) == ("delay RL0", "loss RL50")


def test_normal_jitter_is_told_as_three_standard_deviations():
    (commands,) = told({"delay": 0.06, "jitter": 0.01, "distribution": "normal"}, {})

    assert commands[0] == "delay LR60.5+30N"


def test_bursts_are_told_by_their_length_and_the_share_lost():
    (commands,) = told({"loss": Bursts(enter="1 %", leave="20 %")}, {"duplicate": 0.02})

    assert commands[1:3] == ["lostburst LR5", "loss LR4.761904762"]
    assert commands[7] == "dup RL2"


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

    assert [each for each in now.commands() if "delay" in each] == ["delay LR0.5", "delay RL0"]


@pytest.mark.parametrize(
    ("direction", "said"),
    [
        (Direction(delay=0.0005), "a delay of 500 us, and wirefilter counts whole milliseconds"),
        (Direction(delay=0.01, jitter=0.0015), "a jitter of 1.5 ms, and wirefilter counts whole"),
        (Direction(delay=0.01, jitter=0.002, distribution="normal"), "normal jitter of more than"),
        (Direction(delay=0.01, jitter=0.001, distribution="pareto"), "jitter as pareto, and .* un"),
        (Direction(loss=Bursts(enter="1 %", leave="9 %", bad="9 %")), "bursts with losses other"),
        (Direction(loss=Bursts(enter="1 %", leave="9 %", good="9 %")), "bursts with losses other"),
        (Direction(duplicate=1.0), "every packet to come twice"),
        (Direction(delay=0.01, reorder=0.1), "reordering, and wirefilter keeps all"),
        (Direction(corrupt=0.1), "corruption of packets, and wirefilter counts"),
    ],
)
def test_what_it_cannot_do_exactly_is_named(direction, said):
    with pytest.raises(Unsupported, match=f"link 'wifi' declares {said}"):
        check("wifi", direction)
