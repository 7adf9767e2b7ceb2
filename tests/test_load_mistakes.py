"""Mistakes in topology files: all of them at once, each at its place, in our own words."""

from __future__ import annotations

import pytest
from topology_files import GOOD, lines, mistakes

from lab.load import loads
from lab.load.text import LARGEST


def test_every_mistake_is_shown_at_once_in_the_order_of_the_file() -> None:
    content = """\
topology: 2
hosts:
  client: &anchor {}
  server:
  localhost: {}
routers: [gw]
links:
  wifi:
    ends: [client:wifi, gw:averyveryverylonginterface]
    subnet: 10.0.1.0/24
    rate: 20
    rate: 30 Mbit/s
    los: 1 %
  lte:
    ends: [client:wifi, gx:lte]
    subnet: [10.0.1.128/25, 10.0.9.0/32]
    queue: !!python/name:os.system 5 packets
    jitter: 3 ms
"""
    assert lines(content) == [
        "f.yaml:1:1: a topology needs the key 'name'",
        "f.yaml:1:11: format '2' is unknown; this version reads 1",
        "f.yaml:3:11: anchors (&) are not allowed; write the value alone",
        "f.yaml:4:3: 'server' has no value; a mapping without keys is written {}",
        "f.yaml:5:3: 'localhost' always means the host that asks; choose another name",
        "f.yaml:6:1: 'routers' is a mapping (key: value), not a list",
        "f.yaml:9:25: interface name 'averyveryverylonginterface' has 26 characters; "
        "the kernel takes at most 15",
        "f.yaml:11:11: '20' needs a number and a unit (bit/s, kbit/s, Mbit/s, Gbit/s)",
        "f.yaml:12:5: 'rate' is repeated; line 11 has it already",
        "f.yaml:13:5: unknown key 'los' (did you mean 'loss'? known: addresses, back, corrupt, "
        "delay, distribution, duplicate, ends, jitter, loss, middlebox, mtu, queue, rate, reorder, "
        "subnet, there)",
        "f.yaml:15:12: 'client:wifi' is an end of link 'wifi' already",
        "f.yaml:15:25: unknown node 'gx' (did you mean 'gw'? known: client, gw, localhost, server)",
        "f.yaml:16:14: subnet 10.0.1.128/25 overlaps 10.0.1.0/24 of link 'wifi'",
        "f.yaml:16:29: subnet 10.0.9.0/32 has one address; a link needs two, one for each end",
        "f.yaml:17:5: a queue needs a rate in each direction that it holds for",
        "f.yaml:17:12: tags (!) are not allowed; write the value alone",
        "f.yaml:18:13: jitter 3 ms exceeds the delay, 0 s",
    ]


def test_a_mistake_shows_its_line_and_a_caret() -> None:
    (mistake,) = mistakes(GOOD + "    los: 1 %\n")
    _, source, caret = str(mistake).splitlines()
    assert source == "        los: 1 %"
    assert source[caret.index("^") :] == "los: 1 %"


def test_the_caret_counts_characters() -> None:
    (mistake,) = mistakes(GOOD.replace("name: pair", '? "name"\n: 無線 😀'))
    assert (mistake.line, mistake.column) == (3, 3)
    (mistake,) = mistakes(GOOD.replace("{client: {}", "{client: {aliases: [無線.example]}"))
    assert mistake.source[mistake.column - 1 :].startswith("無線")


def test_a_repeated_section_is_one_mistake_and_its_content_is_read() -> None:
    content = GOOD.replace("name: pair", "name: pair\nhosts: {third: {}}").replace(
        "client:wifi", "third:wifi"
    )
    assert lines(content) == ["f.yaml:4:1: 'hosts' is repeated; line 3 has it already"]


def test_a_second_document_is_a_mistake() -> None:
    assert lines(GOOD + "---\n" + GOOD) == [
        "f.yaml:8:1: a second document begins; a file holds one"
    ]


@pytest.mark.parametrize(
    "alias", ["hosts: {client: &h {}, server: *h}", "hosts: &h {client: {<<: *h}, server: {}}"]
)
def test_aliases_and_merge_keys_are_refused(alias: str) -> None:
    said = lines(GOOD.replace("hosts: {client: {}, server: {}}", alias))
    assert [line.partition(": ")[2].partition(" ")[0] for line in said] == ["anchors", "aliases"]


def test_a_few_aliases_for_billions_of_values_are_refused() -> None:
    laughs = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    said = lines("a0: &a0 lol\n" + laughs)
    assert len(said) == 30 + 29 * 9


