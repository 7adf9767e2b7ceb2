"""Links are measured before scenarios use them; a run whose links miss is invalid."""

import re
from dataclasses import replace

import pytest
from pyroute2 import IPRoute

from lab import shape
from lab.build import Network
from lab.fidelity import budget, sending
from lab.fidelity.measuring import Place, measure
from lab.fidelity.way import Way
from lab.load import loads
from lab.model import Direction
from lab.units import Queue

pytestmark = pytest.mark.topology("two_paths")

SCENARIO = """
def test_it(client): pass
def test_again(client): pass
"""


def test_what_links_do_is_measured_and_kept(inner_pytest):
    """Once for all scenarios of a pytest; each run has the figures beside what is declared."""
    said = inner_pytest(SCENARIO, measured=True)

    assert {name: run["verdict"] for name, run in said.runs.items()} == {
        "test_it": "passed", "test_again": "passed",
    }, said.text  # fmt: skip
    first, second = (run["fidelity"]["links"] for run in said.runs.values())
    assert first == second
    for name, rate in {"wifi": 50_000_000, "lte": 20_000_000}.items():
        for way in ("there", "back"):
            figures = first[name][way]
            assert figures["rate"]["declared"] == rate
            assert figures["rate"]["measured"] == pytest.approx(rate, rel=0.05)
            assert figures["queue"]["measured"] == pytest.approx(rate / 8 / 5, rel=0.15)
            assert figures["loss"]["measured"] == 0


BROKEN = """
from lab import shape

exact = shape.token_bucket
shape.token_bucket = lambda rate, queue: exact({}, queue)
"""


@pytest.mark.parametrize(
    ("other", "measured"),
    [("rate * 4 // 5 // 8 * 8", r"(39|40)\.?\d*"), ("rate * 4", r"\d{3}\.?\d*")],
    ids=["too-slow", "too-fast"],
)
def test_a_backend_that_does_something_else(inner_pytest, other, measured):
    """A shaper that is set to another rate underneath makes each run with it invalid."""
    said = inner_pytest(BROKEN.format(other) + SCENARIO, measured=True)

    assert {run["verdict"] for run in said.runs.values()} == {"invalid"}, said.text
    sentence = rf"'wifi', (there|back): rate {measured} Mbit/s measured, 50 Mbit/s declared"
    assert re.search(sentence, said.text), said.text
    assert "the machine meanwhile: load " in said.text
    assert "passed" not in said.text.splitlines()[-1]
    assert said.status == 1


def test_measuring_that_is_switched_off(inner_pytest):
    """On request, and the run says so."""
    said = inner_pytest(BROKEN.format("rate * 4") + SCENARIO, "--no-measure")

    for run in said.runs.values():
        assert run["verdict"] == "passed"
        assert run["fidelity"] == {"measured": False, "reason": "--no-measure"}


HELD = """
topology: 1
name: held
hosts: {client: {}, server: {}}
links:
  wire: {ends: [client:wire, server:wire], subnet: 10.0.1.0/24}
"""


def test_a_queue_that_holds_its_senders_buffer_is_filled(monkeypatch):
    """Where packets that wait still count as the socket's, as they do at the sender's interface."""
    monkeypatch.setattr(sending, "BUFFER", 106_496)  # what Linux 6.1 gives
    patient = replace(budget.SCENARIO, fill=100.0)
    declared = Direction(rate=1_000_000, queue=Queue(bytes=1_200_000))
    with Network(loads(HELD, "held.yaml")) as network:
        client, server = network.node("client"), network.node("server")
        with client.stack(), IPRoute() as netlink:
            index = netlink.link_lookup(ifname="wire")[0]
            shape.apply(netlink, index, declared)
            with Way(client, server, "wire", declared, patient) as way:
                way.top_up(0.0)
                (tbf,) = (
                    each for each in netlink.get_qdiscs(index)
                    if each.get("TCA_KIND") == "tbf"
                )  # fmt: skip
    waiting = tbf.get("TCA_STATS2").get("TCA_STATS_QUEUE")["backlog"]
    assert waiting > half_way(190_000, 1_200_000)


def half_way(one, other):
    """A bound that tells the two hypotheses apart."""
    return (one + other) / 2


DISTANT = """
topology: 1
name: distant
hosts: {client: {}, server: {}}
links:
  wire: {ends: [client:wire, server:wire], subnet: 10.0.1.0/24, back: {delay: 200 s}}
"""


def test_a_delay_that_nobody_would_wait_for_is_not_measured():
    """And it says so."""
    figures = measure(loads(DISTANT, "distant.yaml"), budget.SCENARIO)

    (delay,) = figures[Place("wire", "back")].values()
    assert (delay.declared, delay.measured, delay.judged) == (200.0, None, False)
    assert "take longer than 10 s" in delay.note
    assert figures[Place("wire", "there")]["loss"].measured == 0


SHORT = """
topology: 1
name: short
hosts: {client: {}, server: {}}
links:
  wire:
    ends: [client:wire, server:wire]
    subnet: 10.0.1.0/24
    rate: 1 Mbit/s
    queue: 1 packets
"""


def test_the_rate_of_a_queue_in_which_one_packet_waits():
    """No packet waits behind another, and the rate is found all the same."""
    found = measure(loads(SHORT, "short.yaml"), budget.SCENARIO)

    for way in ("there", "back"):
        rate = found[Place("wire", way)]["rate"]
        assert rate.measured == pytest.approx(1_000_000, rel=0.03), rate
