"""What follows from options is what tshark's analysis says: tokens, IDSNs, connections, places.

Its fields that are not compared, here or in the other tests, stand in docs/verify.md with the
reason; the last test knows them all.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tshark_fields import NAMES, needs_tshark

from lab import columns
from lab.columns.analysis import Analysis
from lab.columns.mptcp import Field, Flag, Subtype
from lab.wire import keys

pytestmark = needs_tshark

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data"
CAPTURES = sorted(path for path in DATA.rglob("*.pcap") if "fallback" not in path.name)
FIELDS = (
    "mptcp.stream", "mptcp.master", "mptcp.expected_token", "mptcp.expected_idsn",
    "mptcp.dss.dsn", "mptcp.ack", "mptcp.rm_addr.count",
)  # fmt: skip

Rows = dict[int, dict[str, int]]


def by_tshark(path: Path) -> Rows:
    """The fields of each packet that have a value."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-e", "frame.number"]
    command += [word for name in FIELDS for word in ("-e", name)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows: Rows = {}
    for line in done.stdout.splitlines():
        number, *found = line.split("\t")
        values = zip(FIELDS, found, strict=True)
        rows[int(number)] = {name: int(value, 0) for name, value in values if value}
    return rows


class Ours:
    """The same fields of a capture with one connection."""

    def __init__(self, path: Path) -> None:
        self.capture = columns.read(path)
        self.analysis = Analysis.of(self.capture)
        o = self.capture.options
        row = np.flatnonzero(o.has(Field.receiver_key) & (o.subtype == Subtype.MP_CAPABLE))[0]
        self.key = {True: int(o.sender_key[row]), False: int(o.receiver_key[row])}
        """By whether the connection's initiator has it."""

    def rows(self) -> Rows:
        flows, numbers = self.analysis.flows, self.capture.packets.number.tolist()
        found: Rows = {}
        for at, number in enumerate(numbers):
            known = self.analysis.subflows[flows.subflow[at]]
            found[number] = {
                "mptcp.stream": int(flows.connection[at]),
                "mptcp.master": known.master,
            }
        for row in range(len(self.capture.options)):
            found[int(self.capture.options.number[row])].update(self._option(row))
        return found

    def _option(self, row: int) -> dict[str, int]:
        o, forward = self.capture.options, bool(self.analysis.flows.forward[self._packet(row)])
        subtype = o.subtype[row]
        if subtype == Subtype.MP_CAPABLE and o.present[row] & Field.sender_key:
            key = self.key[forward]
            return {"mptcp.expected_token": keys.token(key), "mptcp.expected_idsn": keys.idsn(key)}
        if subtype == Subtype.REMOVE_ADDR:
            return {"mptcp.rm_addr.count": int(o.length[row]) - 3}
        if subtype != Subtype.DSS:
            return {}
        found = {}
        for field, long, name, key in (
            (Field.data_ack, Flag.DSS_ACK_8, "mptcp.ack", self.key[not forward]),
            (Field.dsn, Flag.DSS_MAP_8, "mptcp.dss.dsn", self.key[forward]),
        ):
            if o.present[row] & field:
                number = int(getattr(o, str(field.name))[row])
                octets = 8 if o.flags[row] & long else 4
                found[name] = (number - keys.idsn(key)) % 256**octets
        return found

    def _packet(self, row: int) -> int:
        return int(self.capture.options.packet[row])


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_the_same_follows_from_the_options(path: Path) -> None:
    theirs, ours = by_tshark(path), Ours(path).rows()

    seen = {name for row in theirs.values() for name in row}
    assert seen >= set(FIELDS) - {"mptcp.rm_addr.count"}
    for number, row in theirs.items():
        expected = {name: ours[number].get(name) for name in row}
        assert row == expected, f"packet {number}"


def test_every_field_is_compared_or_left_out_with_a_reason() -> None:
    done = subprocess.run(["tshark", "-G", "fields"], capture_output=True, check=True)
    known = re.findall(r"\t((?:mptcp|tcp\.options\.mptcp)\.[\w.]+)\t", done.stdout.decode())
    told = (ROOT / "docs" / "verify.md").read_text("utf-8")

    assert len(known) > 50
    assert [n for n in known if n not in (*NAMES, *FIELDS) and f"`{n}`" not in told] == []
