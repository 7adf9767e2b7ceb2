"""Parquet, CSV, comments in a pcapng copy, and the commands that make them."""

from __future__ import annotations

import csv
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from capture_edit import DATA, Editable
from capture_files import BIG, LITTLE, block, enhanced, interface, pcap_file, section, simple
from click.testing import CliRunner, Result
from mixed_corpus import packets
from tshark_fields import needs_tshark
from written_connection import FIRST, Wire

from lab import cli, columns
from lab.columns.annotate import annotated
from lab.columns.capture import Capture, decoded
from lab.columns.comments import comments
from lab.columns.export import arrow
from lab.columns.mptcp import Field
from lab.columns.printed import aligned
from lab.wire import mptcp
from lab.wire.capture_file import records
from lab.wire.mptcp import MpJoinAck

V4 = Path(__file__).parent / "data" / "join_prio_v4.pcap"
MIXED = pcap_file(packets(), link_type=101, snap_length=0)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(cli.commands, [str(argument) for argument in arguments])


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def mixed() -> Capture:
    return Capture.joined(list(decoded(np.frombuffer(MIXED, np.uint8), "x")))


def test_parquet_and_csv_hold_the_same(tmp_path: Path) -> None:
    file = tmp_path / "mixed.pcap"
    file.write_bytes(MIXED)
    for table in ("packets", "options"):
        for kind in ("csv", "parquet"):
            done = invoke("packets", file, "--table", table, f"--{kind}", tmp_path / f"t.{kind}")
            assert done.exit_code == 0, done.output
        rows = pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pylist()
        text = [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]

        assert len(rows) == len(getattr(mixed(), table))
        assert read_csv(tmp_path / "t.csv") == text


def test_an_option_has_null_where_it_lacks_a_field() -> None:
    capture = mixed()
    rows = arrow(capture.options).to_pylist()

    for field in Field:
        there = [row[str(field.name)] is not None for row in rows]
        assert there == capture.options.has(field).tolist(), field.name
    assert {"10.0.2.2", "fd00:2::5"} == {row["address"] for row in rows} - {None}
    assert "0001020304050607" in {row["removed"] for row in rows}


def test_several_files_are_one_table(tmp_path: Path) -> None:
    other = tmp_path / "other.pcap"
    other.write_bytes(V4.read_bytes())
    invoke("packets", V4, other, "--csv", tmp_path / "both.csv")

    rows = read_csv(tmp_path / "both.csv")
    assert {row["file"] for row in rows} == {str(V4), str(other)}
    assert len(rows) == 2 * len(columns.read(V4).packets)


def test_mappings_subflows_and_handovers(tmp_path: Path) -> None:
    found = {}
    for table in ("mappings", "subflows", "handovers"):
        out = tmp_path / f"{table}.parquet"
        assert invoke("series", V4, "--table", table, "--parquet", out).exit_code == 0
        found[table] = pyarrow.parquet.read_table(out).to_pylist()

    assert len(found["mappings"]) == 17
    assert [row["first"] for row in found["subflows"]] == [300, 1800]
    assert found["subflows"][1]["source"] == "10.0.1.1:32906"
    assert found["handovers"] == []


# Comments


def said(data: bytes) -> list[tuple[int, str]]:
    return list(comments(decoded(np.frombuffer(data, np.uint8), "x")))


def copy(data: bytes, lines: list[tuple[int, str]]) -> bytes:
    return b"".join(annotated(data, "x", lines))


def test_each_option_is_described() -> None:
    lines = said(MIXED)

    assert [number for number, _ in lines] == mixed().options.number.tolist()
    names = {line.partition(":")[0] for _, line in lines}
    known = set(mptcp.Subtype.__members__) - {"MP_EXPERIMENTAL"}
    assert names == known | {"MPTCP subtype 15, 9 octets", "MPTCP subtype 10, 9 octets"}


PCAPNG = {
    order: section(order)
    + interface(order, 101, 0, {9: b"\x09"})
    + block(order, 0x80000001, b"kept")
    + simple(order, packets()[0])
    + b"".join(enhanced(order, 0, n << 40, packet) for n, packet in enumerate(packets()))
    for order in (LITTLE, BIG)
}


@pytest.mark.parametrize("data", [MIXED, V4.read_bytes(), *PCAPNG.values()])
def test_a_copy_with_comments_has_the_same_packets(data: bytes) -> None:
    made = copy(data, said(data))

    strip = [(r.number, r.time, r.frame, r.interface.link_type) for r in records(made, "x")]
    assert strip == [(r.number, r.time, r.frame, r.interface.link_type) for r in records(data, "x")]
    assert len(strip) > 40
    assert b"kept" in made or b"kept" not in data


def test_a_copy_without_comments_is_the_same_but_for_the_section_length() -> None:
    data = PCAPNG[LITTLE]

    assert copy(data, []) == data


