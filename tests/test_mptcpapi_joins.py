"""What a socket keeps open for the subflows that its peer opens, and for how long."""

import gc
import os
from pathlib import Path

import pytest
from own_process import descriptors

import mptcpapi
from mptcpapi import Socket, Unavailable, joins, settings


def netlink_sockets() -> int:
    """How many this process has; each is a line of /proc/net/netlink by its inode."""
    listed = Path("/proc/net/netlink").read_text(encoding="ascii").splitlines()[1:]
    inodes = {line.split()[-1] for line in listed}
    gc.collect()  # those of an earlier test
    return sum(each.of.strip("socket:[]") in inodes for each in descriptors())


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


def test_a_detached_descriptor_keeps_it_while_it_is_open(listener: Socket) -> None:
    fd = listener.detach()
    assert netlink_sockets() == 1

    os.close(fd)
    joins.detached.sweep()

    assert netlink_sockets() == 0


def test_closed_descriptors_are_noticed_as_others_are_detached(listener: Socket) -> None:
    for _ in range(50):
        os.close(accepted_by(listener).detach())

    assert len(joins.detached._kept) <= 2 * joins._LEAST_SWEPT
    joins.detached.sweep()
    assert not joins.detached._kept


def test_a_socket_made_of_the_descriptor_has_it_again(listener: Socket) -> None:
    with Socket(fileno=listener.detach()):
        assert netlink_sockets() == 1

    assert netlink_sockets() == 0


def test_a_duplicate_keeps_it_too(listener: Socket) -> None:
    with listener.dup():
        listener.close()
        assert netlink_sockets() == 1

    assert netlink_sockets() == 0


def test_a_listener_of_another_program_gets_one_when_it_accepts(listener: Socket) -> None:
    with Socket(fileno=os.dup(listener.fileno())) as inherited:
        listener.close()
        assert netlink_sockets() == 0
        accepted_by(inherited).close()
        assert netlink_sockets() == 1


def test_listening_a_second_time_takes_no_more(listener: Socket) -> None:
    listener.listen(5)

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
