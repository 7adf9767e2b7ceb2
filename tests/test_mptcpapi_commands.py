"""The bytes of the path manager's commands, attribute by attribute (linux/mptcp_pm.h)."""

import pytest

from mptcpapi import Endpoint, abi
from mptcpapi.abi import AddressFlag
from mptcpapi.nlmsg import attributes
from mptcpapi.pathmanager import PmAddress, encode_command

TOKEN = 0x8591EE50
TOKEN_ATTRIBUTE = (4, bytes.fromhex("50ee9185"))

FAMILY, ID, ADDR4, ADDR6, PORT, FLAGS, IF_IDX = range(1, 8)


def test_a_subflow_is_created_as_backup() -> None:
    body = encode_command(
        abi.MPTCP_PM_CMD_SUBFLOW_CREATE,
        TOKEN,
        PmAddress(Endpoint("10.0.2.1", 0), 7, AddressFlag.BACKUP),
        PmAddress(Endpoint("10.0.1.2", 5001)),
    )

    token, (local, source), (remote, target) = attributes(body[4:])
    assert body[:2] == bytes([10, 1])
    assert token == TOKEN_ATTRIBUTE
    assert (local, dict(attributes(source))) == (
        1,
        {FAMILY: b"\x02\x00", ADDR4: b"\x0a\x00\x02\x01", FLAGS: b"\x04\x00\x00\x00", ID: b"\x07"},
    )
    assert (remote, dict(attributes(target))) == (
        6,
        {
            FAMILY: b"\x02\x00",
            ADDR4: b"\x0a\x00\x01\x02",
            FLAGS: bytes(4),
            PORT: (5001).to_bytes(2, "little"),  # host order, unlike in events
        },
    )


def test_addresses_are_nested_attributes() -> None:
    body = encode_command(1, TOKEN, PmAddress(Endpoint("10.0.2.1", 0)))

    assert body[4 + 8 :][2:4] == (1 | abi.NLA_F_NESTED).to_bytes(2, "little")


@pytest.mark.parametrize("host", ["fd00:2::1", "::ffff:10.0.2.1"])
def test_an_ipv6_address(host: str) -> None:
    body = encode_command(11, TOKEN, PmAddress(Endpoint(host, 40000)))

    _, (_, address) = attributes(body[4:])
    found = dict(attributes(address))
    assert found[FAMILY] == b"\x0a\x00"
    assert len(found[ADDR6]) == 16
    assert ADDR4 not in found
    assert ID not in found


def test_a_command_about_the_whole_connection() -> None:
    body = encode_command(abi.MPTCP_PM_CMD_GET_ADDR, TOKEN)

    assert list(attributes(body[4:])) == [TOKEN_ATTRIBUTE]


def test_a_subflow_bound_to_an_interface() -> None:
    body = encode_command(10, TOKEN, PmAddress(Endpoint("10.0.2.1", 0), 7, interface=3))

    _, (_, address) = attributes(body[4:])
    assert dict(attributes(address))[IF_IDX] == b"\x03\x00\x00\x00"
