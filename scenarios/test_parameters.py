"""Scenarios that are run with chosen parameters, and with a topology that is changed."""

import json

import pytest

pytestmark = pytest.mark.topology("two_paths")

SCENARIOS = """
@pytest.mark.topology(HANDOVER)
def test_that_asks(parameter, net, topology):
    assert parameter("backup", False) is True
    assert parameter("streams", 3) == 3
    assert topology.link("wifi").there.rate == 2_000_000


def test_that_asks_for_another(parameter, result):
    parameter("bakcup", False)


def test_that_never_asks(result):
    raise AssertionError("it was run all the same")
"""


def test_what_was_chosen_is_used_and_kept(inner_pytest):
    """The manifest has the parameters asked for, and the changes; the links were measured so."""
    said = inner_pytest(
        SCENARIOS, "-k", "asks and not another and not never", "--parameter", "backup=true",
        "--override", "links.wifi.there={rate: 2 Mbit/s, delay: 8 ms}",
        "--override", "links.wifi.back.delay=20 ms", measured=True,
    )  # fmt: skip

    run = said.runs["test_that_asks"]
    assert (run["verdict"], run["parameters"]) == ("passed", {"backup": True, "streams": 3}), (
        said.text
    )
    assert run["overrides"]["links.wifi.back.delay"] == "20 ms"
    assert run["topology"]["effective_sha256"] != run["topology"]["sha256"]
    measured = run["fidelity"]["links"]["wifi"]
    assert measured["there"]["rate"]["declared"] == 2_000_000
    assert measured["back"]["delay"]["declared"] == 0.02


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("another", ["--parameter", "backup=true"],
         "--parameter:1:1: this test asks for no parameter 'backup' (did you mean 'bakcup'?"),
        ("another", ["--parameter", "bakcup=maybe"], "--parameter:1:8: 'maybe' is not true or"),
        ("never", ["--parameter", "backup=true"], "--parameter backup: this test asks for none"),
        ("never", ["--override", "links.wfi.rate=1 Mbit/s"],
         "--override:1:7: this topology has no link 'wfi' (did you mean 'wifi'?"),
        ("never", ["--parameter", "backup"], "--parameter 'backup' is not NAME=VALUE"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_option_is_one_message(inner_pytest, name, options, message):
    """It says which option, where in it, and what would be right; and the test does not pass."""
    said = inner_pytest(SCENARIOS, "-k", name, *options)

    assert said.status != 0
    assert message in said.text
    assert "plugin/parameters.py" not in said.text
    assert "passed" not in json.dumps([run["verdict"] for run in said.runs.values()])
