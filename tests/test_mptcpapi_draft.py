"""The draft's names on the loopback interface: reading, refusals and their errnos."""

import socket
from collections.abc import Callable, Iterator
from errno import EINVAL, ENOPROTOOPT, EOPNOTSUPP, EOVERFLOW

import pytest

import mptcpapi
from mptcpapi import (
    Endpoint,
    InvalidArgument,
    MptcpError,
    NoSuchSubflow,
    Socket,
    SubflowDetails,
    TcpState,
    Unavailable,
    Unsupported,
    UsageError,
    closing,
    draft,
    opening,
)

FLOW = draft.make_flow("127.0.0.1", 0, "127.0.0.1", 0)


ON_ONE: dict[str, Callable[[Socket, int], object]] = {
    "close_sub": draft.close_sub,
    "get_sub_tuple": draft.get_sub_tuple,
    "get_sub_info": draft.get_sub_info,
    "get_sub_sockopt": lambda sock, id: draft.get_sub_sockopt(
        sock, id, socket.SOL_SOCKET, socket.SO_TYPE
    ),
    "set_sub_sockopt": lambda sock, id: draft.set_sub_sockopt(
        sock, id, socket.IPPROTO_IP, socket.IP_TOS, 28
    ),
}
ON_ALL: dict[str, Callable[[Socket], object]] = {
    "get_sub_ids": draft.get_sub_ids,
    "open_sub": lambda sock: draft.open_sub(sock, FLOW),
}


@pytest.fixture
def client() -> Iterator[Socket]:
    """A connection over the loopback interface."""
    try:
        listener = mptcpapi.create_server(("127.0.0.1", 0))
    except Unavailable as reason:
        pytest.skip(str(reason))
    with listener, mptcpapi.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        with server:
            try:
                client.subflows()
            except Unsupported as reason:
                pytest.skip(str(reason))
            yield client