@pytest.mark.parametrize(
    "tagged", ["!!python/object/apply:os._exit [3]", "!!python/name:os.system", "!!str x", "!x y"]
)
def test_tags_are_refused(tagged: str) -> None:
    assert "f.yaml:2:7: tags (!) are not allowed; write the value alone" in lines(
        GOOD.replace("pair", tagged)
    )


@pytest.mark.parametrize("key", ["[a]", "{a: b}", "? [a]\n", "!!null ''"])
def test_keys_are_words(key: str) -> None:
    said = lines(f"{GOOD}{key}: x\n")
    assert any("key" in line for line in said)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "f.yaml:1:1: the file is empty"),
        ("# only a comment\n", "f.yaml:1:1: the file is empty"),
        ("---\n", "f.yaml:1:1: the file is empty"),
        ("- topology\n", "f.yaml:1:1: a topology is a mapping (key: value), not a list"),
        ("topology\n", "f.yaml:1:1: a topology is a mapping (key: value), not 'topology'"),
        ("a: b: c", "f.yaml:1:5: this is not YAML: mapping values are not allowed here"),
        ("a: [b", "f.yaml:1:6: this is not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: *b c", "f.yaml:1:4: aliases (*) are not allowed; write the value again"),
        ("a: @b", "f.yaml:1:4: this is not YAML: found character '@' that cannot start any token"),
        ('a: "\\UFFFFFFFF"', "f.yaml:1:7: this is not YAML: a number or character is out of range"),
        (f"%YAML 1.{'9' * 5000}\n", "f.yaml:1:9: this is not YAML: a number or character is"),
        ('a: "\\ud800"', "f.yaml:1:4: character U+D800 is not allowed here"),
        ('"\\e[31m": b', "f.yaml:1:1: character U+001B is not allowed here"),
        ("a: \x1b[31m", "f.yaml:1:4: character U+001B is not allowed here"),
        ("a: \u2028b", "f.yaml:1:4: character U+2028 is not allowed here"),
        ("a: \ud800", "f.yaml:1:4: character U+D800 is not allowed here"),
        ("a: b\n\ufeffc: d", "f.yaml:2:1: character U+FEFF is not allowed here"),
        ("a: b\0", "f.yaml:1:5: character U+0000 is not allowed here"),
        (b"\xff\xfea", "f.yaml:1:1: the file is not UTF-8: byte 0xff does not belong here"),
        (b"a: b\r\nc: \xc3\xa9\xe9", "f.yaml:2:5: the file is not UTF-8: byte 0xe9 does not"),
        (b"a: \xed\xa0\x80", "f.yaml:1:4: the file is not UTF-8: byte 0xed does not belong here"),
    ],
)  # fmt: skip
def test_what_is_not_a_topology_at_all(content: str | bytes, message: str) -> None:
    first = lines(content)[0]
    assert first.startswith(message)


def test_tabs_are_shown_in_every_line_that_has_them() -> None:
    content = "a:\n\tb: 1\n  c:\t2\n# a\tb\nd: 5 # a\tb\n"
    assert lines(content) == [
        "f.yaml:2:1: a tab is not allowed here; use spaces",
        "f.yaml:3:5: a tab is not allowed here; use spaces",
    ]


@pytest.mark.parametrize("deep", ["[", "{a: ", "- ", "? ", "{? ", "[[],"])
def test_a_million_levels_are_refused_at_the_twenty_first(deep: str) -> None:
    content = ("links: \n  " + deep * 1_000_000)[:LARGEST]
    (said,) = lines(content)
    assert "more than 20 levels of nesting" in said


def test_a_file_is_not_larger_than_the_limit() -> None:
    padding = "#" * (LARGEST - len(GOOD))
    assert loads(GOOD + padding) == loads(GOOD)
    message = "f.yaml:1:1: the file is larger than 2,000,000 bytes, which is the limit"
    assert lines(GOOD + padding + "#") == [message]
    assert lines(b"\0" * 100_000_000) == [message]


def test_control_characters_and_long_lines_are_not_shown() -> None:
    (mistake,) = mistakes("a: \x1b[31m\x07")
    assert mistake.source == "a: \ufffd[31m\ufffd"
    assert all(mistake.source == "" for mistake in mistakes("a" * 1000 + ": b"))
    assert all(len(str(mistake)) < 300 for mistake in mistakes("a" * 100_000 + ": b"))
