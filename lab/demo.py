"""What ``mptcp-lab demo`` does: one subflow's life, each step with its three witnesses."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from lab import environment
from lab.build import Network
from lab.capture import Captures
from lab.errors import InvalidRun, LabError, ScenarioFailed, Unsupported
from lab.flow import Flow, family
from lab.model import Topology
from lab.result.ending import conclude
from lab.run import Run, Verdict
from lab.trace import Trace
from lab.units import size_text
from lab.wire.mptcp import MpPrio
from lab.wire.segment import Segment
from mptcpapi import Event, EventKind, MptcpError, Subflow

SECOND_PATH = "lte"
"""The link on which the subflow is opened."""

PHASE = "500 kB"
"""delivered between two steps, so that each has something to show on the wire."""


class Step(NamedTuple):
    """One step of the demonstration."""

    done: str
    """The call."""
    api: str
    """What it returned."""
    kernel: str
    """The event that the kernel sent, and at which host."""
    wire: str
    """What the capture at the server shows, with packet numbers as in Wireshark."""


def run(
    topology: Topology, file: Path, results: Path, backend: str | None = None
) -> tuple[list[Step], Path]:
    """Run the demonstration; give its steps and the directory of its run.

    ``backend`` names what emulates impairments; None takes what works here.

    :raises LabError: something did not happen as it should; the run says so too.
    """
    kept = Run(results, "demo", seed=secrets.randbits(32))
    environment.introduce(kept, topology, file, ["mptcp-lab", *sys.argv[1:]])
    with _judged(kept), Network(topology, backend=backend, seed=kept.seed) as network:
        kept.describe(backend=network.backend)
        environment.describe_before(kept, network.nodes)
        hosts = [network.node(name) for name in topology.hosts]
        with Captures(hosts, kept.captures) as captures, network.sound():
            steps = _steps(network, captures, kept)
            captures.stop()
        kept.describe(captures=captures.counters)
        environment.describe_after(kept, network.nodes)
    return steps, kept.directory


@contextmanager
def _judged(kept: Run) -> Iterator[None]:
    """Write into the manifest how the body ended."""
    try:
        yield
    except (LabError, MptcpError) as error:
        conclude(kept, _verdict(error), str(error))
        raise
    conclude(kept, Verdict.PASSED)


def _verdict(error: Exception) -> Verdict:
    if isinstance(error, Unsupported):
        return Verdict.SKIPPED
    return Verdict.INVALID if isinstance(error, InvalidRun) else Verdict.FAILED


def _steps(network: Network, captures: Captures, kept: Run) -> list[Step]:
    client, server = network.node("client"), network.node("server")
    say = Console(stderr=True).status
    with (
        say("a subflow opens, falls silent, carries again and closes, during a transfer"),
        Flow(client, server, network.topology, kept, family=family(network.topology)) as flow,
    ):
        flow.wait_delivered(PHASE)
        opened = flow.open_subflow(SECOND_PATH)
        flow.wait_delivered_more(PHASE)
        flow.connection.set_backup(opened, True)
        flow.wait_delivered_more(PHASE)
        flow.connection.set_backup(opened, False)
        flow.wait_delivered_more(PHASE)
        flow.connection.close_subflow(opened)
        flow.wait_delivered_more(PHASE)
        delivered = flow.finish()
        trace = captures.at("server")
        return [
            _connected(flow, trace, delivered),
            _opened(flow, trace, opened),
            *_prioritised(flow, trace, opened),
            _closed(flow, trace, opened),
        ]


def _connected(flow: Flow, trace: Trace, delivered: int) -> Step:
    connection = trace.connection()
    packets = _packets(connection.syn, connection.syn_ack, connection.ack)
    event = flow.events["server"].wait(EventKind.ESTABLISHED)
    first = flow.first
    return Step(
        "connect, transfer",
        f"{_ends(first)}; {size_text(delivered)} delivered unaltered",
        _said(event, "server"),
        f"MP_CAPABLE in packets {packets}",
    )


def _opened(flow: Flow, trace: Trace, subflow: Subflow) -> Step:
    join = trace.join()
    join.verify(trace.connection())
    event = flow.events["server"].wait(EventKind.SUB_ESTABLISHED, subflow)
    return Step(
        f"open_subflow on {SECOND_PATH}",
        f"subflow {subflow.id}, {_ends(subflow)}",
        _said(event, "server"),
        f"MP_JOIN in packets {_packets(join.syn, join.syn_ack, join.ack)}: token and both HMACs "
        "follow from the keys",
    )


def _prioritised(flow: Flow, trace: Trace, subflow: Subflow) -> Iterator[Step]:
    wire = trace.arrived().all(MpPrio)
    if [bool(option.backup) for _, option in wire] != [True, False]:
        raise ScenarioFailed(f"expected MP_PRIO with B=1, then with B=0; saw {wire}")
    (backup, _), (normal, _) = wire
    arrived = trace.arrived().on(subflow)
    carried = {
        True: arrived.after(backup.time).before(normal.time).payload(),
        False: arrived.after(normal.time).payload(),
    }
    for (segment, _), wanted in zip(wire, (True, False), strict=True):
        event = flow.events["server"].wait(EventKind.SUB_PRIORITY, subflow, backup=wanted)
        yield Step(
            f"set_backup {wanted}",
            f"subflow {subflow.id} is {'backup' if wanted else 'normal'}",
            f"{_said(event, 'server')}, backup={event.backup}",
            f"MP_PRIO with B={int(wanted)} in packet {segment.number}; until the next step "
            f"{carried[wanted]} bytes came on {SECOND_PATH}",
        )


def _closed(flow: Flow, trace: Trace, subflow: Subflow) -> Step:
    event = flow.events["client"].wait(EventKind.SUB_CLOSED, subflow)
    fins = [segment for segment in trace.arrived().on(subflow) if segment.fin]
    if not fins:
        raise ScenarioFailed(f"no FIN came on {_ends(subflow)}\n{trace.summary()}")
    later = trace.arrived().on(flow.first).after(trace.on(subflow).end).payload()
    return Step(
        "close_subflow",
        f"{len(flow.connection.subflows())} subflow is left",
        _said(event, "client"),
        f"FIN in packet {fins[0].number}; after the subflow's last packet {later} bytes "
        "came on the other",
    )


def _said(event: Event, host: str) -> str:
    return f"{event.kind.name} at {host}"


def _ends(subflow: Subflow) -> str:
    return f"{subflow.local} > {subflow.remote}"


def _packets(*segments: Segment | None) -> str:
    return ", ".join(str(segment.number) for segment in segments if segment)