@pytest.fixture
def plain() -> Iterator[Socket]:
    """A connection that is TCP."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        yield Socket(fileno=client.detach())


def subflow(**fields: object) -> SubflowDetails:
    here, there = Endpoint("10.0.1.1", 5), Endpoint("10.0.9.1", 6)
    known = dict[str, object](
        id=2,
        local=here,
        remote=there,
        state=TcpState.ESTABLISHED,
        local_id=1,
        remote_id=0,
        backup=False,
        remote_backup=False,
        fully_established=True,
    )
    return SubflowDetails(**(known | fields))  # type: ignore[arg-type]


def test_the_initial_subflow_in_the_drafts_terms(client: Socket) -> None:
    (status,) = draft.get_sub_ids(client)
    flow = draft.get_sub_tuple(client, status.id)

    assert (status.id, status.slave_sk, status.attached) == (1, False, True)
    assert (flow.id, flow.low_prio) == (1, status.low_prio)
    assert (flow.local, flow.remote) == (client.getsockname(), client.getpeername())


def test_flags_of_a_subflow() -> None:
    usual = draft.status_of(subflow())

    assert usual == draft.SubStatus(
        id=2,
        slave_sk=True,
        fully_established=True,
        attached=True,
        low_prio=False,
        pre_established=False,
    )


@pytest.mark.parametrize(
    ("fields", "flag", "value"),
    [
        ({"id": 1}, "slave_sk", False),
        ({"backup": True}, "low_prio", True),
        ({"remote_backup": True}, "low_prio", True),
        ({"backup": None, "remote_backup": None}, "low_prio", None),
        ({"fully_established": False}, "fully_established", False),
        ({"fully_established": False}, "pre_established", True),
        ({"fully_established": False, "state": TcpState.SYN_SENT}, "pre_established", False),
        ({"fully_established": None}, "fully_established", None),
        ({"fully_established": None}, "pre_established", None),
        ({"state": TcpState.CLOSE}, "attached", False),
    ],
)
def test_each_flag(fields: dict[str, object], flag: str, value: bool | None) -> None:
    assert getattr(draft.status_of(subflow(**fields)), flag) is value


@pytest.mark.parametrize("name", ON_ONE)
@pytest.mark.parametrize("number", [100, 0, -1, 256, 1 << 40])
def test_no_such_id(client: Socket, name: str, number: int) -> None:
    with pytest.raises(NoSuchSubflow, match=f"such subflow as {number};.* has: 1$") as refusal:
        ON_ONE[name](client, number)

    assert refusal.value.errno == EINVAL


@pytest.mark.parametrize("name", ON_ONE)
def test_tcp_has_no_subflows(plain: Socket, name: str) -> None:
    with plain, pytest.raises(MptcpError, match="is TCP") as refusal:
        ON_ONE[name](plain, 1)

    assert refusal.value.errno == EOPNOTSUPP


@pytest.mark.parametrize("name", ON_ALL)
def test_tcp_has_no_list_of_subflows(plain: Socket, name: str) -> None:
    with plain, pytest.raises(MptcpError, match="is TCP") as refusal:
        ON_ALL[name](plain)

    assert refusal.value.errno == EOPNOTSUPP


def test_an_existing_id_that_the_draft_cannot_hold(
    client: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft, "subflow_details", lambda _: (subflow(id=255), subflow(id=256)))

    assert draft.get_sub_tuple(client, 255).id == 255
    with pytest.raises(NoSuchSubflow, match="such subflow as 256;"):
        draft.get_sub_tuple(client, 256)
    with pytest.raises(UsageError, match="255; mptcpapi") as refusal:
        draft.get_sub_ids(client)
    assert refusal.value.errno == EOVERFLOW


def test_a_new_id_that_the_draft_cannot_hold(
    client: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[SubflowDetails] = []
    new = subflow(id=256)
    monkeypatch.setattr(opening, "open_subflow", lambda *_, **__: new)
    monkeypatch.setattr(closing, "close_subflow", lambda _, sub, **__: closed.append(sub))

    with pytest.raises(UsageError, match="subflow 256") as refusal:
        draft.open_sub(client, FLOW)

    assert refusal.value.errno == EOVERFLOW
    assert closed == [new]


@pytest.mark.parametrize("how", [3, -1, None, "SHUT_RD"])
def test_no_such_way_of_closing(client: Socket, how: int) -> None:
    with pytest.raises(InvalidArgument, match="expected SHUT_RD") as refusal:
        draft.close_sub(client, 1, how)

    assert refusal.value.errno == EINVAL
    assert len(draft.get_sub_ids(client)) == 1


@pytest.mark.parametrize(
    ("level", "option", "value"),
    [
        (socket.SOL_SOCKET, socket.SO_TYPE, socket.SOCK_STREAM),
        (socket.SOL_SOCKET, socket.SO_DOMAIN, socket.AF_INET),
        (socket.SOL_SOCKET, socket.SO_PROTOCOL, socket.IPPROTO_TCP),
    ],
)
def test_an_option_that_is_a_plain_fact(
    client: Socket, level: int, option: int, value: int
) -> None:
    assert draft.get_sub_sockopt(client, 1, level, option) == value


def test_tcp_info_of_a_subflow(client: Socket) -> None:
    info = draft.get_sub_sockopt(client, 1, socket.IPPROTO_TCP, socket.TCP_INFO)

    assert isinstance(info, bytes)
    assert len(info) >= 232  # of Linux 6.1; later ones have more
    assert info[0] == TcpState.ESTABLISHED


def test_an_unknown_option(client: Socket) -> None:
    with pytest.raises(Unsupported, match="no option 12345 at level 6") as reading:
        draft.get_sub_sockopt(client, 1, socket.IPPROTO_TCP, 12345)
    with pytest.raises(Unsupported, match="no option 12345 at level 6") as writing:
        draft.set_sub_sockopt(client, 1, socket.IPPROTO_TCP, 12345, 5)

    assert reading.value.errno == writing.value.errno == ENOPROTOOPT


@pytest.mark.parametrize(
    ("flow", "what"),
    [
        (("no-such-host.invalid", 0, "127.0.0.1", 80), "no-such-host.invalid"),
        (("127.0.0.1", 0, "no-such-host.invalid", 80), "no-such-host.invalid"),
        (("127.0.0.1", 65536, "127.0.0.1", 80), "port 65536"),
        (("127.0.0.1", 0, "127.0.0.1", -1), "port -1"),
        (("127.0.0.1", 0, "::1", 80), "of another family"),
        (("::", 0, "127.0.0.1", 80), "of another family"),
    ],
)
def test_a_flow_that_cannot_be(flow: tuple[str, int, str, int], what: str) -> None:
    with pytest.raises(InvalidArgument, match=what) as refusal:
        draft.make_flow(*flow)

    assert refusal.value.errno == EINVAL
