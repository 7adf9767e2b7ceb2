"""Subnets, addresses, and what links do to packets: what does not fit together."""

from __future__ import annotations

import pytest
from model_data import LTE, WIFI, Data, pair, topology, two_links, wrong

from lab.model import Bursts, Direction, KeyPath


@pytest.mark.parametrize(
    ("subnet", "message"),
    [
        ("10.0.1.0", "is not a subnet such as"),
        ("10.0.1.0/255.255.255.0", "is not a subnet such as"),
        ("10.0.1.0/33", "is not a subnet such as"),
        ("10.0.1/24", "is not a subnet such as"),
        ("010.0.1.0/24", "is not a subnet such as"),
        ("fd00::%eth0/64", "is not a subnet such as"),
        ("wifi", "is not a subnet such as"),
        ("", "is not a subnet such as"),
        ("10.0.1.5/24", "is an address; its subnet is written 10.0.1.0/24"),
        ("fd00::1/64", "is an address; its subnet is written fd00::/64"),
        ("10.0.1.0/32", "has one address; a link needs two"),
        ("fd00::1/128", "has one address; a link needs two"),
        ("127.0.0.0/24", "127.0.0.0/8 is loopback"),
        ("169.254.1.0/24", "169.254.0.0/16 is link-local"),
        ("224.0.1.0/24", "224.0.0.0/4 is multicast"),
        ("255.255.255.0/24", "240.0.0.0/4 is reserved"),
        ("0.0.0.0/0", "cannot be that of a link"),
        ("::/0", "cannot be that of a link"),
        ("fe80::/64", "fe80::/10 is link-local"),
        ("ff02::/64", "ff00::/8 is multicast"),
        ("::/127", "loopback address"),
        ("::ffff:10.0.1.0/120", "IPv4-mapped"),
    ],
)
def test_what_is_not_the_subnet_of_a_link(subnet: str, message: str) -> None:
    assert message in wrong(pair(subnet=subnet))[(*WIFI, "subnet", 0)]


@pytest.mark.parametrize(
    ("subnet", "place"),
    [
        ("10.0.1.0/24", ("subnet",)),
        ("10.0.1.128/25", ("subnet",)),
        ("10.0.0.0/16", ("subnet",)),
        (["10.0.2.0/24", "fd00:1::/64", "10.0.1.8/30"], ("subnet", 2)),
        (["10.0.2.0/24", "10.0.2.0/24"], ("subnet", 1)),
    ],
)
def test_subnets_do_not_overlap(subnet: object, place: KeyPath) -> None:
    found = wrong(two_links(subnet=subnet))
    assert list(found) == [LTE + place]
    assert "overlaps" in found[LTE + place]


def test_a_subnet_overlaps_all_that_it_contains() -> None:
    found = wrong(pair(subnet=["10.1.0.0/25", "10.1.0.0/24", "10.1.0.128/25"]))
    assert set(found) == {(*WIFI, "subnet", 1), (*WIFI, "subnet", 2)}


def test_each_overlapping_subnet_is_named() -> None:
    nested = ["10.1.0.0/16", "10.1.1.0/24", "10.1.1.128/25", "10.2.0.0/16", "10.1.2.0/24"]
    assert wrong(pair(subnet=nested)) == {
        (*WIFI, "subnet", i): f"subnet {nested[i]} overlaps 10.1.0.0/16 of link 'wifi'"
        for i in (1, 2, 4)
    }


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("10.0.2.1", "is outside the link's subnet (10.0.1.0/24)"),
        ("fd00::1", "is outside the link's subnet (10.0.1.0/24)"),
        ("10.0.1.0", "stands for the subnet 10.0.1.0/24 as a whole"),
        ("10.0.1.255", "stands for the subnet 10.0.1.0/24 as a whole"),
        ("10.0.1.2", "is that of server:wifi already"),
        ("10.0.1.9/24", "is not an address such as"),
        ("10.0.1", "is not an address such as"),
        ("fe80::1%eth0", "is not an address such as"),
        ("", "is not an address such as"),
    ],
)
def test_what_an_end_cannot_be_addressed_by(address: str, message: str) -> None:
    found = wrong(pair(addresses={"client:wifi": ["10.0.1.77", address]}))
    assert list(found) == [(*WIFI, "addresses", "client:wifi", 1)]
    assert message in found[(*WIFI, "addresses", "client:wifi", 1)]


