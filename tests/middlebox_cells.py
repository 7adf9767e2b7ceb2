"""Connections through middleboxes, many at once, and what became of each.

A *cell* is one connection between a client and a server of its own: a box is on its only path, on
that of its first subflow, or on that of its second; and it faces there (from the client), back, or
both ways.
"""

from __future__ import annotations

import errno
import json
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import mptcpapi
from lab.build import Network
from lab.environment import counters
from lab.host import LabNode
from lab.workload import Pattern

PLACES = ("one", "first", "second")
WAYS = {"there": ("there",), "back": ("back",), "both": ("there", "back")}
CELLS = [(place, way) for place in PLACES for way in WAYS]

TEXT, OTHER, LONGER = b"<address 10.0.1.1>", b"<address 10.9.9.9>", b"<address 100.100.100.100>"
"""What a payload box looks for, and what it writes; the data has the first one in its middle."""

AMOUNT = 120_000
"""bytes in each direction"""

DEADLINE = 20.0
"""seconds until a connection that neither ends nor goes on counts as hanging"""

QUIET = 10.0
"""seconds without a byte until it counts as hanging"""

PORT = 5001


@dataclass
class Got:
    """What one end of a connection had of it."""

    data: bytes = b""
    error: str | None = None
    """the name of an errno; None after an orderly end"""
    mptcp: bool = False
    subflows: int = 0
    counters: dict[str, int] = field(default_factory=dict)


@dataclass
class Cell:
    """What became of a connection."""

    place: str
    way: str
    client: Got = field(default_factory=Got)
    server: Got = field(default_factory=Got)
    join: str | None = None
    """why there is no second subflow"""


def topology(boxes: list[dict[str, Any]]) -> str:
    """A pair of hosts for each cell, with a path that has ``boxes`` and perhaps a clean one."""
    links = {}
    for number, (place, way) in enumerate(CELLS):
        boxed = {side: {"middlebox": boxes} for side in WAYS[way]}
        paths = {"one": [boxed], "first": [boxed, {}], "second": [{}, boxed]}[place]
        for path, impairment in enumerate(paths):
            links[f"{place}-{way}-{path}"] = {
                "ends": [
                    f"{node(place, way, 'client')}:path{path}",
                    f"{node(place, way, 'server')}:path{path}",
                ],
                "subnet": f"10.{number}.{path}.0/24",
                **impairment,
            }
    hosts: dict[str, Any] = {}
    for place, way in CELLS:
        hosts[node(place, way, "client")] = {"path_manager": "userspace"}
        hosts[node(place, way, "server")] = {}
    return json.dumps({"topology": "1", "name": "boxed", "hosts": hosts, "links": links})


def node(place: str, way: str, role: str) -> str:
    """The name of a cell's host."""
    return f"{place}-{way}-{role}"


