"""The layers and tshark read the same fields from every packet of the recorded captures."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mptcp_vectors import VECTORS
from scapy.layers.inet import IP, TCP
from scapy.utils import wrpcap

from lab.wire import reading
from lab.wire.mptcp import Dss

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None,
    reason="tshark is not installed; it is the independent witness of the layers",
)

DATA = Path(__file__).parent / "data"

FIELDS = {
    "subtype": "subtype",
    "version": "version",
    "sendkey": "sender_key",
    "recvkey": "receiver_key",
    "recvtok": "token",
    "sendrand": "nonce",
    "addrid": "address_id",
    "backup.flag": "backup",
    "rawdataack": "data_ack",
    "rawdataseqno": "dsn",
    "subflowseqno": "ssn",
    "datalvllen": "data_level_length",
    "checksum": "checksum",
    "echo": "echo",
    "port": "port",
    "rst_reason": "reason",
}
"""tshark's fields below tcp.options.mptcp, and ours, which have the same number."""


def by_tshark(path: Path) -> list[dict[str, list[int]]]:
    """The values of each field in each packet."""
    command = ["tshark", "-r", str(path), "-T", "fields", "-E", "occurrence=a"]
    for field in FIELDS:
        command += ["-e", f"tcp.options.mptcp.{field}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        {
            field: [int(value, 0) for value in column.split(",") if value]
            for field, column in zip(FIELDS, line.split("\t"), strict=True)
        }
        for line in done.stdout.splitlines()
    ]


def by_layers(path: Path) -> Iterator[tuple[int, dict[str, list[int]]]]:
    for segment in reading.read(path).segments:
        yield (
            segment.number,
            {
                field: [int(value) for option in segment.mptcp for value in values(option, ours)]
                for field, ours in FIELDS.items()
            },
        )


def values(option: Any, name: str) -> Iterator[int]:
    if isinstance(option, Dss) and name == "checksum":
        return  # tshark 4.0 shows that of MP_CAPABLE only
    if name == "address_id" and hasattr(option, "address_ids"):
        yield from option.address_ids
    value = getattr(option, name, None)
    if value is not None:
        yield value


@pytest.mark.parametrize("path", sorted(DATA.rglob("*.pcap")), ids=lambda path: path.stem)
def test_tshark_reads_the_same(path: Path) -> None:
    theirs = by_tshark(path)
    ours = dict(by_layers(path))

    assert ours
    assert {number: theirs[number - 1] for number in ours} == ours


def test_tshark_reads_what_we_build(tmp_path: Path) -> None:
    path = tmp_path / "built.pcap"
    layers = [layer(**fields) for _, layer, fields in VECTORS]
    header = IP(src="10.0.0.1", dst="10.0.0.2")
    wrpcap(str(path), [header / TCP(options=[("MPTCP", layer)]) for layer in layers], linktype=101)
    theirs = by_tshark(path)

    for layer, seen in zip(layers, theirs, strict=True):
        assert seen == {field: list(values(layer, ours)) for field, ours in FIELDS.items()}