def test_the_first_address_of_an_ipv6_subnet_is_that_of_all_routers() -> None:
    found = wrong(pair(subnet="fd00::/64", addresses={"client:wifi": "fd00::"}))
    assert "stands for the subnet" in found[(*WIFI, "addresses", "client:wifi")]
    last = "fd00::ffff:ffff:ffff:ffff"
    assert wrong(pair(subnet="fd00::/64", addresses={"client:wifi": last})) == {}


@pytest.mark.parametrize("subnet", ["10.0.1.4/31", "fd00::4/127"])
def test_both_addresses_of_the_smallest_subnets_are_for_ends(subnet: str) -> None:
    first = subnet.partition("/")[0]
    swapped = {"client:wifi": first.replace("4", "5"), "server:wifi": first}
    assert wrong(pair(subnet=subnet, addresses=swapped)) == {}


def test_addresses_are_not_called_misplaced_while_a_subnet_is_unreadable() -> None:
    found = wrong(pair(subnet=["10.0.1.0/24", "10.0.2/24"], addresses={"client:wifi": "10.0.2.1"}))
    assert list(found) == [(*WIFI, "subnet", 1)]


def test_an_address_is_written_once() -> None:
    twice = {"client:wifi": ["10.0.1.7", "10.0.1.7"], "server:wifi": "10.0.1.7"}
    assert set(wrong(pair(addresses=twice))) == {
        (*WIFI, "addresses", "client:wifi", 1),
        (*WIFI, "addresses", "server:wifi"),
    }


def test_addresses_are_given_to_ends_of_the_link() -> None:
    found = wrong(pair(addresses={"client:wify": "10.0.1.7"}))
    hint = "(did you mean 'client:wifi'? known: client:wifi, server:wifi)"
    assert found == {
        (*WIFI, "addresses", "client:wify"): f"'client:wify' is not an end of this link {hint}"
    }


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("rate", "20", "needs a number and a unit (bit/s, kbit/s, Mbit/s, Gbit/s)"),
        ("rate", "0 Mbit/s", "out of range"),
        ("delay", "5", "needs a number and a unit (us, ms, s)"),
        ("delay", "-5 ms", "out of range"),
        ("jitter", "none", "needs a number and a unit (us, ms, s)"),
        ("loss", "101 %", "out of range (0 % to 100 %)"),
        ("loss", "0.01", "needs a number and a unit (%)"),
        ("queue", "10", "needs a number and a unit (packets, B, kB, MB, GB, us, ms, s)"),
        ("queue", "0 packets", "out of range"),
        ("loss", ["1 %"], "a list where a value such as 0.1 % belongs"),
        ("duplicate", "1", "needs a number and a unit (%)"),
        ("reorder", "101 %", "out of range (0 % to 100 %)"),
        ("corrupt", {}, "a mapping where a value such as 0.1 % belongs"),
        ("rate", None, "nothing where a value such as 10 Mbit/s belongs"),
        ("rate", ["1 Mbit/s"], "a list where a value such as 10 Mbit/s belongs"),
        ("delay", {"ms": "5"}, "a mapping where a value such as 5 ms belongs"),
    ],
)
@pytest.mark.parametrize("side", ["both", "there", "back"])
def test_quantities_of_a_link(side: str, key: str, value: object, message: str) -> None:
    keys: Data = {"rate": "1 Mbit/s", "delay": "1 s", key: value}
    data = pair()
    data["links"]["wifi"] |= keys if side == "both" else {side: keys}
    place = (*WIFI, key) if side == "both" else (*WIFI, side, key)
    found = wrong(data)
    assert list(found) == [place]
    assert message in found[place]


@pytest.mark.parametrize("key", ["rate", "queue", "delay", "jitter", "loss"])
def test_a_key_is_not_written_for_both_directions_and_for_one(key: str) -> None:
    values = {
        "rate": "1 Mbit/s",
        "queue": "9 packets",
        "delay": "1 s",
        "jitter": "1 s",
        "loss": "1 %",
    }
    found = wrong(pair(**values, back={key: values[key]}))
    message = f"{key!r} is written for both directions too; write it in one place"
    assert found == {(*WIFI, "back", key): message}