def sent_by(role: str) -> bytes:
    """What one end sends."""
    pattern = Pattern(PORT + len(role)).at(0, AMOUNT // 2)
    return pattern + TEXT + pattern


def run(net: Network, sysctls: Mapping[str, str]) -> list[Cell]:
    """Every cell at the same time."""
    for each in net.nodes:
        each.set_sysctls({name: v for name, v in sysctls.items() if each.sysctl(name) is not None})
    with ThreadPoolExecutor(len(CELLS)) as pool:
        return list(pool.map(lambda cell: connection(net, *cell), CELLS))


def wait_counted(host: LabNode, name: str, expected: bool) -> bool:
    """Whether a counter is not zero; where it is ``expected``, wait until it is, or QUIET."""
    end = time.monotonic() + QUIET
    while not (counted := counters(host)[name] > 0) and expected and time.monotonic() < end:
        time.sleep(0.01)
    return counted


def connection(net: Network, place: str, way: str) -> Cell:
    """Connect, open a second subflow if there is a path for it, and send data both ways."""
    cell = Cell(place, way)
    client, server = (net.node(node(place, way, role)) for role in ("client", "server"))
    with ExitStack() as undo:
        try:
            ends = _connected(client, server, undo)
            _exchange(*ends)
            if place != "one":
                cell.join = _join(ends[0], client)
            for end in ends:
                end.settimeout(QUIET)
            _talk(ends, cell)
        except OSError as error:
            cell.client.error = cell.server.error = _name(error)
    for host, got in ((client, cell.client), (server, cell.server)):
        got.counters = {name: value for name, value in counters(host).items() if value}
    return cell


def _connected(client: LabNode, server: LabNode, undo: ExitStack) -> list[mptcpapi.Socket]:
    """Both ends of a connection."""
    address = str(server.addresses["path0"][0].ip)
    with server.stack():
        listener = undo.enter_context(mptcpapi.create_server(("", PORT)))
    listener.settimeout(DEADLINE)
    with client.stack():
        connecting = undo.enter_context(mptcpapi.Socket(socket.AF_INET))
    connecting.settimeout(DEADLINE)
    connecting.connect((address, PORT))
    accepted = undo.enter_context(listener.accept()[0])
    accepted.settimeout(DEADLINE)
    return [connecting, accepted]


def _exchange(*ends: mptcpapi.Socket) -> None:
    """A byte each way: before, nobody may open a second subflow (RFC 8684, section 3.1)."""
    for sender, receiver in (ends, ends[::-1]):
        sender.sendall(b"x")
        receiver.recv(1)


def _join(sock: mptcpapi.Socket, client: LabNode) -> str | None:
    peer = f"{str(client.addresses['path1'][0].network)[:-5]}.2"
    try:
        sock.open_subflow(str(client.addresses["path1"][0].ip), (peer, PORT), timeout=3)
    except mptcpapi.MptcpError as error:
        return type(error).__name__
    return None


def _talk(ends: list[mptcpapi.Socket], cell: Cell) -> None:
    gots = (cell.client, cell.server)
    threads = [
        threading.Thread(target=_send_and_receive, args=(end, sent_by(role), got))
        for end, role, got in zip(ends, ("client", "server"), gots, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send_and_receive(end: mptcpapi.Socket, data: bytes, got: Got) -> None:
    sender = threading.Thread(target=_send, args=(end, data, got))
    sender.start()
    try:
        while len(got.data) < 2 * AMOUNT and (part := end.recv(1 << 16)):
            got.data += part
        got.mptcp = end.in_use()
        got.subflows = len(end.subflows()) if got.mptcp else 0
    except OSError as error:
        got.error = got.error or _name(error)
    sender.join()


def _send(end: mptcpapi.Socket, data: bytes, got: Got) -> None:
    try:
        end.sendall(data)
    except OSError as error:
        got.error = got.error or _name(error)
    with suppress(OSError):
        end.shutdown(socket.SHUT_WR)


def _name(error: OSError) -> str:
    if isinstance(error, TimeoutError) and error.errno is None:
        return "hangs"
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def as_dict(cell: Cell) -> dict[str, Any]:
    """For a run's manifest: the data is there as what became of it."""
    record = asdict(cell)
    for role, other in (("client", "server"), ("server", "client")):
        data = getattr(cell, role).data
        record[role] |= {"data": fate(data, sent_by(other)), "bytes": len(data)}
    return record


def fate(arrived: bytes, sent: bytes) -> str:
    """What became of data, in a word."""
    if arrived == sent:
        return "intact"
    if arrived in (sent.replace(TEXT, OTHER), sent.replace(TEXT, LONGER)):
        return "altered by the box"
    return "cut short" if sent.startswith(arrived) else "wrong"


def complaint(cell: Cell) -> str | None:
    """What is wrong with a connection's end; None if all has arrived, or both ends know better."""
    for role, other, got in (("client", "server", cell.client), ("server", "client", cell.server)):
        what = fate(got.data, sent_by(other))
        if got.error == "hangs":
            return f"the {role} waits for ever, after {len(got.data)} bytes"
        if what == "wrong" or (what == "cut short" and got.error is None):
            return f"the {role} has {what} data, {len(got.data)} bytes, and no error"
        if what not in ("intact", "cut short"):
            return f"the {role} has data {what}"
    if (cell.client.error is None) != (cell.server.error is None):
        return f"one end knows of an error: {cell.client.error}, {cell.server.error}"
    return None
