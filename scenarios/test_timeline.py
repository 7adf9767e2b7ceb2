"""A network that changes while data flows: what was played happened, and when it is said to."""

import json
import time
from itertools import pairwise

import pytest

from lab.errors import Unsupported, UsageError
from lab.timeline import (
    AddressGained,
    AddressLost,
    Blackhole,
    Cut,
    LinkDown,
    LinkUp,
    Reshape,
    Restore,
    at,
    play,
)
from mptcpapi import EventKind

pytestmark = pytest.mark.topology("two_paths")

IN_FLIGHT = 0.3
"""seconds in which what had left a link before its cut may still come on a busy machine; without
the cut, packets would come in each millisecond, and more than half of all data"""


def backup_from_its_syn(flow):
    """Nothing is to be sent on it from its beginning on."""
    return flow.open_subflow("lte", backup=True)


def backup_by_mp_prio(flow):
    """It carries data, until MP_PRIO asks for no more."""
    lte = flow.open_subflow("lte")
    flow.wait_delivered_more("100 kB")
    flow.connection.set_backup(lte, True)
    return lte


def flags(node, interface):
    """What the kernel of a node says of an interface: UP, LOWER_UP or NO-CARRIER, …"""
    (shown,) = json.loads(node.run("ip", "-json", "link", "show", "dev", interface))
    return shown["flags"]


def carried(capture, subflow, since):
    """Wait until a subflow has carried data at a time when nothing can be in flight any more."""
    return capture.until(
        "server",
        lambda seen: seen.arrived().on(subflow).after(since + IN_FLIGHT).payload() > 100_000,
        timeout=30,
    )


def sees_no_carrier(client, _flow, _subflow):
    """A host knows at once that a cable is out."""
    return "NO-CARRIER" in flags(client, "wifi")


def tries_in_vain(client, flow, subflow):
    """Of silence a host knows by what is never acknowledged, and by nothing else."""
    assert "LOWER_UP" in flags(client, "wifi")
    return flow.connection.tcp_info(subflow).backoff > 0


@pytest.mark.parametrize("backup", [backup_from_its_syn, backup_by_mp_prio])
@pytest.mark.parametrize(
    ("loss", "noticed"),
    [(Cut("wifi"), sees_no_carrier), (Blackhole("wifi"), tries_in_vain)],
    ids=["carrier", "silence"],
)
def test_a_backup_takes_over(flow, capture, timeline, client, loss, noticed, backup):
    """Who notices that a path is lost gives up its subflow, and data goes on over the backup."""
    first, lte = flow.first, backup(flow)
    flow.wait_delivered_more("200 kB")
    lose, restore = at("0.1 s", loss), at("0 s", Restore("wifi"))

    lost = timeline(lose).wait(lose)
    wait_until(lambda: noticed(client, flow, first))
    flow.connection.abort_subflow(first)
    carried(capture, lte, lost.time)
    left = flow.connection.subflows()
    restored = timeline(restore).wait(restore)
    again = flow.open_subflow("wifi")
    seen = carried(capture, again, restored.time)

    assert [subflow.id for subflow in left] == [lte.id]  # the API
    flow.events["client"].wait(EventKind.SUB_CLOSED, first)  # the kernel
    outage = seen.arrived().after(lost.time + IN_FLIGHT).before(restored.began)
    assert {segment.source.host for segment in outage} == {"10.0.2.1"}  # the wire
    assert outage.payload() > 50_000
    assert {"UP", "LOWER_UP"} <= set(flags(client, "wifi"))


