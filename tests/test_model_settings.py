"""Settings of hosts: what is read, and what cannot be set or makes no subflow."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from model_data import pair, topology, two_links, wrong
from topology_files import GOOD, lines

from lab.model import KeyPath
from lab.model.settings import Settings
from lab.settings import endpoints, of_interfaces, sysctls
from mptcpapi import AddressFlag

CLIENT: KeyPath = ("hosts", "client")
FIRST: KeyPath = (*CLIENT, "endpoints", 0)
SECOND: KeyPath = (*CLIENT, "endpoints", 1)


def client(**settings: object) -> dict[str, Any]:
    """A client with these settings, with the links wifi and lte to a server."""
    data = two_links(subnet=["10.0.2.0/24", "fd00:2::/64"])
    data["hosts"]["client"] = settings
    return data


def endpoint(**keys: object) -> dict[str, Any]:
    """A client with one endpoint."""
    return client(endpoints=[keys])


def test_what_is_written_is_read() -> None:
    host = topology(
        client(
            path_manager="kernel",
            endpoints=[{"interface": "lte", "flags": ["subflow", "backup"]}],
            limits={"subflows": "2", "add_addr_accepted": "1"},
            scheduler="default",
            checksum="true",
            allow_join_initial_addr_port="false",
            congestion_control="reno",
            sysctls={"net.ipv4.tcp_sack": "0"},
        )
    ).hosts["client"]

    assert host.endpoints[0].flags == ("subflow", "backup")
    assert (host.limits.subflows, host.limits.add_addr_accepted) == (2, 1)
    assert sysctls(host) == {
        "net.mptcp.pm_type": "0",
        "net.mptcp.scheduler": "default",
        "net.mptcp.checksum_enabled": "1",
        "net.mptcp.allow_join_initial_addr_port": "0",
        "net.ipv4.tcp_congestion_control": "reno",
        "net.ipv4.tcp_sack": "0",
    }


def test_nothing_written_sets_nothing() -> None:
    assert sysctls(Settings()) == {}
    assert endpoints(Settings(), {}) == []


def test_endpoints_with_an_id_come_first() -> None:
    """The kernel would else give their ids to others."""
    data = client(
        endpoints=[
            {"interface": "lte", "flags": "subflow"},
            {"address": "10.0.1.1", "flags": ["signal", "backup"], "port": "7000", "id": "1"},
        ]
    )
    whole = topology(data)
    addresses = {end.interface: end.addresses for _, end in whole.ends_of("client")}

    assert endpoints(whole.hosts["client"], addresses) == [
        ("10.0.1.1", 7000, AddressFlag.SIGNAL | AddressFlag.BACKUP, 1),
        ("10.0.2.1", 0, AddressFlag.SUBFLOW, None),
        ("fd00:2::1", 0, AddressFlag.SUBFLOW, None),
    ]
    assert whole.hosts["client"].endpoints[1].address == ip_address("10.0.1.1")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("endpoints",), {}, "a mapping where a list belongs: [{interface: lte, flags: subflow}]"),
        (("endpoints",), [], "a list where a list belongs: [{interface: lte, flags: subflow}]"),
        (("endpoints",), ["lte"], "entry 1 of 'endpoints' is a mapping (key: value), not 'lte'"),
        (("limits",), "2", "'limits' is a mapping (key: value), not '2'"),
        (("limits",), {"subflows": "9"}, "'9' is not a number from 0 to 8"),
        (("limits",), {"subflows": "-1"}, "'-1' is not a number from 0 to 8"),
        (("limits",), {"subflow": "1"}, "unknown key 'subflow' (did you mean 'subflows'? known: "
         "add_addr_accepted, subflows)"),
        (("checksum",), "yes", "'yes' is neither true nor false"),
        (("scheduler",), "round robin", "'round robin' is not a name of the kernel's (at most 15 "
         "letters, digits, '_' and '-')"),
        (("congestion_control",), "x" * 16, f"'{'x' * 16}' is not a name of the kernel's (at most "
         "15 letters, digits, '_' and '-')"),
        (("sysctls",), {"net.ipv4.tcp_sack": ["0"]}, "a list where a value such as 0 belongs"),
        (("sysctls",), {"net.ipv4.tcp_sack": "0\n"}, "'0\\n' is not a value of a sysctl (printable "
         "ASCII, at most 200 characters)"),
    ],
)  # fmt: skip
def test_values(path: KeyPath, value: object, message: str) -> None:
    assert [*wrong(client(**{str(path[0]): value})).values()] == [message]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kernel.hostname", "'kernel.hostname' is not a sysctl of a network namespace, such as "
         "net.ipv4.tcp_sack"),
        ("net.../../kernel/x", "'net.../../kernel/x' is not a sysctl of a network namespace, such "
         "as net.ipv4.tcp_sack"),
        ("net", "'net' is not a sysctl of a network namespace, such as net.ipv4.tcp_sack"),
        ("net.mptcp.pm_type", "'net.mptcp.pm_type' has a key of its own: path_manager"),
        ("net.mptcp.checksum_enabled", "'net.mptcp.checksum_enabled' has a key of its own: "
         "checksum"),
        ("net.ipv6.conf.lt.mtu", "no interface 'lt' here (did you mean 'lte'? known: lte, wifi)"),
    ],
)  # fmt: skip
def test_names_of_sysctls(name: str, message: str) -> None:
    assert wrong(client(sysctls={name: "1"})) == {(*CLIENT, "sysctls", name): message}


def test_a_dot_in_an_interface_is_a_slash_in_its_sysctls() -> None:
    data = pair(ends=["client:wifi.5", "server:wifi"])
    name = "net.ipv4.conf.wifi/5.rp_filter"
    data["hosts"]["client"] = {"sysctls": {name: "2", "net.ipv4.conf.all.rp_filter": "2"}}

    found = sysctls(topology(data).hosts["client"])

    assert of_interfaces(found, ["wifi.5"]) == {name: "2"}


@pytest.mark.parametrize(
    ("keys", "place", "message"),
    [
        ({"interface": "lte"}, (), "entry 1 of 'endpoints' needs the key 'flags'"),
        ({"flags": "subflow"}, (), "an endpoint has either an interface or an address"),
        ({"flags": "subflow", "interface": "lte", "address": "10.0.2.1"}, (),
         "an endpoint has either an interface or an address"),
        ({"flags": "subflow", "interface": "lt"}, ("interface",),
         "no interface 'lt' here (did you mean 'lte'? known: lte, wifi)"),
        ({"flags": "subflow", "address": "10.0.2.2"}, ("address",),
         "10.0.2.2 is no address of this host (known: 10.0.1.1, 10.0.2.1, fd00:2::1)"),
        ({"flags": "sublow", "interface": "lte"}, ("flags", 0), "unknown flag 'sublow' (did you "
         "mean 'subflow'? known: backup, fullmesh, laminar, signal, subflow)"),
        ({"flags": ["implicit"], "interface": "lte"}, ("flags", 0),
         "an 'implicit' endpoint is one that the kernel makes itself"),
        ({"flags": ["signal", "fullmesh"], "interface": "wifi"}, ("flags",),
         "the kernel refuses signal together with fullmesh: write two endpoints"),
        ({"flags": "backup", "interface": "lte"}, ("flags",),
         "backup alone makes no subflow: add signal or fullmesh or laminar or subflow"),
        ({"flags": "subflow", "interface": "lte", "port": "7000"}, ("port",),
         "a port is announced: the kernel wants the flag signal with it, and no subflow"),
        ({"flags": ["signal", "subflow"], "interface": "lte", "port": "7000"}, ("port",),
         "a port is announced: the kernel wants the flag signal with it, and no subflow"),
        ({"flags": "signal", "interface": "lte", "port": "0"}, ("port",),
         "'0' is not a number from 1 to 65535"),
        ({"flags": "signal", "interface": "lte", "id": "5"}, ("id",),
         "an id is of one address; this interface has 2"),
        ({"flags": "signal", "interface": "wifi", "id": "256"}, ("id",),
         "'256' is not a number from 1 to 255"),
    ],
)  # fmt: skip
def test_endpoints_that_cannot_be(keys: dict[str, object], place: KeyPath, message: str) -> None:
    assert wrong(endpoint(**keys)) == {(*FIRST, *place): message}


def test_endpoints_that_cannot_be_together() -> None:
    twice = client(
        endpoints=[
            {"interface": "lte", "flags": "subflow"},
            {"address": "10.0.2.1", "flags": "signal", "id": "3"},
            {"address": "10.0.2.1", "flags": "signal", "port": "7000"},
            {"interface": "wifi", "flags": "signal", "id": "3"},
        ]
    )
    assert wrong(twice) == {
        (*SECOND, "address"): "10.0.2.1 is an endpoint already",
        (*CLIENT, "endpoints", 3, "id"): "another endpoint has the id '3' already",
    }


def test_more_endpoints_than_the_kernel_takes() -> None:
    addresses = [f"10.0.2.{i}" for i in range(3, 11)]
    data = two_links(addresses={"client:lte": addresses})
    data["hosts"]["client"] = {
        "endpoints": [{"interface": each, "flags": "subflow"} for each in ("lte", "wifi")]
    }
    assert wrong(data) == {
        (*CLIENT, "endpoints"): "these are 9 addresses; the kernel takes 8 endpoints"
    }


def test_nothing_makes_a_subflow() -> None:
    one = [{"interface": "lte", "flags": "subflow"}]
    userspace = client(path_manager="userspace", endpoints=one, limits={"subflows": "2"})
    assert wrong(userspace) == {
        (*CLIENT, key): f"the userspace path manager knows no {key}: they are the kernel's"
        for key in ("endpoints", "limits")
    }
    limits = {"subflows": "0", "add_addr_accepted": "1"}
    assert wrong(client(endpoints=one, limits=limits)) == {
        (*FIRST, "flags"): "limits of 0 subflows: this endpoint (subflow) opens none",
        (*CLIENT, "limits", "add_addr_accepted"): "with 0 subflows no announced address is "
        "accepted",
    }


@pytest.mark.parametrize("flag", ["laminar", "fullmesh"])
@pytest.mark.parametrize("limits", [{}, {"limits": {"subflows": "2"}}])
def test_an_endpoint_for_announced_addresses_needs_a_limit(
    flag: str, limits: dict[str, object]
) -> None:
    data = client(endpoints=[{"interface": "lte", "flags": flag}], **limits)
    assert wrong(data) == {
        (*FIRST, "flags"): f"{flag} without subflow opens subflows to announced addresses only: it "
        "needs limits: {add_addr_accepted: 1} or more"
    }
    data["hosts"]["client"]["limits"] = {"add_addr_accepted": "1"}
    assert wrong(data) == {}


def test_mistakes_in_settings_have_their_places() -> None:
    content = GOOD.replace(
        "client: {}", "client: {endpoints: [{interface: wify, flags: [signal, fullmesh]}]}"
    )
    assert lines(content) == [
        "f.yaml:3:42: no interface 'wify' here (did you mean 'wifi'? known: wifi)",
        "f.yaml:3:55: the kernel refuses signal together with fullmesh: write two endpoints",
    ]
