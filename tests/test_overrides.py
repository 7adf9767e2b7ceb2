"""Changes to a topology before it is checked, and parameters of scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import MistakenFile, UsageError
from lab.load import load
from lab.parameters import assignments, value, written

TOPOLOGIES = sorted((Path(__file__).parent.parent / "topologies").glob("*.yaml"))
TWO_PATHS = Path(__file__).parent.parent / "topologies" / "two_paths.yaml"


def mistakes(*overrides: str) -> list[str]:
    """What is told of them; the place where each begins is marked by its caret."""
    with pytest.raises(MistakenFile) as caught:
        load(TWO_PATHS, overrides)
    return [str(each) for each in caught.value.mistakes]


def test_a_value_is_replaced_and_what_was_not_written_is_added() -> None:
    topology = load(
        TWO_PATHS,
        [
            "links.wifi.rate=2 Mbit/s",
            "links.lte.there.delay=5 ms",
            "hosts.client.sysctls.net.ipv4.tcp_sack=0",
            "links.core.subnet=[10.0.8.0/24, fd00:8::/64]",
            "links.core.ends.1=server:only",
        ],
    )

    assert topology.link("wifi").there.rate == topology.link("wifi").back.rate == 2_000_000
    assert (topology.link("lte").there.delay, topology.link("lte").back.delay) == (0.005, 0.0)
    assert topology.hosts["client"].sysctls == {"net.ipv4.tcp_sack": "0"}
    assert topology.link("core").end_at("server").interface == "only"
    assert [str(each) for each in topology.addresses_of("server")] == [
        "10.0.8.2/24",
        "fd00:8::2/64",
    ]


def test_a_mistake_points_into_the_override_that_has_it() -> None:
    assert mistakes("links.lte.rate=1 Mbit/s", "links.wifi.rate=20") == [
        "--override:1:17: '20' needs a number and a unit (bit/s, kbit/s, Mbit/s, Gbit/s)\n"
        "    links.wifi.rate=20\n"
        "                    ^"
    ]


@pytest.mark.parametrize(
    ("override", "column", "message"),
    [
        (
            "links.wfi.rate=2 Mbit/s",
            7,
            "no link 'wfi' (did you mean 'wifi'? known: core, lte, wifi",
        ),
        ("switches.s.subnet=10.0.1.0/24", 10, "no switch 's' (known: none)"),
        ("links.wifi.rat=2 Mbit/s", 12, "unknown key 'rat' (did you mean 'rate'?"),
        ("lnks.wifi.rate=2 Mbit/s", 1, "unknown key 'lnks' (did you mean 'links'?"),
        (
            "links.wifi.rate.there=2",
            17,
            "links.wifi.rate is '50 Mbit/s', which has no part 'there'",
        ),
        ("links.wifi.ends.2=gw:x", 17, "'2' is no entry of this list: they are 0 to 1"),
        ("links.wifi.ends.0=sever:x", 19, "unknown node 'sever' (did you mean 'server'?"),
        ("links.wifi.subnet=[10.0.1.0/24, x]", 33, "'x' is not a subnet"),
        ("links.wifi.subnet=[10.0.1.0/24", 31, "this is not YAML"),
        ("links.wifi.rate=*x", 17, "aliases (*) are not allowed"),
    ],
)
def test_each_mistake_is_told_with_what_would_be_right(
    override: str, column: int, message: str
) -> None:
    (told,) = mistakes(override)

    assert told.startswith(f"--override:1:{column}: ")
    assert message in told


def test_mistakes_of_the_file_and_of_overrides_are_told_together(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(TWO_PATHS.read_text("utf-8").replace("queue", "queu", 1), "utf-8")

    with pytest.raises(MistakenFile) as caught:
        load(file, ["links.lte.rate=20"])

    assert [each.file for each in caught.value.mistakes] == ["--override", str(file)]


def test_the_hash_is_that_of_what_is_declared() -> None:
    plain = load(TWO_PATHS).sha256

    assert load(TWO_PATHS, ["links.wifi.rate=50000 kbit/s"]).sha256 == plain
    assert load(TWO_PATHS, ["links.wifi.rate=49 Mbit/s"]).sha256 != plain


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.stem)
def test_every_topology_has_a_hash_of_its_own(path: Path) -> None:
    others = {load(other).sha256 for other in TOPOLOGIES if other != path}

    assert load(path).sha256 not in others


def test_a_parameter_has_the_type_of_its_default() -> None:
    assert value("backup", "true", False) is True
    assert value("streams", "3", 1) == 3
    assert value("share", "0.5", 1.0) == 0.5
    assert value("name", "true", "x") == "true"
    for name, text, default in (("b", "yes", True), ("n", "1.5", 1), ("f", "nan", 1.0)):
        with pytest.raises(MistakenFile, match=f"--parameter:1:3: '{text}' is not"):
            value(name, text, default)
    assert [written(each) for each in (True, 3, 0.5, "x")] == ["true", "3", "0.5", "x"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["backup"], "--parameter 'backup' is not NAME=VALUE"),
        (["=true"], "--parameter '=true' is not NAME=VALUE"),
        (["backup="], "--parameter 'backup=' is not NAME=VALUE"),
        (["backup=true", "backup=false"], "--parameter backup is given twice: true and false"),
    ],
)
def test_what_is_no_assignment_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        assignments("--parameter", texts)
    assert str(caught.value) == message
