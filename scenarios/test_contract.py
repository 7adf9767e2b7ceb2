"""The cases that `mptcpapi.testing` keeps to, on the kernel."""

import pytest
from contract_cases import RUNS
from contract_sockets import RUNS as SOCKET_RUNS
from contract_worlds import World

import mptcpapi

pytestmark = pytest.mark.topology("contract")


class KernelWorld(World):
    """In two hosts of a network."""

    def __init__(self, net, version):
        super().__init__(version)
        self._net, self._client, self._host = net, net.node("client"), net.node("server")

    def at_client(self):
        """The client's network namespace."""
        return self._client.stack()

    def at_server(self):
        """The server's."""
        return self._host.stack()

    def cut_lte(self):
        """Let the router drop what goes to the client's second address."""
        self._net.node("gw").run("ip", "rule", "add", "to", self.lte, "blackhole", "pref", "1")

    def server_takes_no_more(self):
        """Give the server the kernel's path manager, and room for no subflow."""
        with self.at_server():
            mptcpapi.set_path_manager("kernel")
            mptcpapi.set_limits(subflows=0)


@pytest.mark.parametrize(("case", "version"), RUNS + SOCKET_RUNS)
def test_the_kernel_keeps_the_contract(net, case, version):
    """One case of the contract, which tests/test_contract.py runs in the fake stack."""
    with KernelWorld(net, version) as world:
        case(world)
