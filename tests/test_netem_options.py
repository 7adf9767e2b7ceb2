"""netem is told what iproute2's tc would tell it; what that sent was recorded."""

import json
import struct
from pathlib import Path

import pytest

from lab.backend.netem import NetemBackend
from lab.errors import Unsupported
from lab.hop import netem_tables
from lab.hop.netem_options import (
    TCA_NETEM_CORRUPT,
    TCA_NETEM_DELAY_DIST,
    TCA_NETEM_PRNG_SEED,
    options,
)
from lab.model import Bursts, Direction

RECORDED = json.loads(Path(__file__).with_name("data").joinpath("netem_requests.json").read_text())

DECLARED = {
    "delay": Direction(delay=0.01),
    "jitter": Direction(delay=0.01, jitter=0.002),
    "normal": Direction(delay=0.06, jitter=0.01, distribution="normal"),
    "loss": Direction(loss=0.01),
    "bursts": Direction(loss=Bursts(enter="1 %", leave="20 %", bad="60 %", good="5 %")),
    "duplicate": Direction(duplicate=0.02),
    "reorder": Direction(delay=0.01, reorder=0.25),
    "corrupt": Direction(corrupt=0.005),
}

QOPT = 24
"""octets of ``struct tc_netem_qopt``"""


def parsed(content):
    """``struct tc_netem_qopt``, and the attributes behind it by their kinds."""
    found, at = {}, QOPT
    while at < len(content):
        length, kind = struct.unpack_from("=HH", content, at)
        found[kind] = content[at + 4 : at + length]
        at += length + -length % 4
    return struct.unpack_from("=6I", content), found


@pytest.mark.parametrize("name", RECORDED["requests"])
def test_the_request_is_that_of_tc(name):
    direction = DECLARED[name]
    recorded = parsed(bytes.fromhex(RECORDED["requests"][name]["options"]))

    mine = parsed(options(direction, seed=7, table=netem_tables.table(direction.distribution)))

    assert mine[1].pop(TCA_NETEM_PRNG_SEED) == struct.pack("=Q", 7)
    assert mine == recorded


def test_a_change_says_what_is_no_more():
    _, attributes = parsed(options(Direction(), seed=7, change=True))

    assert attributes[TCA_NETEM_CORRUPT] == bytes(8)
    assert len(attributes[TCA_NETEM_DELAY_DIST]) == 2 * 4096


def test_a_distribution_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(netem_tables, "PLACES", (str(tmp_path)[1:],))
    netem_tables.table.cache_clear()

    with pytest.raises(Unsupported, match=r"no pareto\.dist is found in .*: install iproute2"):
        netem_tables.table("pareto")


def test_a_distribution_from_a_place_that_is_named(tmp_path, monkeypatch):
    (tmp_path / "pareto.dist").write_text("# made for a test\n 1 -2\n3\n", encoding="ascii")
    monkeypatch.setenv("TC_LIB_DIR", str(tmp_path))
    netem_tables.table.cache_clear()

    assert netem_tables.table("pareto") == (1, -2, 3)
    netem_tables.table.cache_clear()


@pytest.mark.parametrize(
    ("direction", "said"),
    [
        (Direction(delay=300.0), "a delay of 300 s, and netem can count 274.9 s"),
        (Direction(delay=3.0, jitter=2.5), "a jitter of 2.5 s, and netem can count 2 s"),
    ],
)
def test_what_it_cannot_count_is_named(direction, said):
    with pytest.raises(Unsupported, match=f"link 'wifi' declares {said}"):
        NetemBackend().check("wifi", direction)
