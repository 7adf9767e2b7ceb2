"""Hosts of the lab as stacks, and stacks in the place of hosts."""

import socket

import pytest

import mptcpapi
from mptcpapi import stacks

pytestmark = pytest.mark.topology("two_paths")


def test_a_host_is_a_stack(client, server, capture):
    """Code that knows no stacks connects two hosts of the lab, each the default of its end."""
    with server.as_stack() as there, client.as_stack() as here:
        with stacks.use(there):
            listener = socket.create_server(("10.0.9.2", 0))
        with stacks.use(here):
            names = {name for _, name in socket.if_nameindex()}
            sock = socket.create_connection(listener.getsockname(), 10)
        with listener, sock, listener.accept()[0]:
            (address, _), asked = sock.getsockname(), here.msocket(protocol=mptcpapi.IPPROTO_MPTCP)
            with asked, pytest.raises(mptcpapi.StackBusy):
                here.close()

    assert names == {"lo", "wifi", "lte"}
    assert address == "10.0.1.1"
    assert type(asked) is mptcpapi.Socket
    assert capture.at("server").arrived()
    assert client.sysctl("net.ipv4.ip_forward") == "0"  # the host outlives its stack


def test_scenarios_run_on_stacks_of_another_kind(inner_pytest):
    """With --stack, hosts are stacks of that kind; the run's manifest has it."""
    said = inner_pytest(
        """
        from mptcpapi import stacks

        def test_flow(flow, client, server):
            with client.stack():
                assert str(stacks.current()).startswith("stack netns ")
            lte = flow.open_subflow("lte")
            flow.connection.close_subflow(lte)
            flow.events["server"].wait(EventKind.SUB_CLOSED, lte)
        """,
        "--stack", "netns",
    )  # fmt: skip

    assert said.status == 0, said.text
    assert said.runs["test_flow"]["stack"] == "netns"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("nets", "there is no kind of stack 'nets' (did you mean 'netns'?"),
        ("kernel", "a host cannot be a stack of kind 'kernel': try netns"),
    ],
)
def test_a_kind_that_no_host_can_be(inner_pytest, kind, told):
    """It is said, and the scenario does not run on something else."""
    said = inner_pytest("def test_net(net): raise AssertionError", "--stack", kind)

    assert said.status == 1
    assert told in said.text
    assert "raise AssertionError" not in said.text
