"""Three hosts of Multipath TCP in one process, on two VDE networks."""

from contextlib import ExitStack

import pytest
from vde_switch import switch

import mptcpapi
from mptcpapi import EventKind, stacks

HOSTS = {"server": 1, "one": 2, "other": 3}


@pytest.fixture
def hosts(tmp_path):
    """A server and two clients, each with an address on both networks: 10.0.1.x, 10.0.2.x."""
    with ExitStack() as undo:
        networks = []
        for link in ("wifi", "lte"):
            (tmp_path / link).mkdir()
            networks.append(undo.enter_context(switch(tmp_path / link)))
        found = {}
        for name, number in HOSTS.items():
            vnls = [f"wifi:{networks[0]}", f"lte:{networks[1]}"]
            stack = found[name] = undo.enter_context(stacks.new("netns", vnls))
            for link, interface in enumerate(("wifi", "lte"), 1):
                stack.linksetupdown(interface, True)
                stack.ipaddr_add(f"10.0.{link}.{number}/24", interface)
            with stacks.use(stack):
                mptcpapi.set_path_manager("userspace")
        yield found


def exchange(sender, receiver, size=100_000):
    """Send some data, and see it arrive."""
    data = bytes(range(256)) * (size // 256)
    sender.sendall(data)
    received = b""
    while len(received) < len(data):
        received += receiver.recv(1 << 16)
    assert received == data


@pytest.mark.parametrize("client", ["one", "other"])
def test_a_subflow_is_opened_reprioritised_and_closed(hosts, client):
    """Between stacks of one process the API does what it does between hosts."""
    number = HOSTS[client]
    with ExitStack() as undo:
        with stacks.use(hosts["server"]):
            events = undo.enter_context(mptcpapi.EventStream.of_namespace())
            listener = undo.enter_context(mptcpapi.create_server(("10.0.1.1", 5001)))
        sock = undo.enter_context(hosts[client].msocket(protocol=mptcpapi.IPPROTO_MPTCP))
        sock.settimeout(10)
        sock.connect(("10.0.1.1", 5001))
        accepted = undo.enter_context(listener.accept()[0])
        exchange(sock, accepted)
        exchange(accepted, sock)

        lte = sock.open_subflow(f"10.0.2.{number}", remote="10.0.1.1")
        sock.set_backup(lte, True)
        exchange(sock, accepted)
        sock.close_subflow(lte)
        exchange(sock, accepted)

        assert lte.local.host == f"10.0.2.{number}"
        assert [subflow.id for subflow in sock.subflows()] == [1]
        told = [(event.kind, event.remote) for event in heard(events, lte, EventKind.SUB_CLOSED)]
        assert told == [
            (kind, lte.local)
            for kind in (EventKind.SUB_ESTABLISHED, EventKind.SUB_PRIORITY, EventKind.SUB_CLOSED)
        ]


def heard(events, subflow, last):
    """What the server's kernel said of a subflow, until it said the last."""
    found = []
    while not found or found[-1].kind != last:
        event = events.next(timeout=10)
        assert event, f"no {last.name} within 10 s, only {found}"
        if event.remote == subflow.local:
            found.append(event)
    return found
