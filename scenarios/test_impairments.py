"""Each impairment, measured from the packets at both ends, in one direction and in the other.

What a backend cannot do is skipped, with the reason. Intervals are so wide that chance alone leaves
them once in a hundred thousand times, and times lie half-way to what would be without impairment.
"""

from contextlib import contextmanager
from math import sqrt
from statistics import median

import pytest
from probes import one_link

from lab import netns
from lab.hop import Changeable

MANY = 2000

SIGMAS = 4.5
"""standard deviations: once in 150,000 times a count lies further from its mean"""

VISIBLE = (2 + 20 + 8 + 64 - 2) / (14 + 20 + 8 + 64)
"""How much of a probe's frame is compared: not its Ethernet addresses, nor the UDP checksum."""


@pytest.fixture
def lay(request, tmp_path):
    """A link that declares so, and probes there and back."""
    return lambda declared: one_link(declared, tmp_path, request.config.option.backend)


def likely(share, count):
    """Whether ``count`` of MANY packets are what a share at random can be."""
    spread = SIGMAS * sqrt(share * (1 - share) * MANY)
    return abs(count - share * MANY) <= spread


def cross(probes, count=MANY, pause=0.0):
    """Send so many probes, and see what became of them."""
    probes.send(count, pause=pause)
    return probes.crossing()


def test_delay(lay):
    """Each direction has its own."""
    with lay("there: {delay: 20 ms}, back: {delay: 60 ms}") as (_, there, back):
        forth, home = (cross(probes, 50, pause=0.005) for probes in (there, back))

    assert min(forth.delays) > 0.018
    assert median(forth.delays) < 0.04
    assert min(home.delays) > 0.058
    assert median(home.delays) < 0.12
    assert forth.numbers == home.numbers == [*range(50)]


@pytest.mark.parametrize("distribution", ["uniform", "normal", "pareto", "paretonormal"])
def test_jitter(lay, distribution):
    """Delays spread around the declared one as far as declared; all packets stay in order."""
    declared = f"there: {{delay: 60 ms, jitter: 10 ms, distribution: {distribution}}}"
    with lay(declared) as (_, there, back):
        forth, home = (cross(probes, 150, pause=0.012) for probes in (there, back))

    spread = sorted(forth.delays)
    assert 0.05 < median(spread) < 0.07
    assert spread[-15] - spread[15] > 0.008, "eight of ten lie closer together"
    assert forth.numbers == home.numbers == [*range(150)]
    assert sorted(home.delays)[75] < 0.03


def test_uniform_jitter_stays_within_its_bounds(lay):
    """No packet is earlier than declared, and nearly none later."""
    with lay("there: {delay: 40 ms, jitter: 20 ms}") as (_, there, _):
        spread = sorted(cross(there, 150, pause=0.03).delays)

    assert 0.018 < spread[0] < 0.03
    assert 0.05 < spread[-15] < 0.07


def test_random_loss(lay):
    """A share of all packets, one by one."""
    with lay("there: {loss: 10 %}, back: {loss: 40 %}") as (_, there, back):
        forth, home = cross(there), cross(back)

    assert likely(0.1, MANY - len(forth.came))
    assert likely(0.4, MANY - len(home.came))
    assert bursts(forth) < 1.3


def bursts(crossing):
    """How many packets are lost one after another, in the mean."""
    came = set(crossing.numbers)
    lost = [number for number in crossing.sent if number not in came]
    begins = [number for number in lost if number - 1 not in lost]
    return len(lost) / len(begins)


def test_loss_in_bursts(lay):
    """As much as the two states take, and so many in a row."""
    with lay("there: {loss: {enter: 2 %, leave: 20 %}}") as (_, there, back):
        forth, home = cross(there, 3 * MANY), cross(back)

    # 9 % in bursts of 5: each packet says less of the share than if it were lost by itself.
    assert 0.043 < 1 - len(forth.came) / (3 * MANY) < 0.14
    assert 3 < bursts(forth) < 7
    assert home.numbers == [*range(MANY)]


def test_loss_that_differs_between_the_states(lay):
    """Some are lost in the good state, and some pass in the bad one."""
    with lay("there: {loss: {enter: 10 %, leave: 10 %, bad: 60 %, good: 10 %}}") as (_, there, _):
        forth = cross(there)

    assert 0.27 < 1 - len(forth.came) / MANY < 0.43


def test_duplication(lay):
    """A share of all packets comes more than once; all the others once."""
    with lay("there: {duplicate: 20 %}") as (_, there, back):
        forth, home = cross(there), cross(back)

    twice = {number for number in forth.numbers if forth.numbers.count(number) > 1}
    assert set(forth.numbers) == {*range(MANY)}
    assert likely(0.2, len(twice))
    assert home.numbers == [*range(MANY)]


def test_reordering(lay):
    """A share of all packets does not wait, and so comes before others."""
    with lay("there: {delay: 60 ms, reorder: 20 %}, back: {delay: 60 ms}") as (_, there, back):
        forth, home = (cross(probes, 200, pause=0.003) for probes in (there, back))

    early = [delay for delay in forth.delays if delay < 0.03]
    assert sorted(forth.numbers) == [*range(200)]
    assert forth.numbers != sorted(forth.numbers)
    assert 12 < len(early) < 68
    assert home.numbers == [*range(200)]


def test_corruption(lay):
    """A share of all packets has one inverted bit."""
    with lay("there: {corrupt: 20 %}") as (_, there, back):
        there.send(MANY)
        back.send(MANY)
        forth, home = there.whole(), back.whole()

    assert likely(0.2 * VISIBLE, MANY - forth)
    assert home == MANY


def test_mtu(lay):
    """A larger packet leaves in parts, none of them larger."""
    with lay("mtu: 1000 B") as (_, there, back):
        for probes in (there, back):
            probes.send(1, size=972)
            probes.send(1, size=973)
            assert probes.lengths() == [1000, *sorted([996, 25], reverse=True)]


@contextmanager
def neutral(link):
    """The same link, whose backend has been told to do nothing, whatever is declared."""
    with link as (net, there, back):
        hops = [hop for hop in net.wire("wifi").cable.hops if isinstance(hop, Changeable)]
        assert hops
        for hop in hops:
            with netns.entered(net.wire("wifi").cable.namespace):
                hop.neutralise()
        yield net, there, back


@pytest.mark.parametrize(
    "test",
    [test_delay, test_uniform_jitter_stays_within_its_bounds, test_random_loss,
     test_loss_in_bursts, test_duplication, test_reordering, test_corruption],
)  # fmt: skip
def test_each_measurement_notices_a_backend_that_does_nothing(lay, test):
    """For a measurement that would pass on any network measures nothing."""

    with pytest.raises(AssertionError):
        test(lambda declared: neutral(lay(declared)))
