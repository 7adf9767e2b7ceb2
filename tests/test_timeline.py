"""Steps and places of a timeline, before there is a network."""

import pytest

from lab.errors import UsageError
from lab.load import loads
from lab.timeline import AddressLost, Blackhole, Cut, at
from lab.timeline.change import end, place

TOPOLOGY = loads(
    """
topology: 1
name: two
hosts: {client: {}, server: {}}
links:
  wifi: {ends: [client:wifi, server:wifi], subnet: 10.0.1.0/24, rate: 1 Mbit/s}
  lte: {ends: [client:lte, server:lte], subnet: 10.0.2.0/24}
""",
    "two.yaml",
)


def test_a_step_has_its_time_and_its_change():
    step = at("1.5 s", Cut("wifi"))

    assert (step.time, step.change) == (1.5, Cut("wifi"))
    assert str(step) == "at 1.5 s, Cut(where='wifi')"


def test_each_step_is_one_of_its_own():
    assert at("1 s", Blackhole("wifi")) != at("1 s", Blackhole("wifi"))


@pytest.mark.parametrize("change", [Cut, "wifi", None, at("1 s", Cut("wifi"))])
def test_what_is_no_change(change):
    with pytest.raises(UsageError, match=r"is no change of a network, as Cut\('wifi'\) is"):
        at("1 s", change)


@pytest.mark.parametrize("time", ["1", "-1 s", "soon", 1.0, None])
def test_what_is_no_time(time):
    with pytest.raises(UsageError, match=r"needs a number and a unit|out of range"):
        at(time, AddressLost("client:wifi"))


def test_a_link_is_both_of_its_ends():
    assert place(TOPOLOGY, "lte") == ("lte", (0, 1))
    assert place(TOPOLOGY, "client:lte") == ("lte", (0,))
    assert end(TOPOLOGY, "server:wifi") == ("wifi", (1,))


UNKNOWN = {
    "wfi": r"topology 'two' has no link 'wfi' \(did you mean 'wifi'\? known: lte, wifi\)",
    "clint:wifi": r"topology 'two' has no end 'clint:wifi' \(did you mean 'client:wifi'\?",
}


@pytest.mark.parametrize(("where", "message"), UNKNOWN.items())
def test_places_that_there_are_not(where, message):
    with pytest.raises(UsageError, match=message):
        place(TOPOLOGY, where)


def test_an_address_is_at_an_end():
    with pytest.raises(UsageError, match=r"'wifi' is a link; .*'client:wifi' or 'server:wifi'"):
        end(TOPOLOGY, "wifi")
    with pytest.raises(UsageError, match=r"7 is not the name of a link, nor an end"):
        end(TOPOLOGY, 7)
