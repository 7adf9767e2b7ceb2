"""Topology files: those of this repository, and how they are read."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from topology_files import GOOD, lines

from lab.errors import MistakenFile
from lab.load import load, loads, schema
from lab.load.text import LARGEST
from lab.model import Direction, Topology

ROOT = Path(__file__).parent.parent
TOPOLOGIES = sorted((ROOT / "topologies").glob("*.yaml"))
REFERENCE = (ROOT / "docs" / "topologies.md").read_text(encoding="utf-8")


# Files of this repository


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.stem)
def test_committed_topologies_have_no_mistakes(path: Path) -> None:
    topology = load(path)
    assert topology.name == path.stem
    assert "──" in path.read_text(encoding="utf-8").partition("topology:")[0]


def test_two_paths_has_two_paths_and_one_server_address_of_each_family() -> None:
    topology = load(ROOT / "topologies" / "two_paths.yaml")
    assert topology.hosts["client"].path_manager == "userspace"
    assert [end.interface for _, end in topology.ends_of("client")] == ["wifi", "lte"]
    assert sorted(a.version for a in topology.addresses_of("server")) == [4, 6]
    for link in topology.links.values():
        for direction in (link.there, link.back):
            assert direction == Direction(rate=direction.rate, queue=direction.queue)


def test_handover_has_delay_and_jitter() -> None:
    wifi = load(ROOT / "topologies" / "handover.yaml").link("wifi")
    assert wifi.there == Direction(rate=10_000_000, delay=0.008)
    assert wifi.back == Direction(rate=40_000_000, delay=0.008, jitter=0.002)


def test_committed_schema_is_that_of_the_model() -> None:
    committed = (ROOT / "topologies" / "schema.json").read_text(encoding="utf-8")
    assert json.loads(committed) == schema()


def test_the_schema_explains_every_key() -> None:
    described = schema()
    for part in (described, *described["$defs"].values()):
        for key, value in part["properties"].items():
            assert value["description"].endswith("."), key


def test_the_reference_shows_a_file_and_mistakes_as_they_are() -> None:
    *good, broken = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)
    assert all(map(loads, good))
    (shown,) = re.findall(r"```text\n(.*?)```", REFERENCE, re.DOTALL)
    with pytest.raises(MistakenFile) as caught:
        loads(broken, "broken.yaml")
    assert str(caught.value) == shown.rstrip()


def test_the_reference_names_every_key() -> None:
    described = schema()
    for part in (described, *described["$defs"].values()):
        for key in part["properties"]:
            assert f"| `{key}` |" in REFERENCE


# Reading


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.encode(),
        "\ufeff" + GOOD,
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        "%YAML 1.1\n---\n" + GOOD + "...\n",
        "# a tab in a comment:\t and another:\t\n" + GOOD,
        GOOD.replace("1\n", "1  # 無線\n"),
        GOOD.replace("pair", "'pair'").replace("10.0.1.0/24", '"10.0.1.0/24"'),
        json.dumps(
            {
                "topology": "1",
                "name": "pair",
                "hosts": {"client": {}, "server": {}},
                "links": {
                    "wifi": {"ends": ["client:wifi", "server:wifi"], "subnet": "10.0.1.0/24"}
                },
            }
        ),
    ],
)
def test_the_same_file_in_other_clothes(content: str | bytes) -> None:
    assert loads(content) == loads(GOOD)


@pytest.mark.parametrize("word", ["no", "on", "null", "5e3", "012", "0x1f", "2026-01-31", "1_000"])
def test_values_are_read_as_they_are_written(word: str) -> None:
    assert loads(GOOD.replace("pair", word)).name == word


@pytest.mark.parametrize("word", ["10:20", "~", "1.5", "=", ".inf"])
def test_what_yaml_would_convert_is_shown_as_it_is_written(word: str) -> None:
    (message,) = lines(GOOD.replace("pair", word))
    assert message.startswith(f"f.yaml:2:7: '{word}' is not a name")


def test_end_names_need_no_quotes_even_as_keys_in_braces() -> None:
    content = GOOD + "    addresses: {client:wifi: 10.0.1.9, server:wifi: [10.0.1.10, 10.0.1.11]}\n"
    client, server = loads(content).link("wifi").ends
    assert [str(a.ip) for a in client.addresses] == ["10.0.1.9"]
    assert [str(a.ip) for a in server.addresses] == ["10.0.1.10", "10.0.1.11"]


def test_ipv6_subnets_need_no_quotes_in_brackets() -> None:
    content = GOOD.replace("10.0.1.0/24", "[10.0.1.0/24, fd00:1::/64]")
    assert [subnet.version for subnet in loads(content).link("wifi").subnets] == [4, 6]


# Files


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    fifo, large = tmp_path / "fifo.yaml", tmp_path / "large.yaml"
    os.mkfifo(fifo)
    with large.open("wb") as file:
        file.truncate(LARGEST + 1)
    for path, reason in {
        tmp_path / "missing.yaml": "No such file or directory",
        tmp_path: "Is a directory",
        tmp_path / "null\0": "a path has no null character in it",
        Path("/dev/zero"): "not a regular file",
        fifo: "not a regular file",
        large: "the file is larger than",
    }.items():
        with pytest.raises(MistakenFile, match=reason) as caught:
            load(path)
        assert caught.value.mistakes[0].file == str(path)


def test_a_file_that_another_user_keeps_to_himself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(MistakenFile, match=r"x.yaml:1:1: cannot be read: Permission denied"):
        load(tmp_path / "x.yaml")


def test_a_file_is_named_in_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(GOOD + "los: 1\n", encoding="utf-8")
    with pytest.raises(MistakenFile, match=re.escape(f"{path}:8:1: unknown key 'los'")):
        load(path)
    path.write_text(GOOD, encoding="utf-8")
    assert isinstance(load(path), Topology)
