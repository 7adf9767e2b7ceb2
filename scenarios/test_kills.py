"""A lab of which a process is killed at a random moment leaves nothing, and does not pass."""

import time
from typing import NamedTuple

import pytest
from left_behind import private_tmp, traces, wait_until_only
from victims import KINDS, TOPOLOGY, Everything, kill

pytestmark = pytest.mark.topology("two_paths")

OF_LAB, OF_PART = (None, "incomplete"), ("invalid", "failed")
"""The verdicts of a run that was killed, and of one that has lost a part; None: not even begun."""

BEGINNINGS = {"birth": 0.03, "start": 1.0}
"""seconds after the beginning of a process until which it is killed"""


class Size(NamedTuple):
    """How much is done."""

    kills: int
    kinds: tuple[str, ...]
    """which are killed in turn"""
    seconds: float
    """that the body of the scenario takes"""
    spans: dict[str, float]
    """of time until the kill: after the beginning of the body, or of what is killed"""

    @classmethod
    def of(cls, config):
        """Full with ``--soak``; else once each part, the first process and the innermost."""
        if config.getoption("soak"):
            return cls(200, KINDS, 2, BEGINNINGS | {"body": 2.5})
        kinds = tuple(kind for kind in KINDS if kind not in ("outside", "init"))
        return cls(len(kinds), kinds, 1, {"body": 1.3})


def pytest_generate_tests(metafunc):
    """As many kills as asked for; their moments come from each run's seed."""
    if "number" in metafunc.fixturenames:
        metafunc.parametrize("number", range(Size.of(metafunc.config).kills))


@pytest.fixture
def size(request):
    """How much is done."""
    return Size.of(request.config)


@pytest.fixture
def alone():
    """A thread whose ``/tmp`` nobody else writes to."""
    with private_tmp() as thread:
        yield lambda work, *arguments: thread.submit(work, *arguments).result()


@pytest.fixture
def everything(result, size):
    """Start the pytest with everything; each is ended."""
    started = []

    def start():
        started.append(Everything(result.directory / f"inner{len(started)}", size.seconds))
        return started[-1]

    yield start
    for each in started:
        each.end()


def killed(lab, kind, draw, spans):
    """Kill one of that kind at a random moment: whether it was needed; None if none was there."""
    since = draw.choice([*spans])
    lab.wait(lambda: lab.has("begun") if since == "body" else lab.of_kind(kind))
    time.sleep(draw.uniform(0, spans[since]))
    found = lab.of_kind(kind)
    if not found or not kill(draw.choice(found)):
        return None
    return not lab.has("ended")


def outcome(start, kind, draw, spans):
    """What came of a kill, once there was one: whether it was needed, the status, the pytest."""
    while True:
        before = traces()
        lab = start()
        needed = killed(lab, kind, draw, spans)
        status = lab.status()
        wait_until_only(before)
        if needed is not None:
            return needed, status, lab
        assert (status, lab.verdict()) == (0, "passed"), lab.said()


def test_a_kill_at_a_random_moment(alone, everything, result, size, number):
    """Whatever is killed, nothing is left; while it is needed, nothing passes."""
    kind = size.kinds[number % len(size.kinds)]

    needed, status, lab = alone(outcome, everything, kind, result.random, size.spans)
    verdict = lab.verdict()
    result.describe(kill={"kind": kind, "needed": needed, "status": status, "verdict": verdict})

    if needed:
        assert status != 0, lab.said()
        assert verdict in (OF_LAB if kind in KINDS[:4] else OF_PART), lab.said()
    assert status != 0 or verdict == "passed", lab.said()


def whole(start):
    """How many processes of each kind there are when nothing is killed, and the traces of all."""
    before = traces()
    lab = start()
    lab.wait(lambda: lab.has("begun"))
    there = {kind: len(lab.of_kind(kind)) for kind in KINDS}
    during = traces()
    assert (lab.status(), lab.verdict()) == (0, "passed"), lab.said()
    wait_until_only(before)
    return there, {what for what in during if during[what] != before[what]}


def test_without_a_kill(alone, everything):
    """The same passes; it has processes of every kind, which would be seen if they were left."""
    there, seen = alone(whole, everything)

    assert all(there.values()), there
    assert seen >= {"processes", "network namespaces"}


MOMENTS = """
import threading
from contextlib import suppress

def kill_one():
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # another one has ended
            if {victim!r} in process.read_bytes():
                os.kill(int(process.parent.name), signal.SIGKILL)
                return True
    return False

def kill_the_first(stopped):
    while not kill_one() and not stopped.wait(0.001):
        pass

@pytest.fixture
def first_moment():
    stopped = threading.Event()
    thread = threading.Thread(target=kill_the_first, args=(stopped,))
    thread.start()
    yield
    stopped.set()
    thread.join()

@pytest.mark.topology("everything.yaml")
@pytest.mark.parametrize("number", range({number}))
def test_last(net, capture, number):
    assert kill_one()

@pytest.mark.topology("everything.yaml")
@pytest.mark.parametrize("number", range({number}))
def test_first(first_moment, net, capture, number):
    pass
"""

VICTIMS = {
    "wirefilter": b"wirefilter\0-v",
    "relay": b"lab.middlebox.relay import",
    "recorder": b"server.pcap",
}
"""Part of their command lines."""


@pytest.mark.parametrize("victim", VICTIMS.values(), ids=VICTIMS)
def test_a_kill_in_the_first_and_in_the_last_moment(inner_pytest, request, victim):
    """While it starts, and as the last thing that the body of a test does: both are noticed."""
    number = 20 if request.config.getoption("soak") else 2
    said = inner_pytest(
        MOMENTS.format(victim=victim, number=number), "--backend", "wirefilter",
        files={"everything.yaml": TOPOLOGY},
    )  # fmt: skip

    assert {run["verdict"] for run in said.runs.values()} == {"invalid"}, said.text
    assert len(said.runs) == 2 * number
