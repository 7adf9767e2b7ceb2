"""The namespace's path manager, endpoints and limits: commands, decoders, refusals."""

from collections.abc import Callable
from errno import EACCES
from pathlib import Path

import pytest
from kernel_answers import message, messages, with_body

import mptcpapi
from mptcpapi import (
    AddressFlag,
    Endpoint,
    InvalidArgument,
    NoPrivilege,
    Unsupported,
    settings,
    syscalls,
)
from mptcpapi.errors import BadAnswer
from mptcpapi.managed import Limits, ManagedAddress, decode_endpoint, decode_limits
from mptcpapi.nlmsg import attribute
from mptcpapi.pathmanager import encode_command

HEADER = bytes([3, 1, 0, 0])


def test_an_address_is_withdrawn_by_its_id() -> None:
    body = encode_command(9, 0x8591EE50, address_id=7)

    assert body[4:] == attribute(4, bytes.fromhex("50ee9185")) + attribute(5, b"\x07")


def test_endpoints() -> None:
    address = (
        attribute(1, b"\x02\x00") + attribute(2, b"\x09") + attribute(3, b"\x0a\x00\x02\x01")
        + attribute(5, b"\x58\x1b") + attribute(6, b"\6\0\0\0") + attribute(7, b"\3\0\0\0")
    )  # fmt: skip
    answer = with_body(HEADER + attribute(1, address), message("local_addresses_v4"))

    assert decode_endpoint(answer) == ManagedAddress(
        9, Endpoint("10.0.2.1", 7000), AddressFlag.SUBFLOW | AddressFlag.BACKUP, 3
    )


@pytest.mark.parametrize("attributes", [b"", attribute(1, b""), attribute(1, attribute(2, b"\1"))])
def test_an_endpoint_without_an_address(attributes: bytes) -> None:
    with pytest.raises(BadAnswer, match="GET_ADDR: an "):
        decode_endpoint(with_body(HEADER + attributes, messages("local_addresses_v4")[0]))


def test_limits() -> None:
    body = HEADER + attribute(2, b"\2\0\0\0") + attribute(3, b"\3\0\0\0")

    assert decode_limits(with_body(body, message("closed"))) == Limits(3, 2)


def test_a_limit_that_is_missing() -> None:
    with pytest.raises(BadAnswer, match="a limit is missing"):
        decode_limits(with_body(HEADER + attribute(2, b"\2\0\0\0"), message("closed")))


def test_reading_takes_no_privilege() -> None:
    try:
        found = mptcpapi.limits()
    except Unsupported as reason:
        pytest.skip(str(reason))

    assert found == (found.subflows, found.add_addr_accepted)
    assert isinstance(mptcpapi.endpoints(), tuple)


BAD: dict[str, Callable[[], object]] = {
    "an id of 256": lambda: mptcpapi.add_endpoint("10.0.2.1", AddressFlag.SIGNAL, id=256),
    "an id of 0": lambda: mptcpapi.remove_endpoint(0),
    "an id that is a text": lambda: mptcpapi.remove_endpoint("5"),  # type: ignore[arg-type]
    "a negative limit": lambda: mptcpapi.set_limits(subflows=-1),
    "an interface": lambda: mptcpapi.add_endpoint("10.0.2.1", AddressFlag(0), interface="wlan77"),
    "a name": lambda: mptcpapi.set_path_manager("mptcpd"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("call", BAD.values(), ids=BAD)
def test_what_cannot_be(call: Callable[[], object]) -> None:
    try:
        mptcpapi.limits()
    except Unsupported as reason:
        pytest.skip(str(reason))
    with pytest.raises(InvalidArgument, match=r"expected|has no such"):
        call()


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ({"path_manager": "", "pm_type": ""}, {"path_manager": "userspace", "pm_type": ""}),
        ({"pm_type": "0"}, {"pm_type": "1"}),
    ],
)
def test_the_sysctl_that_this_kernel_has(
    present: dict[str, str],
    expected: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, text in present.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(settings, "SYSCTLS", tmp_path)

    mptcpapi.set_path_manager("userspace")

    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == expected


def test_a_kernel_with_one_path_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SYSCTLS", tmp_path)

    with pytest.raises(Unsupported, match=r"pm_type came with Linux 5\.19"):
        mptcpapi.set_path_manager("kernel")


def test_choosing_a_path_manager_without_privilege(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(self: syscalls.Linux, path: str, value: bytes) -> None:
        raise PermissionError(EACCES, "Permission denied")

    monkeypatch.setattr(syscalls.Linux, "write", write)

    with pytest.raises(NoPrivilege, match=r"choosing the path manager .* takes CAP_NET_ADMIN"):
        mptcpapi.set_path_manager("userspace")


def test_the_path_manager_of_a_connection() -> None:
    with (
        mptcpapi.create_server(("127.0.0.1", 0)) as listener,
        mptcpapi.create_connection(listener.getsockname()) as client,
    ):
        try:
            found = client.path_manager()
        except NoPrivilege as reason:
            pytest.skip(str(reason))
    sysctl = Path("/proc/sys/net/mptcp/pm_type").read_text(encoding="ascii").strip()
    assert found == {"0": "kernel", "1": "userspace"}[sysctl]