def test_own_comments_stay() -> None:
    option = struct.pack("<HH", 1, 4) + b"mine" + bytes(4)
    packet = packets()[0]
    body = struct.pack("<IIIII", 0, 0, 0, len(packet), len(packet)) + packet
    body += bytes(-len(body) % 4) + option
    made = copy(section("<") + interface("<", 101, 0) + block("<", 6, body), [(1, "ours")])

    assert b"mine" in made
    assert made.index(b"ours") < made.index(b"mine")


@needs_tshark
@pytest.mark.parametrize("data", [MIXED, *PCAPNG.values()], ids=["pcap", "little", "big"])
def test_tshark_shows_the_comments(tmp_path: Path, data: bytes) -> None:
    file, out = tmp_path / "in", tmp_path / "out.pcapng"
    file.write_bytes(data)
    assert invoke("annotate", file, out, "--words-only").exit_code == 0
    found = [(number, line) for number, lines in shown(out).items() for line in lines]

    simple_packet = data is not MIXED
    assert found == [(n, line) for n, line in said(data) if not (simple_packet and n == 1)]


def shown(path: Path) -> dict[int, list[str]]:
    """The lines of each packet's comment, as tshark shows them."""
    asked = ["tshark", "-r", str(path), "-T", "fields", "-e", "frame.number", "-e", "frame.comment",
             "-Y", "pkt_comment"]  # fmt: skip
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    found = (row.partition("\t") for row in done.stdout.splitlines())
    return {int(number): text.split("\\n") for number, _, text in found}


