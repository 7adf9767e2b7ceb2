"""A link that changes while packets pass it: what is declared anew holds, and no packet suffers."""

import time

import pytest

from lab.build import Network
from lab.errors import Unsupported, UsageError
from lab.fidelity import statistics
from lab.fidelity.budget import SCENARIO
from lab.fidelity.probe import SMALLEST
from lab.fidelity.way import Way
from lab.load import loads
from lab.timeline import Reshape, at, play

pytestmark = pytest.mark.timing

CHANGING = """
topology: 1
name: changing
hosts: {client: {}, server: {}}
links:
  wire:
    ends: [client:wire, server:wire]
    subnet: 10.0.1.0/24
    rate: 1 Mbit/s
    queue: 2000 packets
    delay: 20 ms
"""

SENT = 800
BURST = 3028
"""bytes that the shaper of such rates may let pass at once"""


def half_way(one, other):
    """A bound that tells the two hypotheses apart."""
    return (one + other) / 2


@pytest.fixture
def streamed():
    """Send numbered packets, one each millisecond, while steps are played; what came of them."""

    def run(*steps):
        with (
            Network(loads(CHANGING, "changing.yaml")) as network,
            Way(
                network.node("client"), network.node("server"), "wire",
                network.topology.link("wire").there, SCENARIO,
            ) as way,
            play(network, *steps) as playing,
        ):  # fmt: skip
            began = time.monotonic()
            for number in range(SENT):
                way.send(number)
                time.sleep(max(0.0, began + number * 0.001 - time.monotonic()))
            made = [playing.wait(step) for step in steps]
            end = time.monotonic() + 30
            while way.look() or not way.complete:
                assert time.monotonic() < end, "packets are missing"
                time.sleep(0.01)
            return way.take(), *made

    return run


def numbers(seen):
    """Of the packets that arrived, in the order of their arrival."""
    return [number for _, number in seen.arrived]


def delays(seen, made):
    """Seconds under way, of the packets that left before the change began and after it was made."""
    taken = [(sent, time - sent) for time, number in seen.arrived for sent in [seen.sent[number]]]
    before = [delay / 1e9 for sent, delay in taken if sent / 1e9 < made.began]
    after = [delay / 1e9 for sent, delay in taken if sent / 1e9 > made.ended]
    return statistics.quantile(before, 0.5), statistics.quantile(after, 0.5)


def test_a_rate_falls_below_what_is_sent_and_rises(streamed):
    """Packets queue up at the new rate, and leave at the next one: all of them, in their order."""
    seen, slower, faster = streamed(
        at("0.2 s", Reshape("wire", rate="240 kbit/s")),
        at("0.6 s", Reshape("wire", rate="2 Mbit/s")),
    )

    assert numbers(seen) == list(range(SENT))
    waiting = [each for each in statistics.busy_stretch(seen, 25e6)
               if slower.ended * 1e9 < each.time < faster.began * 1e9]  # fmt: skip
    assert len(waiting) > 20, "packets did not wait for those before them"
    measured = statistics.rate(waiting, SMALLEST, BURST)
    assert 120_000 < measured < half_way(240_000, SMALLEST * 8 * 1000)


@pytest.mark.parametrize(("delay", "seconds"), [("60 ms", 0.06), ("5 ms", 0.005)])
def test_a_delay_changes(streamed, delay, seconds):
    """What is under way arrives, none overtakes it, and the next ones take the new time."""
    seen, made = streamed(at("0.3 s", Reshape("wire", delay=delay)))

    assert numbers(seen) == list(range(SENT))
    before, after = delays(seen, made)
    bound = half_way(0.02, seconds)
    assert (before < bound) == (seconds > 0.02)
    assert (after > bound) == (seconds > 0.02)


