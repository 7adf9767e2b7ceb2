"""Endpoints, deadlines and address ids: what callers write, and what is made of it."""

import socket
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mptcpapi import Endpoint
from mptcpapi.deadline import Deadline
from mptcpapi.endpoint import numeric_host, parse, unicast
from mptcpapi.errors import InvalidArgument
from mptcpapi.pathmanager import LocalAddress, address_ids

INITIAL = LocalAddress("10.0.1.1", 0, 0)


def tries(
    wanted: Endpoint, listed: list[LocalAddress], in_use: list[LocalAddress] | None = None
) -> list[int]:
    """The first three address ids that would be tried."""
    return list(islice(address_ids(wanted, listed, in_use or []), 3))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("10.0.2.1", Endpoint("10.0.2.1", 7)),
        (("10.0.2.1", 0), Endpoint("10.0.2.1", 0)),
        (("10.0.2.1", 80), Endpoint("10.0.2.1", 80)),
        ("FD00:0002::0001", Endpoint("fd00:2::1", 7)),
        (("fd00::1", 80, 0, 0), Endpoint("fd00::1", 80)),
        ("::ffff:10.0.2.1", Endpoint("10.0.2.1", 7)),
        ("localhost", Endpoint("127.0.0.1", 7)),
        ("localhost:80", Endpoint("127.0.0.1", 80)),
        ("10.0.2.1:80", Endpoint("10.0.2.1", 80)),
        ("[fd00::1]:80", Endpoint("fd00::1", 80)),
        ("[fd00::1]", Endpoint("fd00::1", 7)),
        ("fd00::1:80", Endpoint("fd00::1:80", 7)),
        (["10.0.2.1", 80], Endpoint("10.0.2.1", 80)),
    ],
)
def test_an_address_is_read(written: str | tuple[str, int], expected: Endpoint) -> None:
    family = socket.AF_INET if "localhost" in written else socket.AF_UNSPEC

    assert parse(written, 7, family) == expected


@pytest.mark.parametrize(
    ("written", "family", "complaint"),
    [
        ("fd00::1", socket.AF_INET, "another family"),
        ("10.0.0.1", socket.AF_INET6, "another family"),
        ("10.0.0.256", socket.AF_UNSPEC, "neither an IP address nor a name"),
        ("", socket.AF_UNSPEC, "neither an IP address nor a name"),
        ("x" * 70 + ".invalid", socket.AF_UNSPEC, "neither an IP address nor a name"),
        (("10.0.0.1", 65536), socket.AF_UNSPEC, "port 65536: expected an integer from 0 to 65535"),
        (("10.0.0.1", -1), socket.AF_UNSPEC, "port -1"),
        (("10.0.0.1", "80"), socket.AF_UNSPEC, "port '80'"),
        (("10.0.0.1", None), socket.AF_UNSPEC, "port None"),
        ("10.0.0.1:65536", socket.AF_UNSPEC, "port 65536: expected an integer from 0 to 65535"),
        ("10.0.0.1:", socket.AF_UNSPEC, "neither an IP address nor a name"),
        ("[fd00::1", socket.AF_UNSPEC, "neither an IP address nor a name"),
        ("[]:80", socket.AF_UNSPEC, "neither an IP address nor a name"),
        (("10.0.0.1", True), socket.AF_UNSPEC, "port True"),
        *(
            (written, socket.AF_UNSPEC, "expected a host, 'host:port', or a tuple of host and port")
            for written in (("10.0.0.1",), (), (b"10.0.0.1", 80), (5, 80), 5, b"10.0.0.1", {}, {1})
        ),
    ],
)
def test_an_address_that_cannot_be(written: object, family: int, complaint: str) -> None:
    with pytest.raises(InvalidArgument, match=complaint):
        parse(written, 7, family)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"])  # noqa: S104
def test_what_is_not_the_address_of_one_host(host: str) -> None:
    with pytest.raises(InvalidArgument, match=f"host '{host}': a wildcard, multicast or broadcast"):
        unicast(Endpoint(host, 80))


def test_what_an_endpoint_writes_can_be_read_again() -> None:
    for endpoint in (Endpoint("10.0.2.1", 80), Endpoint("fd00::1", 80)):
        assert unicast(parse(str(endpoint), 7, socket.AF_UNSPEC)) == endpoint


def test_an_endpoint_is_written_as_in_a_url() -> None:
    assert str(Endpoint("10.0.2.1", 80)) == "10.0.2.1:80"
    assert str(Endpoint("fd00::1", 80)) == "[fd00::1]:80"


def test_the_zone_of_a_link_local_address_is_left_out() -> None:
    assert numeric_host("fe80::1%eth0") == "fe80::1"


@settings(deadline=None)
@given(st.ip_addresses())
def test_every_address_has_one_form(address: object) -> None:
    form = numeric_host(str(address))

    assert numeric_host(form) == form


@pytest.mark.parametrize("seconds", [-0.001, float("nan"), float("inf"), 86_401, None, "1"])
def test_a_timeout_that_cannot_be(seconds: object) -> None:
    with pytest.raises(InvalidArgument, match="expected seconds, from 0 to 86400"):
        Deadline(seconds)  # type: ignore[arg-type]


def test_a_deadline_now_has_passed() -> None:
    assert Deadline(0).passed
    assert not Deadline(3600).passed


def test_the_initial_address_has_id_0() -> None:
    assert tries(Endpoint("10.0.1.1", 0), [INITIAL]) == [0, 1, 2]


def test_a_new_address_has_a_new_id() -> None:
    listed = [INITIAL, LocalAddress("10.0.2.1", 0, 1), LocalAddress("10.0.2.1", 4000, 3)]

    assert tries(Endpoint("10.0.3.1", 0), listed) == [2, 4, 5]


def test_an_address_that_the_kernel_lists_keeps_its_id() -> None:
    listed = [INITIAL, LocalAddress("10.0.2.1", 0, 9), LocalAddress("10.0.2.1", 4000, 3)]

    assert tries(Endpoint("10.0.2.1", 4000), listed) == [3, 1, 2]


def test_another_port_of_an_address_has_another_id() -> None:
    assert tries(Endpoint("10.0.1.1", 4000), [INITIAL]) == [1, 2, 3]


def test_an_entry_lost_with_a_sibling_is_found_by_the_subflows() -> None:
    live = [INITIAL, LocalAddress("10.0.2.1", 0, 2)]

    assert tries(Endpoint("10.0.2.1", 0), [INITIAL], live) == [2, 1, 3]


def test_the_id_of_a_live_subflow_is_not_given_to_another_address() -> None:
    live = [INITIAL, LocalAddress("10.0.2.1", 0, 1)]

    assert tries(Endpoint("10.0.3.1", 0), [INITIAL], live) == [2, 3, 4]


def test_ids_end_at_255() -> None:
    assert list(address_ids(Endpoint("10.0.3.1", 0), [INITIAL], [])) == list(range(1, 256))
