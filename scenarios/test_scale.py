"""Networks of many hosts: what they take of the machine, and what is said when it has less."""

import os
import resource
import subprocess
import sys
from ipaddress import ip_interface

import pytest
from rings import as_file

from lab.build import Network
from lab.errors import Unsupported
from lab.interfaces import channel, states
from lab.load import loads
from lab.rtnetlink import requests

pytestmark = pytest.mark.topology("veth")

HOSTS = 60


def test_every_link_of_many_passes_packets(request):
    """Hosts with four links each are up at once, and no host without work has a process."""
    hosts = 500 if request.config.getoption("soak") else HOSTS
    topology = loads(as_file(hosts, span=2), "ring.yaml")
    with Network(topology) as network:
        for node in network.nodes:
            with channel(node.namespace) as netlink:
                passing = {link.name for link in states(netlink).values() if link.passes}
            assert {end.interface for _, end in topology.ends_of(node.name)} <= passing
        first, last = topology.links["l0"], topology.links[f"l{2 * hosts - 1}"]
        for link in (first, last):
            one, other = link.ends
            network.node(one.node).run("ping", "-c1", "-w10", str(other.addresses[0].ip))


def test_a_link_that_passes_nothing(monkeypatch):
    """A network whose links do not all pass packets is no network, and the interface is named."""
    monkeypatch.setattr("lab.rtnetlink.requests._IF_OPER_UP", 99)  # which no interface ever says
    monkeypatch.setattr("lab.interfaces.PATIENCE", 0.2)
    topology = loads(as_file(3), "ring.yaml")

    with pytest.raises(Unsupported, match=r"interface [ab]\d was not up after 0\.2 s"):
        Network(topology).__enter__()


def test_more_open_files_than_the_shell_allows():
    """The soft limit is raised as far as the network needs it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    topology = loads(as_file(HOSTS), "ring.yaml")
    resource.setrlimit(resource.RLIMIT_NOFILE, (50, before[1]))
    try:
        with Network(topology) as network:
            assert len(network.links) == HOSTS
    except Unsupported as problem:  # which would be a reason to skip
        raise AssertionError(str(problem)) from problem
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_limit_of_open_files(request, result):
    """Where the hard limit is too low for a network, the error says which it is."""
    file = result.directory / "ring.yaml"
    file.write_text(as_file(HOSTS), encoding="ascii")
    done = subprocess.run(
        ["prlimit", "--nofile=40:40", sys.executable, "-m", "lab.start", "up", file],
        cwd=request.config.rootpath, capture_output=True, text=True, check=False, timeout=120,
        env={name: value for name, value in os.environ.items() if name != "MPTCP_LAB_SANDBOX"},
    )  # fmt: skip

    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == (
        "error: a network of 120 nodes and links needs 220 open files, and a process may have 40 "
        "here (ulimit -Hn): as root run: ulimit -n 20000\n"
    )


def test_requests_beyond_one_batch(client, net):
    """More requests than go into one message are carried out, and the refused one is named."""
    addresses = [ip_interface(f"10.8.{i}.1/24") for i in range(200)]
    with channel(client.namespace) as netlink:
        index = states(netlink)["cable"].index
        netlink.carry_out(requests.address(index, one) for one in addresses)
        with pytest.raises(Unsupported, match=r"refuses address 10\.8\.150\.1/24: File exists"):
            netlink.carry_out([requests.address(index, addresses[150])])

    shown = client.run("ip", "-brief", "address", "show", "dev", "cable")
    assert shown.count(" 10.8.") == len(addresses)
