"""What a socket keeps open for the subflows that its peer opens, and for how long."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import mptcpapi
from mptcpapi import NoPrivilege, Socket, Unavailable, Unsupported, settings


@pytest.fixture
def listener() -> Iterator[Socket]:
    """A listening socket, made while the userspace path manager was the chosen one."""
    try:
        mptcpapi.set_path_manager("userspace")
        made = mptcpapi.create_server(("127.0.0.1", 0))
    except (NoPrivilege, Unavailable, Unsupported) as reason:
        pytest.skip(str(reason))
    finally:
        mptcpapi.set_path_manager("kernel")
    with made:
        yield made


def netlink_sockets() -> int:
    """How many this process has; each is a line of /proc/net/netlink by its inode."""
    listed = Path("/proc/net/netlink").read_text(encoding="ascii").splitlines()[1:]
    inodes = {line.split()[-1] for line in listed}
    own = [path.readlink().name for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return sum(name.removeprefix("socket:[").removesuffix("]") in inodes for name in own)


def accepted_by(listener: Socket) -> Socket:
    with mptcpapi.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        return accepted


def test_a_listener_of_events_is_shared_and_ends_with_the_last(listener: Socket) -> None:
    one, other = accepted_by(listener), accepted_by(listener)
    assert netlink_sockets() == 1

    listener.close()
    one.close()
    one.close()
    assert netlink_sockets() == 1

    other.close()
    assert netlink_sockets() == 0


def test_a_file_made_of_a_socket_keeps_it(listener: Socket) -> None:
    accepted = accepted_by(listener)
    listener.close()
    with accepted.makefile("rb"):
        accepted.close()
        assert netlink_sockets() == 1

    assert netlink_sockets() == 0


def test_a_detached_descriptor_does_not(listener: Socket) -> None:
    taken = Socket(fileno=listener.detach())

    with taken:
        assert netlink_sockets() == 0


def test_listening_a_second_time_takes_no_more(listener: Socket) -> None:
    mptcpapi.set_path_manager("userspace")
    try:
        listener.listen(5)
    finally:
        mptcpapi.set_path_manager("kernel")

    assert netlink_sockets() == 1


def test_the_kernels_path_manager_wants_none() -> None:
    if settings.is_userspace_chosen():
        pytest.skip("this namespace has the userspace path manager")
    try:
        listener = mptcpapi.create_server(("127.0.0.1", 0))
    except Unavailable as reason:
        pytest.skip(str(reason))
    with listener:
        assert netlink_sockets() == 0


@pytest.mark.parametrize(
    ("sysctls", "expected"),
    [
        ({"path_manager": "userspace\n", "pm_type": "1\n"}, True),
        ({"path_manager": "kernel\n", "pm_type": "0\n"}, False),
        ({"pm_type": "1\n"}, True),
        ({"pm_type": "0\n"}, False),
        ({}, False),
    ],
)
def test_which_path_manager_is_chosen(
    sysctls: dict[str, str], expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in sysctls.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    monkeypatch.setattr(settings, "SYSCTLS", tmp_path)

    assert settings.is_userspace_chosen() is expected
