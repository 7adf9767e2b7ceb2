"""How long a network takes to come up and to go: the lab, ip(8) with -batch, and stock Mininet.

The three build the same hosts and links and take them down, one after the other, in every round.
Mininet gives each interface its address; ip(8) and the lab also set policy rules and routes.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import time

import by_ip
import pytest
from mininet.net import Mininet
from mininet.topo import Topo
from rings import as_file, ring

from lab.build import Network
from lab.load import loads
from lab.sandbox import libc

ROUNDS = 5
HOSTS, FEW = 50, 3
"""Of the comparison; and where nothing is measured (`--benchmark-disable`)."""
MANY, SPAN = 500, 2
"""Hosts, and half of the links that each has."""

pytestmark = [pytest.mark.benchmark(group="building"), pytest.mark.topology("veth")]


@pytest.fixture
def only_once(request):
    """Whether nothing is measured."""
    return request.config.getoption("benchmark_disable")


@pytest.fixture
def place_for_names(result):
    """A /run of this sandbox's own, since `ip netns` keeps its names in /run/netns."""
    libc.mount("tmpfs", "/run", "tmpfs")
    yield
    subprocess.run(["umount", "--lazy", "/run"], check=True)


class Ring(Topo):
    """The ring as stock Mininet has it."""

    def build(self, hosts):
        """Add the hosts and links; each interface has its address."""
        for number in range(hosts):
            self.addHost(f"h{number}", ip=None)
        for link in ring(hosts):
            ends = [{"ip": f"{link.subnet[:-1]}{number}/24"} for number in (1, 2)]
            self.addLink(
                *link.hosts, intfName1=link.interfaces[0], intfName2=link.interfaces[1],
                params1=ends[0], params2=ends[1],
            )  # fmt: skip


def mininet(hosts):
    """Build and stop it with stock Mininet, whose limits of the machine stay as they are."""
    Mininet.inited = True
    network = Mininet(topo=Ring(hosts), controller=None)
    network.build()
    network.stop()


def lab(topology):
    """Build it and take it down."""
    with Network(topology):
        pass


def ip(topology):
    """Build it and take it down with ip(8)."""
    by_ip.build(topology)
    by_ip.remove(topology)


def test_fifty(benchmark, place_for_names, only_once):
    """50 hosts with two links each: seconds of each way, side by side in every round."""
    hosts = FEW if only_once else HOSTS
    topology = loads(as_file(hosts), "ring.yaml")
    ways = {"mininet": lambda: mininet(hosts), "ip": lambda: ip(topology),
            "lab": lambda: lab(topology)}  # fmt: skip
    times = {name: [] for name in ways}

    def one_round():
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - began)

    benchmark.pedantic(one_round, rounds=1 if only_once else ROUNDS)
    benchmark.extra_info.update(times, hosts=hosts, medians=medians(times))


def medians(times):
    """The median of each way."""
    return {name: statistics.median(values) for name, values in times.items()}


def test_many(benchmark, result, only_once):
    """500 hosts and 1,000 links come up, every link passes packets, and all of it goes."""
    hosts = SPAN * FEW if only_once else MANY
    found = {}

    def up_and_down():
        began = time.perf_counter()
        topology = loads(as_file(hosts, SPAN), "ring.yaml")
        found["read"] = time.perf_counter() - began
        network = Network(topology)
        with network:
            found["up"] = time.perf_counter() - began - found["read"]
            found["links"] = len(network.links)
            for name in ("h0", f"h{hosts // 2}", f"h{hosts - 1}"):
                for other in network.node(name).addresses:
                    answers(network, topology, name, other)
            began = time.perf_counter()
        found["down"] = time.perf_counter() - began

    benchmark.pedantic(up_and_down, rounds=1)
    assert found["links"] == SPAN * hosts
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    benchmark.extra_info.update(found, hosts=hosts, peak=peak)


def answers(network, topology, name, interface):
    """Have the far end of a link answer a ping."""
    (link, end), *_ = [pair for pair in topology.ends_of(name) if pair[1].interface == interface]
    far = link.other(end)
    network.node(name).run("ping", "-c", "1", "-w", "10", "-I", interface, str(far.addresses[0].ip))
