"""What `mptcpapi run` costs a program that does much else: iperf3 with and without it, in turn.

Which goes first alternates. `benchmarks/table.py` says whether a ratio has missed its target.
"""

import json
import statistics
import subprocess
import sys
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.benchmark(group="run")

RUN = (sys.executable, "-m", "mptcpapi", "run")
TURNS = 9
"""Of each; odd, so that there is a middle one."""


@contextmanager
def serving(server, *prefix):
    """An iperf3 server for one client."""
    command = [*prefix, "iperf3", "--server", "--one-off", "--forceflush"]
    with server.popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            while "listening" not in process.stdout.readline():
                assert process.poll() is None, "iperf3 did not start"
            yield
            process.communicate(timeout=10)
        finally:
            process.kill()


def rate(client, server, address, *prefix):
    """The bit rate of one second, in bit/s, as the receiver saw it."""
    with serving(server, *RUN, "--"):
        said = client.run(*prefix, "iperf3", "--client", address, "--time", "1", "--json")
    return json.loads(said)["end"]["sum_received"]["bits_per_second"]


def compare(benchmark, client, server, address, *options):
    """Measure with and without in turn; the medians go to the data of the run."""
    prefixes = {"without": (), "with": (*RUN, *options, "--")}
    found = {name: [] for name in prefixes}
    order = list(prefixes)

    def once():
        for name in order:
            found[name].append(rate(client, server, address, *prefixes[name]))
        order.reverse()  # what goes first has the machine colder, or warmer

    benchmark.pedantic(once, rounds=TURNS)
    benchmark.extra_info.update({name: statistics.median(each) for name, each in found.items()})


@pytest.mark.topology("veth")
def test_filter(benchmark, client, server):
    """The same TCP, as fast as the machine lets it be: what the filter alone costs."""
    compare(benchmark, client, server, "10.0.1.2", "--no-upgrade")


@pytest.mark.topology("veth")
def test_upgrade(benchmark, client, server):
    """MPTCP instead of TCP, as fast as the machine lets it be."""
    compare(benchmark, client, server, "10.0.1.2")


@pytest.mark.topology("two_paths")
def test_upgrade_on_a_link(benchmark, client, server):
    """MPTCP instead of TCP over a link of 50 Mbit/s."""
    compare(benchmark, client, server, "10.0.9.2")
