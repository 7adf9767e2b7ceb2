"""Pages of runs, as text: what came from outside is escaped, and what is missing is said."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from page_runs import DATA, EVIL, written

from lab.cli import commands
from lab.errors import UsageError
from lab.page.command import page_of, write
from lab.page.text import shown
from lab.run import Verdict

VOID = {"meta", "link", "br", "img"}


class Elements(HTMLParser):
    """Which elements and attributes a page has, and whether they are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.outside: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.outside += [str(value) for name, value in attrs
                         if name in ("src", "srcset", "data", "action")]  # fmt: skip
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", EVIL)
def test_what_came_from_outside_is_text(tmp_path: Path, name: str) -> None:
    evil = EVIL[name]
    run = written(tmp_path, evil, host="a'b\"<i>&$", verdict=Verdict.FAILED, reason=evil)
    run.describe(topology={"name": evil}, parameters={evil: evil}, backend=evil, captures={evil: 1},
                 fidelity={"measured": evil, "load": evil, "links": {evil: {evil: {evil: {
                     "declared": evil, "measured": 1, "note": evil}}}}},
                 verification={"connections": [{"name": evil, "verdict": evil, "findings": [
                     {"sentence": evil, "section": evil, "severity": evil}]}]})  # fmt: skip

    page = page_of(run.directory)
    seen = Elements(page)

    assert not seen.open
    assert not seen.names & {"script", "img", "b onmouseover", "iframe", "i"}
    assert not {name for name in seen.attributes if name.startswith("on")}
    assert not seen.outside
    assert "\0" not in page
    assert not {*"\u202e\u2066\u200b\x1b\x7f"} & {*page}
    assert shown(evil, 50)[:50] in seen.text
    assert len(page) < 2_000_000


def test_hidden_characters_are_shown_and_long_texts_cut() -> None:
    assert shown("a\0\u202eb\n\x7f") == "a\\x00\\u202eb\n\\x7f"
    assert shown("abcdef", 4) == "abcd… (2 more characters)"
    assert shown("漢字 é") == "漢字 é"


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (None, "It has not ended, or it died before it could say how."),
        (Verdict.SKIPPED, "This machine or kernel cannot do what was asked."),
        (Verdict.INVALID, "Its evidence is incomplete, so it proves nothing."),
    ],
)
def test_a_run_without_captures_has_a_page(
    tmp_path: Path, verdict: Verdict | None, says: str
) -> None:
    run = written(tmp_path, verdict=verdict, reason="because of 7", capture=None)

    page = page_of(run.directory)

    assert says in page
    assert (verdict is None) != ("because of 7" in page)
    assert "no capture shows a TCP connection" in page
    assert "no capture shows data of an MPTCP connection" in page


@pytest.mark.parametrize("manifest", ["{", "[]", '{"format": 99}', "\ufffd"])
def test_a_damaged_manifest_is_said(tmp_path: Path, manifest: str) -> None:
    run = written(tmp_path)
    (run.directory / "manifest.json").write_text(manifest, encoding="utf-8")

    page = page_of(run.directory)

    assert "<strong>damaged</strong>" in page
    assert "not JSON" in page or "is not known here" in page
    assert 'id="figure-lanes"' in page  # what the captures show is shown all the same


@pytest.mark.parametrize(
    "values",
    [
        {"fidelity": {"measured": "x", "links": {"wifi": {"there": {"rate": 7}}}}},
        {"fidelity": [1]},
        {"verification": {"connections": [{"findings": [None, 7, {"packets": "x"}]}]}},
        {"captures": {"client": None}},
        {"topology": "two_paths", "kernel": None, "git": [], "figures": {"goodput": 7}},
        {"figures": {"goodput": {"value": None}, "rtt": {"value": "x", "unit": []}}},
        {"figures": {"goodput": {"value": float("nan"), "unit": "s"}, "rtt": {"value": 10**400}}},
    ],
)
def test_a_strange_manifest_is_no_end(tmp_path: Path, values: dict[str, object]) -> None:
    run = written(tmp_path)
    run.describe(**values)

    assert 'id="figure-lanes"' in page_of(run.directory)


def test_strange_records_are_no_end(tmp_path: Path) -> None:
    run = written(tmp_path)
    with (run.directory / "records.jsonl").open("a", encoding="utf-8") as records:
        records.write('{"kind": "change", "made": {"began": "x"}}\n{"kind": "event"}\n{"half\n')
        records.write('{"kind": "call", "time": 1e300}\n{"kind": "call", "began": NaN}\n')
        records.write('{"kind": "event", "name": "CREATED", "event": {"received": 1e400}}\n')

    page = page_of(run.directory)

    assert "lines of the records are damaged" in page
    assert 'id="figure-goodput-0"' in page


@pytest.mark.parametrize("content", [b"", b"no capture at all", None])
def test_a_capture_that_cannot_be_read_is_said(tmp_path: Path, content: bytes | None) -> None:
    run = written(tmp_path)
    whole = (run.captures / "client.pcap").read_bytes()
    (run.captures / "server.pcap").write_bytes(whole[:-7] if content is None else content)

    page = page_of(run.directory)

    assert 'class="note"' in page
    assert "server.pcap" in page
    assert 'id="figure-lanes"' in page


def test_the_page_of_a_connection_tells_what_the_wire_carried(tmp_path: Path) -> None:
    run = written(tmp_path, capture=DATA / "join_prio_v6_checksum.pcap")

    text = Elements(page_of(run.directory)).text

    for word in ("MP_CAPABLE: version 1", "MP_JOIN: address id", "MP_PRIO: use this subflow",
                 "tcp.stream eq 0", "tcp.stream eq 1", "were not captured as a whole"):  # fmt: skip
        assert word in text, word


def test_the_same_subflow_has_one_number_at_both_hosts_behind_a_translator(tmp_path: Path) -> None:
    """Addresses differ, keys and nonces do not."""
    from lab.page.evidence import evidence  # noqa: PLC0415

    run = written(tmp_path)
    octets = (run.captures / "client.pcap").read_bytes()
    translated = octets.replace(bytes([10, 0, 1, 2]), bytes([10, 7, 7, 7]))
    assert translated != octets
    (run.captures / "server.pcap").write_bytes(translated)

    found = evidence(sorted(run.captures.iterdir()))

    assert len(found.subflows) == 3
    assert found.seen[0].numbers == found.seen[1].numbers == (1, 2, 3)


def test_the_command_writes_into_the_runs_directory(tmp_path: Path) -> None:
    run = written(tmp_path)

    done = CliRunner().invoke(commands, ["report", str(run.directory)])

    assert done.output.strip() == str(run.directory / "report.html")
    assert "default-src 'none'" in (run.directory / "report.html").read_text(encoding="utf-8")
    assert not [*run.directory.glob("*.new")]


def test_what_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    run = written(tmp_path)
    with pytest.raises(UsageError, match="no directory of a run"):
        write(tmp_path / "nothing", None)
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        write(run.directory, run.directory / "manifest.json" / "page.html")


def test_the_manifest_is_in_the_page(tmp_path: Path) -> None:
    run = written(tmp_path)
    manifest = json.loads((run.directory / "manifest.json").read_text(encoding="utf-8"))

    text = Elements(page_of(run.directory)).text

    assert json.dumps(manifest, indent=2) in text


def test_figures_have_the_units_that_people_use(tmp_path: Path) -> None:
    run = written(tmp_path)
    run.figure("delivered", 2_588_672, "byte")
    run.figure("gap", 0.003605, "s")

    text = Elements(page_of(run.directory)).text

    assert "2.59 MB" in text
    assert "3.6 ms" in text
