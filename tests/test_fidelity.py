"""What the times of packets tell of a link: known answers, and answers to links made of numbers."""

import random
import re
from collections.abc import Callable

import pytest

from lab.fidelity import figures, statistics
from lab.fidelity.bench import bench
from lab.fidelity.budget import SCENARIO, THOROUGH
from lab.fidelity.probe import HEADERS, Passed, Seen, payload, seen
from lab.load import loads
from lab.model import Direction
from lab.model.bursts import Bursts
from lab.units import Queue

FRAME = 1514
MS = 1_000_000


def passed(number: int, time: int, alter: Callable[[bytearray], None] = lambda _: None) -> Passed:
    frame = bytearray(HEADERS) + payload(number, 100)
    alter(frame)
    return Passed(time, bytes(frame[:62]))


def token_bucket(rate, queue, burst, count, every, late=lambda: 0):
    """A train through a token bucket, as Seen: ``count`` frames, one each ``every`` ns.

    Or so many at once each so many ns, where ``every`` is a pair.
    """
    at_once, pause = every if isinstance(every, tuple) else (1, every)
    period = FRAME * 8e9 / rate
    tokens, clock, free = burst, 0.0, []
    sent, arrived = {}, []
    for number in range(count):
        now = number // at_once * pause
        sent[number] = now
        waiting = sum(1 for time in free[-queue - 1 :] if time > now)
        if waiting >= queue:
            continue
        start = max(now, free[-1] if free else 0)
        tokens = min(burst, tokens + (start - clock) / period * FRAME)
        clock = start
        if tokens < FRAME:
            clock += (FRAME - tokens) / FRAME * period
            tokens = FRAME
        tokens -= FRAME
        free.append(clock)
        arrived.append((round(clock + late()), number))
    return Seen(sent, tuple(sorted(arrived)))


@pytest.mark.parametrize("rate", [1_000_000, 50_000_000, 1_000_000_000])
def test_a_rate_is_read_from_a_train(rate):
    burst = figures.ahead(rate)
    period = FRAME * 8e9 / rate
    train = token_bucket(rate, 100, burst, 400, period / 3)

    measured = statistics.rate(statistics.busy_stretch(train, 0), FRAME, burst)

    assert measured == pytest.approx(rate, rel=0.002)


def test_a_rate_in_spite_of_packets_that_come_late():
    drawn = random.Random(1)  # noqa: S311 - not for secrets
    rate = 20_000_000
    train = token_bucket(
        rate, 100, 3028, 400, 200_000, lambda: drawn.expovariate(1 / (0.3 * MS)) if drawn else 0
    )

    measured = statistics.rate(statistics.busy_stretch(train, 0), FRAME, 3028)

    assert measured == pytest.approx(rate, rel=0.01)


def test_an_idle_link_tells_no_rate():
    train = token_bucket(50_000_000, 100, 3028, 200, 5 * MS)

    assert statistics.rate(statistics.busy_stretch(train, 0), FRAME, 3028) is None
    assert statistics.throughput(train, FRAME, 3028) == pytest.approx(FRAME * 8 * 200, rel=0.02)


def test_a_stretch_ends_where_the_link_was_idle():
    sent = {0: 0, 1: 0, 2: 0, 3: 100 * MS, 4: 100 * MS}
    arrived = ((10 * MS, 0), (20 * MS, 1), (30 * MS, 2), (110 * MS, 3), (120 * MS, 4))

    stretch = statistics.busy_stretch(Seen(sent, arrived), 5 * MS)

    assert [each.time for each in stretch] == [10 * MS, 20 * MS, 30 * MS]
    assert [each.wait for each in stretch] == [5 * MS, 15 * MS, 25 * MS]


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [
        (100, 0.0, (0, 0)),
        (100, 1.0, (100, 100)),
        # Tables of the binomial distribution: quantiles at 0.005 and 0.995.
        (100, 0.5, (37, 63)),
        (1000, 0.01, (3, 19)),
        (20, 0.1, (0, 6)),
    ],
)
def test_how_many_packets_may_be_hit(count, share, expected):
    assert statistics.tolerated(count, share) == expected


def test_99_in_100_lie_in_the_interval():
    drawn = random.Random(2)  # noqa: S311 - not for secrets
    least, most = statistics.tolerated(300, 0.05)

    hits = [sum(drawn.random() < 0.05 for _ in range(300)) for _ in range(2000)]

    inside = sum(least <= each <= most for each in hits)
    assert 0.98 < inside / 2000 <= 1