@pytest.mark.parametrize(
    ("link", "place"),
    [
        ({"queue": "9 packets"}, ("queue",)),
        ({"queue": "9 packets", "there": {"rate": "1 Mbit/s"}}, ("queue",)),
        ({"there": {"queue": "9 packets"}, "back": {"rate": "1 Mbit/s"}}, ("there", "queue")),
    ],
)
def test_a_queue_needs_a_rate(link: Data, place: KeyPath) -> None:
    assert wrong(pair(**link)) == {
        WIFI + place: "a queue needs a rate in each direction that it holds for"
    }


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("distribution", "normal", "a distribution needs a jitter in each direction"),
        ("reorder", "1 %", "a reorder needs a delay in each direction"),
    ],
)
def test_what_means_nothing_without_another_key(key: str, value: str, message: str) -> None:
    (found,) = wrong(pair(back={key: value})).items()
    assert found[0] == (*WIFI, "back", key)
    assert message in found[1]


def test_jitter_does_not_exceed_the_delay() -> None:
    assert wrong(pair(jitter="1 ms")) == {(*WIFI, "jitter"): "jitter 1 ms exceeds the delay, 0 s"}
    assert wrong(pair(delay="2 ms", back={"jitter": "2.1 ms"})) == {
        (*WIFI, "back", "jitter"): "jitter 2.1 ms exceeds the delay, 2 ms"
    }


@pytest.mark.parametrize(
    "link", [{"rat": "1 Mbit/s"}, {"there": "x"}, {"there": {"rat": "1 Mbit/s"}}]
)
def test_what_a_misspelled_key_may_have_meant_is_not_missed(link: Data) -> None:
    found = wrong(pair(back={"rate": "1 Mbit/s"}, queue="9 packets", **link))
    assert len(found) == 1
    assert (*WIFI, "queue") not in found


@pytest.mark.parametrize(
    ("loss", "place", "message"),
    [
        ({"enter": "1 %"}, (), "'loss' needs the key 'leave'"),
        ({"enter": "1 %", "leave": "0 %"}, ("leave",), "'0 %': it would never happen"),
        ({"enter": "1 %", "leave": "5 %", "bed": "9 %"}, ("bed",), "did you mean 'bad'?"),
        ({"enter": "1 %", "leave": "5 %", "bad": "9"}, ("bad",), "needs a number and a unit (%)"),
    ],
)
@pytest.mark.parametrize("side", ["both", "there"])
def test_loss_in_bursts(side: str, loss: Data, place: KeyPath, message: str) -> None:
    data = pair()
    data["links"]["wifi"] |= {"loss": loss} if side == "both" else {side: {"loss": loss}}
    where = (*WIFI, "loss") if side == "both" else (*WIFI, side, "loss")
    found = wrong(data)
    assert list(found) == [(*where, *place)]
    assert message in found[(*where, *place)]


def test_a_distribution_is_one_that_is_known() -> None:
    found = wrong(pair(delay="9 ms", jitter="1 ms", distribution="norml"))
    hint = "(did you mean 'normal'? known: normal, pareto, paretonormal, uniform)"
    assert found == {(*WIFI, "distribution"): f"unknown distribution 'norml' {hint}"}


@pytest.mark.parametrize(
    ("mtu", "message"),
    [
        ("1501 B", "'1501 B' is out of range (68 B to 1500 B)"),
        ("1400", "needs a number and a unit (B)"),
        ("1279 B", "IPv6 (fd00:1::/64) needs an mtu of at least 1280 B"),
    ],
)
def test_an_mtu_that_cannot_be(mtu: str, message: str) -> None:
    found = wrong(pair(mtu=mtu, subnet=["10.0.1.0/24", "fd00:1::/64"]))
    assert list(found) == [(*WIFI, "mtu")]
    assert message in found[(*WIFI, "mtu")]


def test_what_impairs_a_direction() -> None:
    link = topology(
        pair(
            delay="10 ms",
            mtu="1400 B",
            there={"jitter": "2 ms", "distribution": "normal", "reorder": "1 %"},
            back={"loss": {"enter": "1 %", "leave": "4 %", "bad": "50 %"}, "duplicate": "2 %"},
        )
    ).link("wifi")
    assert link.mtu == 1400
    assert link.there == Direction(delay=0.01, jitter=0.002, distribution="normal", reorder=0.01)
    bursts = Bursts.model_construct(enter=0.01, leave=0.04, bad=0.5, good=0.0)
    assert link.back == Direction(delay=0.01, loss=bursts, duplicate=0.02)
    assert bursts.average == pytest.approx(0.1)
