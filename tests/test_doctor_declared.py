"""What follows from a topology alone about the subflows of its hosts; and how it is told."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from model_data import topology, two_links

from lab.doctor.declared import examine
from lab.doctor.finding import Finding, once
from lab.doctor.state import address_and_port

SUBFLOW = [{"interface": "lte", "flags": "subflow"}]
SIGNAL = [{"interface": "lte", "flags": "signal"}]
ACCEPT = {"add_addr_accepted": "1"}
NONE = {"subflows": "0"}


@pytest.mark.parametrize(
    ("client", "server", "found"),
    [
        ({"endpoints": SUBFLOW}, {}, []),
        ({"limits": ACCEPT}, {"endpoints": SIGNAL}, []),
        ({"endpoints": SUBFLOW}, {"endpoints": SIGNAL}, []),
        ({}, {}, [("endpoint", "client")]),
        ({}, {"endpoints": SIGNAL}, [("limits", "client")]),
        ({"endpoints": SIGNAL}, {}, [("flags", "client")]),
        ({"endpoints": SUBFLOW}, {"limits": NONE}, [("limits", "server")]),
        ({"endpoints": [{"interface": "wifi", "flags": "subflow"}]}, {}, [("endpoint", "client")]),
        ({"endpoints": SUBFLOW}, {"allow_join_initial_addr_port": "false"},
         [("deny_join", "server")]),
        ({"endpoints": SUBFLOW, "limits": ACCEPT},
         {"allow_join_initial_addr_port": "false", "endpoints": SIGNAL}, []),
        ({"path_manager": "userspace"}, {"path_manager": "userspace"},
         [("path_manager", "client"), ("path_manager", "server")]),
        ({"endpoints": [{"interface": "lte", "flags": "laminar"}], "limits": ACCEPT},
         {"endpoints": SIGNAL}, []),
    ],
)  # fmt: skip
def test_settings_that_make_no_subflow(
    client: dict[str, object], server: dict[str, object], found: list[tuple[str, str]]
) -> None:
    data = two_links()
    data["hosts"] |= {"client": client, "server": server}

    assert [(each.cause, each.host) for each in examine(topology(data), "client", "server")] == (
        found
    )


def test_a_host_with_one_address() -> None:
    data = two_links()
    del data["links"]["lte"]
    (found,) = examine(topology(data), "client", "server")
    assert (found.cause, found.commands) == ("one_path", ())


def test_endpoints_are_added_for_further_addresses_of_each_family() -> None:
    data = two_links(subnet=["10.0.2.0/24", "fd00:2::/64"])
    data["links"]["wifi"]["subnet"] = ["10.0.1.0/24", "fd00:1::/64"]
    (found,) = examine(topology(data), "client", "server")
    assert found.lines(("client",)) == [
        "client ip mptcp endpoint add 10.0.2.1 dev lte subflow",
        "client ip mptcp endpoint add fd00:2::1 dev lte subflow",
    ]


def test_what_is_found_twice_is_told_once_and_remarks_last() -> None:
    remark = Finding("metrics", "client", "it remembers", stops=False)
    one = Finding("route", "client", "no route to one", commands=(("ip", "route"),))
    other = Finding("route", "client", "no route to the other", commands=(("ip", "route"),))

    assert once([remark, one, other, remark]) == [one, remark]


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("0100007F:1389", "127.0.0.1", 5001),
        ("0A01000A:0016", "10.0.1.10", 22),
        ("00000000000000000000000000000000:0016", "::", 22),
    ],
)
def test_addresses_in_proc(text: str, host: str, port: int) -> None:
    assert address_and_port(text, "little") == (ip_address(host), port)


def test_the_byte_order_of_addresses_in_proc() -> None:
    assert address_and_port("7F000001:1389", "big") == (ip_address("127.0.0.1"), 5001)