def test_bursts_widen_the_interval():
    narrow = statistics.widened(1000, 0.05, 1)
    wide = statistics.widened(1000, 0.05, 9)

    assert narrow == pytest.approx(statistics.tolerated(1000, 0.05), abs=2)
    assert wide[1] - 50 == pytest.approx(3 * (narrow[1] - 50), abs=2)


@pytest.mark.parametrize(("enter", "leave"), [(0.02, 0.2), (0.1, 0.5), (0.3, 0.9)])
def test_how_much_bursts_widen_the_interval(enter, leave):
    """As in many runs of the model, drawn."""
    bursts = Bursts.model_construct(enter=enter, leave=leave, bad=1.0, good=0.0)
    drawn = random.Random(5)  # noqa: S311 - not for secrets
    hits = []
    bad = False
    for _ in range(600):
        lost = 0
        for _ in range(300):
            bad = drawn.random() < (1 - leave if bad else enter)
            lost += bad
        hits.append(lost)

    share = bursts.average
    expected = figures.burstiness(bursts) * 300 * share * (1 - share)
    mean = sum(hits) / len(hits)
    assert mean == pytest.approx(300 * share, rel=0.05)
    assert sum((each - mean) ** 2 for each in hits) / len(hits) == pytest.approx(expected, rel=0.2)


def test_the_spread_of_a_known_jitter():
    assert statistics.spread([1.0, 2.0, 3.0, 4.0, 5.0]) == 2.0
    assert statistics.quantile([4.0, 1.0], 0.5) == 2.5
    drawn = random.Random(3)  # noqa: S311 - not for secrets
    uniform = [drawn.uniform(8, 12) for _ in range(5000)]
    normal = [drawn.gauss(10, 2) for _ in range(5000)]
    for kind, values in (("uniform", uniform), ("normal", normal)):
        assert statistics.spread(values) / figures.QUARTILES[kind] == pytest.approx(2, rel=0.05)


def test_packets_are_found_again():
    """Lost, repeated, altered, foreign: each is told apart."""

    def flip(frame: bytearray) -> None:
        frame[20] ^= 1

    def checksum(frame: bytearray) -> None:
        frame[40:42] = b"\x12\x34"

    out = [passed(number, 10 * number) for number in range(5)]
    foreign = Passed(3, b"\0" * 62)
    back = [passed(1, 15), passed(0, 17, checksum), passed(0, 18), passed(2, 25, flip)]

    found = seen([*out, foreign], back)

    assert found.sent == {0: 0, 1: 10, 2: 20, 3: 30, 4: 40}
    assert found.arrived == ((15, 1), (17, 0), (18, 0))
    assert (found.lost, found.repeated, found.altered) == (2, 1, 1)
    assert found.delays() == [5, 17]


def probes(delays, lost=0):
    sent = dict.fromkeys(range(len(delays) + lost), 0)
    arrived = tuple(sorted((round(delay * 1e9), number) for number, delay in enumerate(delays)))
    return Seen(sent, arrived)


def judged(direction, found):
    return {each.name: each for each in figures.of_probes(direction, found, SCENARIO)}


def test_a_delay_is_judged_by_its_median():
    direction = Direction(delay=0.1)

    late = judged(direction, probes([0.1] * 60 + [0.5] * 40))
    wrong = judged(direction, probes([0.12] * 100))

    assert late["delay"].kept
    assert not wrong["delay"].kept
    assert wrong["delay"].measured == pytest.approx(0.12)


def test_no_loss_is_a_promise():
    direction = Direction(delay=0.01)

    assert judged(direction, probes([0.01] * 100))["loss"].kept
    assert not judged(direction, probes([0.01] * 99, lost=1))["loss"].kept
    lossy = Direction(delay=0.01, loss=0.1)
    assert judged(lossy, probes([0.01] * 90, lost=10))["loss"].kept
    assert not judged(lossy, probes([0.01] * 100))["loss"].kept
    assert not judged(lossy, probes([0.01] * 70, lost=30))["loss"].kept


def test_jitter_that_is_not_there():
    direction = Direction(delay=0.05, jitter=0.02)
    drawn = random.Random(4)  # noqa: S311 - not for secrets

    there = judged(direction, probes([drawn.uniform(0.03, 0.07) for _ in range(150)]))
    absent = judged(direction, probes([0.05] * 150))

    assert there["jitter"].kept
    assert not absent["jitter"].kept


def of_train(direction, train, budget=SCENARIO):
    return {each.name: each for each in figures.of_train(direction, train, FRAME, 0, budget)}


