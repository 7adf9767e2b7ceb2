"""Middleboxes of every kind on one path or two, in each direction: no wrong byte is accepted.

What became of each connection stands in the run's manifest; ``python scenarios/middlebox_table.py``
makes the table in docs/middleboxes.md of it.
"""

import pytest
from middlebox_cells import (
    LONGER,
    OTHER,
    PLACES,
    TEXT,
    as_dict,
    complaint,
    node,
    run,
    topology,
    wait_counted,
)

STRIP = {"option": 30}
SMALL = {"split": {"at": "500 B", "options": "all"}}
CHECKSUM = {"net.mptcp.checksum_enabled": "1"}
IMPATIENT = {
    # After the first SYN without answer the next has no option; other connections still try it.
    "net.mptcp.syn_retrans_before_tcp_fallback": "1",
    "net.mptcp.blackhole_timeout": "0",
    "net.ipv4.tcp_syn_retries": "1",
    "net.mptcp.close_timeout": "5",
}

KINDS = {
    "strip from SYNs": [{"strip": {**STRIP, "from": "syn"}}],
    "strip from all but SYNs": [{"strip": {**STRIP, "from": "not-syn"}}],
    "strip from all": [{"strip": STRIP}],
    "strip after 20 packets": [{"strip": {**STRIP, "after": "20 packets"}}],
    "strip after 50 kB": [{"strip": {**STRIP, "after": "50 kB"}}],
    "strip MP_JOIN": [{"strip": {**STRIP, "subtype": "MP_JOIN"}}],
    "alter in SYNs": [{"alter": {**STRIP, "from": "syn"}}],
    "alter in all but SYNs": [{"alter": {**STRIP, "from": "not-syn"}}],
    "alter after 20 packets": [{"alter": {**STRIP, "subtype": "DSS", "after": "20 packets"}}],
    "sequence numbers": [{"sequence": {}}],
    "sequence numbers, not SACK": [{"sequence": {"sack": "untouched"}}],
    "split, options on all": [{"split": {"at": "500 B", "options": "all"}}],
    "split, options on the first": [{"split": {"at": "500 B", "options": "first"}}],
    "coalesce": [SMALL, {"coalesce": {"up_to": "1400 B", "wait": "5 ms"}}],
    "drop SYNs": [{"drop": {**STRIP, "from": "syn"}}],
    "reset SYNs": [{"reset": {**STRIP, "from": "syn", "to": "both"}}],
    "reset after 20 packets": [{"reset": {"after": "20 packets", "to": "both"}}],
    "payload": [{"payload": {"replace": TEXT.decode(), "with": OTHER.decode()}}],
    "longer payload": [{"payload": {"replace": TEXT.decode(), "with": LONGER.decode()}}],
}
ROWS = [(name, checksum) for name in KINDS for checksum in (False, True)
        if not checksum or "payload" in name]  # fmt: skip


@pytest.fixture
def topology_file(request, tmp_path):
    """Written for the kind of box."""
    name, _ = request.node.callspec.params["row"]
    path = tmp_path / "boxed.yaml"
    path.write_text(topology(KINDS[name]), encoding="utf-8")
    return path


ENDS_IN_TCP = (
    "strip from all but SYNs", "strip after 20 packets", "strip after 50 kB",
    "alter in all but SYNs", "alter after 20 packets", "coalesce",
    "payload, checksum", "longer payload, checksum",
)  # fmt: skip
"""Where a connection with one subflow falls back after its beginning."""

DEFECTS = {(row, "one") for row in ENDS_IN_TCP}
DEFECTS |= {("alter in SYNs", place, "back") for place in ("one", "first")}
"""Where Linux 6.18 hands over wrong bytes or waits for ever: rows, the place of the box, perhaps
its direction. test_middlebox_defects.py has what is the same each time."""

UNKNOWABLE = ("payload", "longer payload", "alter in all but SYNs", "alter after 20 packets")
UNDETECTABLE = {(row, place) for row in UNKNOWABLE for place in PLACES}
"""Of data without checksums (RFC 8684, section 3.3.1), and of a DATA_ACK, nobody can know that they
were altered."""

EXCUSED = DEFECTS | UNDETECTABLE


def named(row):
    """What a row is called."""
    name, checksum = row
    return name + ", checksum" * checksum


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_every_byte_arrives_unchanged_or_the_connection_fails(net, result, row):
    """Where it fails, both ends know; of two paths, checksums find the one that alters data."""
    cells = run(net, IMPATIENT | (CHECKSUM if row[1] else {}))
    result.describe(middlebox=named(row), cells=[as_dict(cell) for cell in cells])

    assert any(sum(hop.acted()) for link in net.links if link.cable for hop in link.cable.hops)
    complaints = {
        (cell.place, cell.way): wrong
        for cell in cells
        if not {(named(row), cell.place), (named(row), cell.place, cell.way)} & EXCUSED
        and (wrong := complaint(cell))
    }
    assert not complaints


@pytest.mark.parametrize("row", [("payload", False), ("payload", True)], ids=named)
def test_checksums_find_what_a_box_has_altered(net, row):
    """On one path, where the text must pass: it arrives altered, and MP_FAIL says so.

    An end that has ended its own data may say so as late as with its FIN, after it was closed.
    """
    cells = {(cell.place, cell.way): cell for cell in run(net, CHECKSUM if row[1] else {})}

    for way, role in (("there", "server"), ("back", "client")):
        got = getattr(cells["one", way], role)
        assert TEXT not in got.data
        assert ("DataCsumErr" in got.counters) == row[1]
        assert wait_counted(net.node(node("one", way, role)), "MPFailTx", row[1]) == row[1]
