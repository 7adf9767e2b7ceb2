"""The fixtures of scenarios."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab import environment, sandbox
from lab.build import Network
from lab.capture import Captures
from lab.errors import SandboxForbidden
from lab.flow import Family, Flow
from lab.flow import family as flow_family
from lab.host import LabNode
from lab.load import load
from lab.model import Topology
from lab.plugin import markers
from lab.plugin.markers import flow_options, planted
from lab.plugin.measuring import require_fidelity
from lab.plugin.parameters import chosen
from lab.plugin.verdicts import RUN, at_the_end, on_condition
from lab.run import Run
from lab.timeline import Playing, Step, play
from lab.verify import Report


@pytest.fixture
def topology_file(request: pytest.FixtureRequest) -> Path:
    """The file that the test's marker names; a module may have a fixture that writes its own."""
    return markers.topology_file(request)


@pytest.fixture
def topology(request: pytest.FixtureRequest, topology_file: Path) -> Topology:
    """The topology of the test, or that of ``--topology``, with what ``--override`` changes."""
    option = request.config.option
    return load(option.topology or topology_file, option.override)


@pytest.fixture
def result(request: pytest.FixtureRequest, topology: Topology, topology_file: Path) -> Run:
    """The run of this test: its directory, its records, its seed."""
    planted(request)  # a mistake in it is told before anything is built
    config = request.config
    seed = config.option.seed
    run = Run(
        config.option.results or config.rootpath / "results",
        request.node.nodeid,
        seed=secrets.randbits(32) if seed is None else seed,
    )
    request.node.stash[RUN] = run
    run.describe(**chosen(request.node), options=_options(config.option))
    if config.option.campaign:
        run.describe(campaign=json.loads(config.option.campaign))
    command = ["pytest", *map(str, config.invocation_params.args)]
    environment.introduce(run, topology, config.option.topology or topology_file, command)
    return run


def _options(option: argparse.Namespace) -> dict[str, Any]:
    """What was asked for that decides how a scenario runs and is judged; mptcp-lab rerun does."""
    return {
        "backend": option.backend,
        "stack": option.stack,
        "verify": option.verify,
        "measure": not option.no_measure,
    }


@pytest.fixture
def net(request: pytest.FixtureRequest, topology: Topology, result: Run) -> Iterator[Network]:
    """The network of the topology, up."""
    if not sandbox.inside():
        raise SandboxForbidden(
            sandbox.why_not()
            or "pytest was started with plug-in objects, which cannot follow it "
            "into a sandbox: start it as 'pytest' or 'python -m pytest'"
        )
    require_fidelity(request.config, topology, result)
    backend, stack = request.config.option.backend, request.config.option.stack
    with Network(topology, backend=backend, seed=result.seed, stack=stack) as network:
        on_condition(request.node, network.require_sound)
        result.describe(backend=network.backend, stack=stack)
        environment.describe_before(result, network.nodes)
        yield network
        environment.describe_after(result, network.nodes)


@pytest.fixture
def client(net: Network) -> LabNode:
    """The host named client."""
    return net.node("client")


@pytest.fixture
def server(net: Network) -> LabNode:
    """The host named server."""
    return net.node("server")


@pytest.fixture
def capture(
    request: pytest.FixtureRequest, net: Network, topology: Topology, result: Run
) -> Iterator[Captures]:
    """Captures at all hosts, running before the first packet."""
    hosts = (net.node(name) for name in topology.hosts)
    with Captures(hosts, result.captures) as captures:
        violations = planted(request)
        if violations or request.config.option.verify:
            tell = partial(_keep, result)
            at_the_end(
                request.node, partial(captures.expect_kept, tell, except_for=violations or ())
            )
        at_the_end(request.node, captures.stop)
        yield captures
        captures.stop()
        result.describe(captures=captures.counters)


def _keep(run: Run, report: Report) -> None:
    """Keep in the manifest what was checked in the captures, and found."""
    run.describe(verification=report.as_dict())


@pytest.fixture
def family(topology: Topology) -> Family:
    """The address family of the flow: IPv4 where the server has it; parametrize it for others."""
    return flow_family(topology)


@pytest.fixture
def flow(
    request: pytest.FixtureRequest,
    client: LabNode,
    server: LabNode,
    topology: Topology,
    capture: Captures,  # it runs before the first SYN
    result: Run,
    family: Family,
) -> Iterator[Flow]:
    """A connection from client to server that carries data, all of which must arrive."""
    options = flow_options(request)
    with Flow(client, server, topology, result, family=family, **options) as flow:
        at_the_end(request.node, flow.close)
        at_the_end(request.node, flow.finish)
        yield flow


class Timeline:
    """Plays steps in the network of a test, until it ends; all of them must be played by then."""

    def __init__(self, network: Network, run: Run, item: pytest.Item, undo: ExitStack) -> None:
        self._network, self._run, self._item, self._undo = network, run, item, undo

    def __call__(self, *steps: Step) -> Playing:
        """Begin now; the answer's ``wait(step)`` tells when a step was played."""
        playing = play(self._network, *steps, run=self._run).begin()
        self._undo.callback(playing.stop)
        at_the_end(self._item, playing.finish)
        return playing


@pytest.fixture
def timeline(request: pytest.FixtureRequest, net: Network, result: Run) -> Iterator[Timeline]:
    """``timeline(at("1 s", Cut("wifi")), …)`` changes the network from now on."""
    with ExitStack() as undo:
        yield Timeline(net, result, request.node, undo)