def wait_until(condition):
    """Return when ``condition`` holds, or fail."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "what is waited for did not come"
        time.sleep(0.02)


def test_one_end_may_lose_its_carrier_alone(timeline, client, net):
    """The other end of the link sees nothing of it."""
    cut = at("0 s", Cut("client:wifi"))
    timeline(cut).wait(cut)

    assert {"UP", "NO-CARRIER"} <= set(flags(client, "wifi"))
    assert {"UP", "LOWER_UP"} <= set(flags(net.node("gw"), "wifi"))


def test_an_address_goes_and_comes(flow, capture, timeline, client):
    """Its interface stays up; what was sent from it is sent again, from the other address."""
    first, lte = flow.first, flow.open_subflow("lte")
    lose, regain = at("0.1 s", AddressLost("client:wifi")), at("0 s", AddressGained("client:wifi"))
    before = shown(client)

    lost = timeline(lose).wait(lose)
    without, state = shown(client), flags(client, "wifi")
    carried(capture, lte, lost.time)
    gained = timeline(regain).wait(regain)
    after = shown(client)
    again = flow.open_subflow("wifi")
    seen = carried(capture, again, gained.time)

    assert without["routes"] < before["routes"]
    assert without["addresses"] == before["addresses"] - {"10.0.1.1", "fd00:1::1"}
    assert {"UP", "LOWER_UP"} <= set(state)
    assert after == before
    outage = seen.arrived().after(lost.time + IN_FLIGHT).before(gained.began)
    assert len(outage.on(first)) == 0


def shown(node):
    """The addresses and routes of a node, for comparison."""
    addresses = json.loads(node.run("ip", "-json", "address"))
    return {
        "addresses": {each["local"] for link in addresses for each in link["addr_info"]},
        "routes": {
            line.strip()
            for family in ("-4", "-6")
            for line in node.run("ip", family, "route", "show", "table", "all").splitlines()
        },
    }


def test_a_link_set_down_and_up(timeline, client):
    """By its owners: the interface is not up any more, and has its routes when it is up again."""
    before = shown(client)
    down, up = at("0 s", LinkDown("wifi")), at("0 s", LinkUp("wifi"))

    timeline(down).wait(down)
    assert "UP" not in flags(client, "wifi")
    assert shown(client)["routes"] < before["routes"]

    timeline(up).wait(up)
    assert {"UP", "LOWER_UP"} <= set(flags(client, "wifi"))
    assert shown(client) == before


def test_an_address_that_comes_while_its_link_is_down(timeline, client):
    """It is there at once, and its routes when the link is up again."""
    before = shown(client)
    changes = LinkDown("wifi"), AddressLost("client:wifi"), AddressGained("client:wifi")
    steps = [at("0 s", change) for change in (*changes, LinkUp("wifi"))]

    timeline(*steps).wait(steps[-1])

    assert shown(client) == before


def test_changes_that_are_made_already(timeline, client):
    """What is so stays so, and is no mistake; the last of the same time holds."""
    before = shown(client)
    cut, restore, silence = Cut("wifi"), Restore("wifi"), Blackhole("wifi")
    lost, gained = AddressLost("client:wifi"), AddressGained("client:wifi")
    changes = restore, cut, cut, silence, silence, restore, restore, gained, lost, lost, gained
    steps = [at("0 s", change) for change in changes]

    timeline(*steps).wait(steps[-1])

    assert {"UP", "LOWER_UP"} <= set(flags(client, "wifi"))
    assert shown(client) == before


def test_a_thousand_changes(timeline):
    """None is left out, though each is due before the one before it is made."""
    steps = [
        at(f"{number} us", Reshape("lte", rate=f"{10 + number % 10} Mbit/s"))
        for number in range(1, 1001)
    ]

    playing = timeline(*steps)

    made = [playing.wait(step) for step in reversed(steps)][::-1]
    assert all(one.ended <= other.began for one, other in pairwise(made))


def test_steps_are_played_once(net):
    """Neither before their time runs, nor a second time."""
    step = at("0 s", Restore("wifi"))
    playing = play(net, step)
    for early in (playing.stop, playing.finish, lambda: playing.wait(step)):
        with pytest.raises(UsageError, match="the time does not run yet"):
            early()
    with playing:
        playing.wait(step)

    with pytest.raises(UsageError, match="plays each once"):
        playing.begin()


@pytest.mark.parametrize("change", [Restore(["wifi"]), LinkDown(5), Blackhole(None)])
def test_what_is_no_name_of_a_link(timeline, change):
    """It is told as any other mistake is."""
    with pytest.raises(UsageError, match="is not the name of a link"):
        timeline(at("0 s", change))


def test_steps_are_played_in_the_order_of_their_times(timeline, client):
    """However they are written; each is noted when it was made, between two looks at the clock."""
    late, soon = at("0.3 s", Restore("wifi")), at("0.1 s", Cut("wifi"))
    started = time.time()

    playing = timeline(late, soon)

    cut, restored = playing.wait(soon), playing.wait(late)
    assert started < cut.began < cut.ended < restored.began < restored.ended < time.time()
    assert {"UP", "LOWER_UP"} <= set(flags(client, "wifi"))


def test_every_mistake_is_told_before_anything_happens(timeline, client):
    """Unknown links and ends at once, and each with the step where it stands."""
    with pytest.raises(UsageError) as told:
        timeline(
            at("0 s", Cut("wifi")),
            at("1 s", Cut("wfi")),
            at("2 s", AddressLost("wifi")),
            at("3 s", Blackhole("lte", "sideways")),
        )

    first, second, third = str(told.value).splitlines()
    assert first.startswith("at 1 s, Cut(where='wfi'): topology 'two_paths' has no link 'wfi' (did")
    assert second.startswith(
        "at 2 s, AddressLost(where='wifi'): 'wifi' is a link; an address is at"
    )
    assert "a link has no direction 'sideways'" in third
    assert {"UP", "LOWER_UP"} <= set(flags(client, "wifi"))


def test_a_cable_cannot_be_cut(timeline):
    """A link that declares nothing has no wire: that is told, with what to do."""
    with pytest.raises(Unsupported, match=r"link 'core' declares nothing.*rate: 10 Gbit/s"):
        timeline(at("0 s", Cut("core")))


def test_what_a_timeline_does_not_come_to(inner_pytest):
    """A step that is not reached is a failure, and one that cannot be made an invalid run."""
    said = inner_pytest("""
        import subprocess

        from lab import netns
        from lab.timeline import Cut, at, play

        def test_that_ends_early(timeline):
            first, second = at("0 s", Cut("wifi")), at("1000 s", Cut("lte"))
            timeline(first, second).wait(first)

        def test_in_a_context(net):
            with play(net, at("1000 s", Cut("lte"))):
                pass

        def test_that_fails_before(timeline):
            timeline(at("1000 s", Cut("lte")))
            raise AssertionError("first")

        def test_that_cannot(timeline, net):
            with netns.entered(net.wire("wifi").cable.namespace):
                subprocess.run(["ip", "link", "delete", "first"], check=True)
            cut = at("0 s", Cut("wifi"))
            timeline(cut).wait(cut)
    """)

    verdicts = {name: run["verdict"] for name, run in said.runs.items()}
    assert verdicts == {
        "test_that_ends_early": "failed", "test_in_a_context": "failed",
        "test_that_fails_before": "failed", "test_that_cannot": "invalid",
    }, said.text  # fmt: skip
    ended = said.runs["test_that_ends_early"]["reason"]
    assert "before 1 of 2 changes were made:\n    at 1000 s, Cut(where='lte')" in ended
    assert "AssertionError: first" in said.text
    assert "at 0 s, Cut(where='wifi'): could not be made: the wire has lost" in said.text