def about(path: Path) -> str:
    """The comment of the first section, as capinfos of Wireshark shows it."""
    asked = ["capinfos", "-k", "-M", str(path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    return done.stdout.partition("Capture comment:")[2].strip()


@pytest.fixture
def wrong_proof(tmp_path: Path) -> Path:
    """A capture in which the HMAC of a third packet was changed."""
    changed = Editable("fin_v4_client")
    changed.edit(MpJoinAck, 0, hmac=bytes(20))
    path = tmp_path / "wrong.pcap"
    frames = [frame[:1400] for frame in changed.frames]
    path.write_bytes(pcap_file(frames, link_type=changed.link_type))
    return path


@needs_tshark
def test_tshark_shows_what_the_verifier_found(wrong_proof: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    assert invoke("annotate", wrong_proof, out).exit_code == 0
    comments = shown(out)

    violations = {n: line for n, lines in comments.items() for line in lines if "violation" in line}
    ((number, violation),) = violations.items()
    assert comments[number][0] == f"MP_JOIN: HMAC {bytes(20).hex()}"
    assert violation.startswith("violation: join 10.0.2.1:51367 > 10.0.9.2:45359: the HMAC of the")
    assert violation.endswith("(RFC 8684 section 3.2)")
    assert comments[46][1] == "note: a subflow was reset: unspecified (RFC 8684 section 3.6)"
    assert "violation" not in about(out)
    assert about(out).startswith(f"mptcp-lab verify: {wrong_proof}: violated")


@needs_tshark
def test_tshark_shows_what_has_no_packet(wrong_proof: Path, tmp_path: Path) -> None:
    """What another capture shows, and what was not checked, is said of the capture as a whole."""
    right, out = DATA / "fin_v4_client.pcap", tmp_path / "out.pcapng"
    assert invoke("annotate", right, out, "--with", wrong_proof).exit_code == 0

    assert f"{right}, {wrong_proof}: violated" in about(out)
    assert invoke("annotate", V4.with_name("join_prio_v6_checksum.pcap"), out).exit_code == 0
    assert "unchecked: 6 DSS checksums: the data were not captured as a whole" in about(out)


@needs_tshark
def test_words_only_are_without_findings(wrong_proof: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcapng"
    assert invoke("annotate", wrong_proof, out, "--words-only").exit_code == 0

    assert about(out) == ""
    assert not any("violation" in line for lines in shown(out).values() for line in lines)


def test_a_damaged_capture_is_annotated_but_not_verified(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pcap"
    damaged.write_bytes(V4.read_bytes()[:3000] + bytes(100))
    done = invoke("annotate", damaged, tmp_path / "out.pcapng")

    assert done.exit_code == 0, done.output
    assert "warning: not verified: " in done.stderr
    assert b"not verified: " in (tmp_path / "out.pcapng").read_bytes()


@pytest.mark.parametrize("order", [LITTLE, BIG])
def test_every_section_gets_longer_by_its_comments(order: str) -> None:
    """A reader that believes in a section's length would miss what was added."""
    packet = enhanced(order, 0, 1, packets()[0])
    whole = interface(order, 101, 0) + packet
    head = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, len(whole))
    made = copy(2 * (block(order, 0x0A0D0D0A, head) + whole), [(1, "one"), (2, "two")])

    assert made.count(struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)) == 2
    assert [record.frame for record in records(made, "x")] == 2 * [packets()[0]]


# In the terminal


def test_packets_in_words() -> None:
    done = invoke("packets", V4, "--limit", 8)

    assert "10.0.2.1:53241 > 10.0.1.2:5000  S  0 octets\n" in done.output
    assert "MP_JOIN: address id 7, to the connection with token 0x605cc030" in done.output
    assert done.output.count(" octets\n") == 8


def test_packets_as_json() -> None:
    done = invoke("packets", V4, "--json", "--limit", 0)
    lines = [json.loads(line) for line in done.output.splitlines()]

    assert len(lines) == len(columns.read(V4).packets)
    assert lines[0]["mptcp"][0]["meaning"] == "MP_CAPABLE: version 1, no key yet"


def test_series_in_the_terminal() -> None:
    done = invoke("series", V4)

    assert "connection 1, subflow 2 (backup): 10.0.2.1:53241 > 10.0.1.2:5000" in done.output
    assert all(len(line) <= 80 for line in done.output.splitlines()[1:])
    assert invoke("series", V4, "--every", "100 ms", "--json").output.count("\n") == 12


def table(*arguments: object) -> list[list[str]]:
    """The cells of what is printed below the names of the subflows."""
    lines = invoke("series", *arguments).output.splitlines()[1:]
    return [line.split() for line in lines if not line.startswith("  connection 1,")]


@pytest.fixture
def handed_over(tmp_path: Path) -> Path:
    wire = Wire()
    wire.open()
    wire.hand_over()
    path = tmp_path / "handed_over.pcap"
    path.write_bytes(wire.file())
    return path


def test_series_prints_the_table_that_is_asked_for(handed_over: Path) -> None:
    """Connections and subflows are numbered from 1."""
    subflows, mappings, moved = (
        table(handed_over, "--table", name) for name in ("subflows", "mappings", "handovers")
    )

    assert [row[:5] for row in subflows[1:]] == [
        ["1", ">", "1.000", "11000", "10000"],
        ["2", ">", "2.300", "30000", "30000"],
    ]
    assert len(mappings) == 1 + 40 + 1
    assert mappings[1] == ["1", ">", "1.000", "5", str(FIRST), "1", "1000"]
    assert mappings[-1][:3] == ["and", "1", "more"]
    assert moved == [
        ["connection", "s", "from", "subflow", "to", "gap", "ms"],
        ["1", ">", "1.900", "1", "2", "400.0"],
    ]
    assert table(V4, "--table", "handovers") == [["no", "hand-overs"]]


def test_files_have_the_same_numbers(handed_over: Path, tmp_path: Path) -> None:
    found = {}
    for name in ("subflows", "mappings", "handovers"):
        invoke("series", handed_over, "--table", name, "--csv", tmp_path / "out.csv")
        found[name] = read_csv(tmp_path / "out.csv")

    assert {row["subflow"] for row in found["mappings"]} == {"1", "2"}
    assert [row["subflow"] for row in found["subflows"]] == ["1", "2"]
    assert [(row["before"], row["after"]) for row in found["handovers"]] == [("1", "2")]
    assert {row["connection"] for rows in found.values() for row in rows} == {"1"}


def test_numbers_are_never_cut() -> None:
    rows = [("1 >", "123456789012345678901234567890", str(n) * 60) for n in (1, 2)]

    assert [line.split()[2:] for line in list(aligned(("", "", ""), rows))[1:]] == [
        list(row[1:]) for row in rows
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["packets", "none.pcap"], "none.pcap: no capture to read"),
        (["packets", __file__], "not a pcap or pcapng file"),
        (["series", V4, "--every", "5"], "'5' needs a number and a unit"),
        (["series", V4, "--csv", "/none/x.csv"], "/none/x.csv: cannot be written"),
        (["packets", V4, "--csv", "a", "--json"], "exclude each other"),
        (["series", V4, "--every", "1 s", "--table", "mappings"], "has no steps of time"),
        (["annotate", V4, V4], "is the capture itself"),
        (["annotate", V4, "/none/x.pcapng"], "/none/x.pcapng: cannot be written"),
    ],
)
def test_mistakes_are_sentences(arguments: list[object], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab.start", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_cut_capture_is_a_warning(tmp_path: Path) -> None:
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(V4.read_bytes()[:-1])
    done = invoke("packets", cut, "--limit", 0)

    assert done.exit_code == 0
    assert "warning: " in done.stderr
    assert "is not whole" in done.stderr


@pytest.mark.parametrize("missing", ["numpy", "pyarrow"])
def test_a_missing_package_names_the_extra(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from lab import cli; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "packets", str(V4)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr == (
        f"error: {missing} is missing: install it with pip install 'mptcpapi[columns]'\n"
    )