def test_rate_and_queue_of_a_train():
    direction = Direction(rate=10_000_000, queue=Queue(packets=50))

    right = of_train(direction, token_bucket(10_000_000, 50, 3028, 200, MS / 3), THOROUGH)
    slow = of_train(direction, token_bucket(8_000_000, 50, 3028, 200, MS / 3))
    short = of_train(direction, token_bucket(10_000_000, 30, 3028, 200, MS / 3))

    assert right["rate"].kept, right
    assert right["queue"].kept, right
    assert not slow["rate"].kept
    assert short["rate"].kept
    assert not short["queue"].kept


ONE = Direction(rate=10_000_000, queue=Queue(packets=1))
FIVE_AT_ONCE = (5, 2 * MS)
"""three times as many as pass, from a sender that comes every 2 ms"""


@pytest.mark.parametrize("every", [MS / 3, FIVE_AT_ONCE])
@pytest.mark.parametrize(
    ("actual", "kept"),
    [(10_000_000, True), (9_000_000, False), (11_000_000, False), (12_000_000, False)],
)
def test_a_queue_so_short_that_no_packet_waits_behind_another(every, actual, kept):
    """The link is idle between any two packets, and as fast all the same as its file says."""
    train = token_bucket(actual, 1, 3028, 1000, every)

    rate = of_train(ONE, train)["rate"]

    assert rate.measured == pytest.approx(actual, rel=0.02)
    assert rate.kept is kept


def test_one_packet_at_a_low_rate():
    """It waits long, and none behind it."""
    direction = Direction(rate=1_000_000, queue=Queue(packets=1))

    rate = of_train(direction, token_bucket(1_000_000, 1, 3028, 100, (1, 5 * MS)))["rate"]

    assert rate.kept, rate


def test_a_short_queue_that_was_not_fed():
    """Each pause was longer than the bucket keeps what is not sent: nothing is known."""
    rate = of_train(ONE, token_bucket(10_000_000, 1, 3028, 500, (5, 6 * MS)))["rate"]

    assert rate.measured is None
    assert not rate.kept


def test_a_short_queue_that_no_sender_could_feed():
    direction = Direction(rate=50_000_000, queue=Queue(packets=1))

    rate = of_train(direction, token_bucket(50_000_000, 1, 6250, 2000, (25, 2 * MS)))["rate"]

    assert rate.measured is None
    assert rate.kept
    assert "too little" in rate.note


def test_a_link_that_shapes_nothing():
    direction = Direction(rate=10_000_000)
    at_once = Seen(
        {n: n * 1000 for n in range(300)}, tuple((n * 1000 + 500, n) for n in range(300))
    )

    rate = of_train(direction, at_once)["rate"]

    assert not rate.kept
    assert rate.measured > 1e9
    assert rate.note == "packets pass as fast as they are sent"


@pytest.mark.parametrize(("declared", "kept"), [(50_000_000, False), (1_000_000_000, True)])
def test_a_link_that_could_not_be_filled(declared, kept):
    """Of a fast link that is the machine's fault, and of a slow one it tells nothing good."""
    thin = Seen({n: n * MS for n in range(100)}, tuple((n * MS + 5, n) for n in range(100)))

    rate = of_train(Direction(rate=declared), thin)["rate"]

    assert rate.measured is None
    assert rate.kept is kept
    assert re.fullmatch(r"the machine sent too little, [0-9.]+ Mbit/s, to fill it", rate.note)


def test_a_queue_that_takes_too_long_to_fill():
    direction = Direction(rate=1_000_000, queue=Queue(seconds=3.0))

    queue = of_train(direction, token_bucket(1_000_000, 20, 3028, 100, MS))["queue"]

    assert queue.measured is None
    assert queue.kept
    assert "longer than 0.5 s" in queue.note


def test_links_that_are_alike_are_measured_once():
    topology = loads(
        """
topology: 1
name: many
hosts: {client: {}, server: {}}
links:
  one: {ends: [client:one, server:one], subnet: 10.0.1.0/24, rate: 1 Mbit/s}
  two: {ends: [client:two, server:two], subnet: 10.0.2.0/24, rate: 1 Mbit/s}
  other: {ends: [client:other, server:other], subnet: 10.0.3.0/24, there: {rate: 1 Mbit/s}}
  none: {ends: [client:none, server:none], subnet: 10.0.4.0/24}
  box: {ends: [client:box, server:box], subnet: 10.0.5.0/24, middlebox: [{strip: {option: 30}}]}
""",
        "many.yaml",
    )

    measured = bench(topology)

    assert len(measured.links) == 2
    assert "other" in measured.links
    assert not {"none", "box"} & set(measured.links)
    for link in measured.links.values():
        assert len(topology_ends(measured, link)) == 2


def topology_ends(topology, link):
    return [topology.hosts[end.node] for end in link.ends]
