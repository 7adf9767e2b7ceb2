"""A wire that changes, falls silent or breaks while packets are on it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from probes import one_link

import lab.flow
from lab.errors import ScenarioFailed, UsageError
from lab.flow import Flow

ALL = 200


@pytest.fixture
def lay(request, tmp_path):
    """A link that declares so, and probes there and back."""
    return lambda declared: one_link(declared, tmp_path, request.config.option.backend)


@pytest.mark.parametrize(
    "declared", ["rate: 50 Mbit/s", "delay: 5 ms", "delay: 5 ms, rate: 50 Mbit/s"]
)
def test_what_a_blocked_direction_loses(lay, declared):
    """All that is sent meanwhile, and nothing of what goes the other way or comes later."""
    with lay(declared) as (net, there, back):
        back.send(ALL)
        back.mark()
        net.wire("wifi").block("back")
        back.send(ALL)
        there.send(ALL)
        silent = back.seen_until_now()
        net.wire("wifi").unblock("back")
        back.send(ALL)

        assert there.crossing().numbers == [*range(ALL)]
        assert silent.numbers == [*range(ALL)]
        assert back.crossing().numbers == [*range(ALL), *range(2 * ALL, 3 * ALL)]


@pytest.mark.parametrize(
    ("declared", "changes"),
    [
        ("delay: 200 ms", [{"delay": 0.0}, {"delay": 0.1}, {"delay": 0.01}]),
        ("rate: 20 Mbit/s, queue: 400 packets", [{"rate": 2_000_000}, {"rate": 90_000_000}]),
        ("rate: 20 Mbit/s, queue: 1 s", [{"rate": 2_000_000}, {"rate": 90_000_000}]),
    ],
)
def test_a_change_loses_no_packet_and_lets_none_overtake(lay, declared, changes):
    """However many are on the way then."""
    with lay(declared) as (net, there, back):
        for each in changes:
            there.send(50)
            back.send(50)
            net.wire("wifi").reshape(**each)
        there.send(50)
        back.send(50)

        for probes in (there, back):
            assert probes.crossing().numbers == [*range(50 * len(changes) + 50)]


def test_a_change_of_one_direction(lay):
    """The other one keeps its delay."""
    with lay("delay: 40 ms, back: {jitter: 1 ms}") as (net, there, back):
        net.wire("wifi").reshape("there", delay=0.002)
        there.send(20, pause=0.005)
        back.send(20, pause=0.005)

        assert sorted(there.crossing().delays)[10] < 0.02
        assert min(back.crossing().delays) > 0.02


def test_what_cannot_be_changed(lay):
    """A link that declares nothing has no wire; and one without impairments nothing to do them."""
    with (
        lay("addresses: {}") as (net, _, _),
        pytest.raises(UsageError, match="link 'wifi' declares nothing"),
    ):
        net.wire("wifi").block()
    with (
        lay("rate: 10 Mbit/s") as (net, _, _),
        pytest.raises(UsageError, match="declares a rate and no impairment"),
    ):
        net.wire("wifi").reshape(delay=0.01)


def test_questions_from_several_threads(lay):
    """A timeline asks whether a link does what it should, while the scenario does: each is told."""
    with (
        lay("delay: 1 ms, middlebox: [{sequence: {}}]") as (net, _, _),
        ThreadPoolExecutor(4) as threads,
    ):
        asked = [threads.submit(net.trouble) for _ in range(400)]

        assert {each.result() for each in asked} == {None}


@pytest.mark.topology("two_paths")
def test_a_flow_in_a_silent_network(net, client, server, topology, result, monkeypatch):
    """It says so, instead of waiting for as long as the kernel tries to connect."""
    monkeypatch.setattr(lab.flow, "PATIENCE", 0.3)
    net.wire("wifi").block()

    expected = "client and server had no connection after 0.3 s"
    with pytest.raises(ScenarioFailed, match=expected), Flow(client, server, topology, result):
        pass


KILLED = """
    @pytest.mark.topology(HANDOVER)
    @pytest.mark.parametrize("goes_on", [True, False])
    def test_it(flow, goes_on):
        flow.wait_delivered("50 kB")
        for process in Path("/proc").glob("[0-9]*/comm"):
            if process.read_text() == "wirefilter\\n":
                os.kill(int(process.parent.name), signal.SIGKILL)
        assert goes_on, "what the scenario says is not what counts"
"""


@pytest.mark.topology("two_paths")
def test_a_wirefilter_that_is_killed(inner_pytest):
    """The run is invalid, whether its scenario passes or fails."""
    said = inner_pytest(KILLED, "--backend", "wirefilter")

    assert sorted(said.runs) == ["test_it[False]", "test_it[True]"], said.text
    for run in said.runs.values():
        assert run["verdict"] == "invalid"
        assert "link 'wifi': wirefilter ended with status -9" in run["reason"]
    assert "2 invalid" in said.text
    assert said.status == 1