@pytest.mark.topology("two_paths")
def test_a_tcp_stream_does_not_notice_but_the_rate(flow, capture, timeline):
    """Each segment that the client sends arrives, in the order of sending, the slower ones too."""
    first = flow.first
    flow.wait_delivered("500 kB")
    slower = at("0.1 s", Reshape("wifi", rate="10 Mbit/s"))

    made = timeline(slower).wait(slower)
    seen = capture.until(
        "server", lambda seen: seen.arrived().on(first).after(made.time).payload() > 1_000_000
    )

    arrived = seen.arrived().on(first).with_payload()
    sent = capture.at("client").sent().on(first).with_payload()
    assert [each.seq for each in arrived] == [each.seq for each in sent][: len(arrived)]
    assert rate(arrived.before(made.began)) > half_way(10e6, 50e6) / 2
    assert rate(arrived.after(made.time + 0.1)) < half_way(10e6, 50e6)


def rate(trace):
    """Bits of payload per second."""
    return 8 * trace.payload() / (trace.end - trace.start)


MISTAKES = {
    "Reshape('wifi', rate='fast')": "rate: 'fast' needs a number and a unit",
    "Reshape('wifi', rte='1 Mbit/s')": r"to reshape named 'rte' \(did you mean 'rate'\?",
    "Reshape('wifi')": "nothing is to change: name a key, as in",
    "Reshape('wifi', direction='up', rate='1 Mbit/s')": "no direction 'up'",
    "Reshape('wfi', rate='1 Mbit/s')": r"no link 'wfi' \(did you mean 'wifi'",
}


@pytest.mark.topology("two_paths")
@pytest.mark.parametrize("written", MISTAKES)
def test_mistakes_are_told_before_the_beginning(net, written):
    """Each in a sentence, with the step where it stands."""
    change = eval(written, {"Reshape": Reshape})  # noqa: S307 - written above

    with pytest.raises(UsageError, match=MISTAKES[written]), play(net, at("9 s", change)):
        pytest.fail("it was played")


VARIED = """
topology: 1
name: varied
hosts: {client: {}, server: {}}
links:
  both:
    ends: [client:both, server:both]
    subnet: 10.0.1.0/24
    delay: 20 ms
  far:
    ends: [client:far, server:far]
    subnet: 10.0.2.0/24
    rate: 1 Mbit/s
    delay: 20 ms
"""

CONTRADICTING = {
    "Reshape('both', rate='1 Mbit/s')": "a rate can be changed where one is declared",
    "Reshape('both', queue='10 packets')": "a queue needs a rate in the same direction",
    "Reshape('both', jitter='21 ms')": "jitter of 21 ms exceeds the delay, 20 ms",
    "Reshape('far', reorder='1 %', delay='0 s')": "reordering needs a delay",
    "Reshape('far', queue='1 s')": "a queue of 100 packets cannot become one of 1 s",
}


@pytest.fixture
def varied():
    """A network with delays, on wirefilter."""
    with Network(loads(VARIED, "varied.yaml"), backend="wirefilter") as network:
        yield network


@pytest.mark.parametrize("written", CONTRADICTING)
def test_values_that_contradict_each_other(varied, written):
    """They would do nothing, or something else, if a link were told so."""
    change = eval(written, {"Reshape": Reshape})  # noqa: S307 - written above

    with pytest.raises(UsageError, match=CONTRADICTING[written]), play(varied, at("9 s", change)):
        pytest.fail("it was played")


LACKING = {
    "whole milliseconds": [Reshape("both", delay="1.5 ms")],
    "reordering": [Reshape("both", reorder="1 %")],
    "slowest": [Reshape("far", rate="8 bit/s")],
    "delay the two directions differently": [
        Reshape("both", delay="30 ms"),
        Reshape("both", delay="40 ms", direction="back"),
    ],
}


@pytest.mark.parametrize("reason", LACKING)
def test_what_the_backend_cannot_do_is_told_before_the_beginning(varied, reason):
    """Also if only an earlier step makes it so; nothing is played then."""
    steps = [at(f"{second + 1} s", change) for second, change in enumerate(LACKING[reason])]
    told = f"at {len(steps)} s, Reshape.*{reason}"

    with pytest.raises(Unsupported, match=told), play(varied, *reversed(steps)):
        pytest.fail("it was played")
