"""``mptcp-lab compare``: two selections of runs, what differs, and what repetition explains."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lab import cli
from lab.comparison.compared import compare
from lab.comparison.facts import differing, facts
from lab.comparison.selection import selected
from lab.comparison.words import lines
from lab.errors import UsageError
from lab.run import Run, Verdict

SLOW = [10.0, 10.1, 10.2, 10.3, 10.4]
FAST = [12.0, 12.1, 12.2, 12.3, 12.4]
BULK = "scenarios/test_bulk.py::test_bulk"


def manifest(kernel="6.18", congestion="cubic", **others):
    """What a run says of where it ran."""
    sysctls = {"net.ipv4.tcp_congestion_control": congestion}
    return {"kernel": {"release": kernel}, "backend": None,
            "before": {"client": {"sysctls": sysctls}, "server": {"sysctls": sysctls}},
            **others}  # fmt: skip


def keep(store, *, scenario=BULK, verdict=Verdict.PASSED, goodput=None, **described):
    run = Run(store, scenario, seed=1)
    run.describe(**manifest(**described))
    if goodput is not None:
        figure = {"value": goodput * 1e6, "unit": "bit/s", "better": "higher"}
        run.describe(figures={"goodput": figure})
    if verdict is not Verdict.INCOMPLETE:
        run.end(verdict)
    else:
        run._records.close()
    return run.directory


@pytest.fixture
def stores(tmp_path):
    """Two stores of five repetitions, of which the second is faster."""
    for name, values in (("slow", SLOW), ("fast", FAST)):
        for value in values:
            keep(tmp_path / name, goodput=value)
    return tmp_path / "slow", tmp_path / "fast"


def told(first, second):
    return "\n".join(lines(compare(selected(str(first)), selected(str(second)))))


def invoke(*arguments):
    return CliRunner().invoke(cli.commands, ["compare", *map(str, arguments)])


def test_a_difference_is_told_with_its_interval(stores):
    slow, fast = stores

    text = told(fast, slow)

    assert f"A: {fast}: 5 runs\nB: {slow}: 5 runs\n" in text
    assert "  verdict: 5 passed -> 5 passed\n" in text
    assert "goodput: A 12.2 Mbit/s (median of 5), B 10.2 Mbit/s (median of 5)" in text
    assert "B is 16 % slower, 95 % interval 14 to 19 %: worse; large effect (-1.00)" in text
    assert text.endswith(
        "1 of 1 figures differ; if nothing did, repetition alone would make about 0.05 appear to."
    )


def test_a_store_against_itself_is_noise(stores):
    text = told(stores[0], stores[0])

    assert "no difference that repetition would not explain (0 %, " in text
    assert "0 of 1 figures differ" in text


def test_what_else_differs_comes_first(stores, tmp_path):
    for value in SLOW:
        keep(tmp_path / "bbr", goodput=value, congestion="bbr", kernel="6.12")

    text = told(stores[0], tmp_path / "bbr")

    assert "  kernel: 6.18 -> 6.12\n" in text
    assert (
        "  net.ipv4.tcp_congestion_control: cubic (client, server) -> bbr (client, server)\n"
        in text
    )
    assert text.index("kernel: 6.18") < text.index("goodput")
    assert "are the same" not in text
    assert "and whatever else the manifests have are the same" in told(*stores)


def test_only_what_both_sides_know_can_differ():
    old, new = {"kernel": {"release": "6.18"}}, manifest(backend="netem")

    assert differing([old], [new]) == []
    assert [each.name for each in differing([manifest()], [new])] == ["backend"]
    assert facts(new)["backend"] == "netem"
    assert facts(manifest())["backend"] == "none"


@pytest.mark.parametrize("damage", [[], 1, None, "x", {"client": 3}, {"client": {"sysctls": []}}])
def test_facts_of_a_manifest_that_is_damaged(damage):
    assert facts({"before": damage, "packages": damage, "kernel": damage}) is not None


def test_what_proves_nothing_is_left_out_and_counted(stores, tmp_path):
    """Invalid, incomplete and skipped runs, and a directory whose manifest is no JSON."""
    slow, fast = stores
    for verdict in (Verdict.INVALID, Verdict.INVALID, Verdict.INCOMPLETE, Verdict.SKIPPED):
        keep(fast, verdict=verdict, goodput=0.001)
    (keep(fast) / "manifest.json").write_text("{", encoding="utf-8")

    compared = compare(selected(str(slow)), selected(str(fast)))

    assert dict(compared.second.left_out) == {
        "damaged": 1, "invalid": 2, "incomplete": 1, "skipped": 1,
    }  # fmt: skip
    assert compared.figures[0].found.second.median == 12.2e6
    assert ": 5 runs; left out: " in "\n".join(lines(compared))


def test_failed_runs_count_with_their_figures(stores, tmp_path):
    """Else a scenario that fails when it is slow would look fast."""
    slow, _ = stores
    for value in (*SLOW[:4], 1.0):
        verdict = Verdict.FAILED if value == 1.0 else Verdict.PASSED
        keep(tmp_path / "failing", goodput=value, verdict=verdict)

    compared = compare(selected(str(slow)), selected(str(tmp_path / "failing")))

    (group,) = compared.groups
    assert (group.turned, group.turned_worse) == (True, True)
    assert compared.figures[0].found.second.values == 5
    assert "verdict: 5 passed -> 1 failed, 4 passed   <- changed" in "\n".join(lines(compared))


def test_too_few_say_so(stores, tmp_path):
    one = keep(tmp_path / "one", goodput=3)

    assert "B 3 Mbit/s (one value)" in told(stores[0], one)
    assert "too few to tell: 5 and 1 values: 5 of each are needed" in told(stores[0], one)


@pytest.fixture
def mixed(tmp_path):
    """One store: with backup and without, in two networks, and another scenario."""
    store = tmp_path / "mixed"
    for rate in ("2 Mbit/s", "4 Mbit/s"):
        for backup, values in ((True, SLOW), (False, FAST)):
            for value in values:
                keep(store, goodput=value, parameters={"backup": backup},
                     overrides={"links.wifi.rate": rate})  # fmt: skip
    keep(store, scenario="scenarios/test_other.py::test_it[a,b]")
    return store


def test_runs_are_selected_by_scenario_and_values(mixed):
    """What selects them is no reason not to compare them; the rest makes groups."""
    first, second = (selected(f"{mixed}:test_bulk,backup={each}") for each in ("false", "true"))

    compared = compare(first, second)

    assert [len(each.used) for each in (first, second)] == [10, 10]
    assert [group.key for group in compared.groups] == [
        f"{BULK}, links.wifi.rate={rate}" for rate in ("2 Mbit/s", "4 Mbit/s")
    ]
    assert all(figure.worse for figure in compared.figures)
    assert len(selected(f"{mixed}:*bulk*,backup=true,links.wifi.rate=2 Mbit/s").used) == 5
    assert len(selected(f"{mixed}:test_it[a,b]").used) == 1, "brackets and commas are an id's"
    assert len(selected(str(mixed)).used) == 21


def test_parameters_make_groups(mixed):
    """Also one by which only one of the two was selected: values are never thrown together."""
    compared = compare(selected(f"{mixed}:*bulk*"), selected(f"{mixed}:*bulk*,backup=true"))

    assert [group.key for group in compared.groups] == [
        f"{BULK}, backup=true, links.wifi.rate={rate}" for rate in ("2 Mbit/s", "4 Mbit/s")
    ]
    assert len(compared.only_first) == 2
    assert len(compare(selected(str(mixed)), selected(str(mixed))).groups) == 5


def test_a_run_alone_is_compared_with_any_other(mixed):
    bulk = selected(f"{mixed}:*bulk*,backup=true,links.wifi.rate=2 Mbit/s")

    compared = compare(selected(f"{mixed}:test_it*"), bulk)

    (group,) = compared.groups
    assert group.key == (
        "scenarios/test_other.py::test_it[a,b] against "
        f"{BULK}, backup=true, links.wifi.rate=2 Mbit/s"
    )
    assert [kind.name for kind in group.unmatched] == ["goodput"]


def test_a_campaign_is_its_runs(stores, tmp_path):
    slow, _ = stores
    campaign = tmp_path / "campaign"
    campaign.mkdir()
    slow.rename(campaign / "runs")
    (campaign / "campaign.json").write_text("{}", encoding="utf-8")

    assert len(selected(str(campaign)).used) == 5


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("nowhere", "nowhere: no such run, store or campaign"),
        ("nowhere:x", "nowhere:x: no such run, store or campaign"),
        ("{mixed}:test_blk", "no run of it is meant; it has runs of scenarios/test_bulk"),
        ("{empty}", "no runs in it"),
    ],
)
def test_what_means_no_run_is_told(mixed, tmp_path, asked, message):
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match=message):
        selected(asked.format(mixed=mixed, empty=tmp_path / "empty"))


def test_a_store_of_damaged_runs_says_how(tmp_path):
    (keep(tmp_path / "store") / "manifest.json").write_text("{", encoding="utf-8")

    with pytest.raises(UsageError, match=r"no run that can be read; the first: .*not JSON"):
        selected(str(tmp_path / "store"))


@pytest.mark.parametrize(
    ("first", "second", "percent", "status"),
    [
        (FAST, SLOW, "10", 3),
        (FAST, SLOW, "20", 0),
        (SLOW, FAST, "1", 0),
        (SLOW, SLOW, "0", 0),
        (SLOW, SLOW[:4], "10", 4),
        ([*SLOW[:2], *SLOW[3:]], FAST, "10", 4),
    ],
)
def test_a_regression_is_a_status(tmp_path, first, second, percent, status):
    """Worse by more than is allowed, and than repetition explains; 4 if nobody can tell."""
    for name, values in (("a", first), ("b", second)):
        for value in values:
            keep(tmp_path / name, goodput=value)

    done = invoke(tmp_path / "a", tmp_path / "b", "--fail-on-regression", percent)

    assert done.exit_code == status, done.output
    expected = {0: "", 3: f"worse: {BULK}: goodput\n"}.get(status, "not judged: ")
    assert done.stderr.startswith(expected)
    assert bool(done.stderr) == bool(status)
    assert invoke(tmp_path / "a", tmp_path / "b").exit_code == 0


def test_fewer_that_pass_are_a_regression(stores, tmp_path):
    for value in SLOW:
        keep(tmp_path / "failing", goodput=value, verdict=Verdict.FAILED)

    done = invoke(stores[0], tmp_path / "failing", "--fail-on-regression", "50")

    assert (done.exit_code, done.stderr) == (3, f"worse: {BULK}: fewer pass\n")


def test_a_figure_that_only_one_has_is_not_judged(stores, tmp_path):
    for value in SLOW:
        directory = keep(tmp_path / "more", goodput=value)
        for name, better in (("gap", "lower"), ("delivered", None)):
            file = directory / "manifest.json"
            manifest = json.loads(file.read_text("utf-8"))
            manifest["figures"][name] = {"value": 1, "unit": "s", "better": better}
            file.write_text(json.dumps(manifest), encoding="utf-8")

    done = invoke(stores[0], tmp_path / "more", "--fail-on-regression", "50")

    assert done.exit_code == 4
    assert done.stderr == f"not judged: {BULK}: gap: only one of the two has it\n"


def test_what_is_gone_is_not_judged(stores, tmp_path):
    keep(stores[0], scenario="scenarios/test_gone.py::test_it")

    done = invoke(stores[0], stores[1], "--fail-on-regression", "50")

    assert done.exit_code == 4
    assert done.stderr == "not judged: scenarios/test_gone.py::test_it: only the first has it\n"


def test_json_has_all_of_it(stores):
    slow, fast = stores

    got = json.loads(invoke(fast, slow, "--json").stdout)

    (group,) = got["groups"]
    (figure,) = group["figures"]
    assert group["verdicts"] == {"a": {"passed": 5}, "b": {"passed": 5}, "changed": False}
    assert (figure["name"], figure["conclusion"], figure["effect"]) == ("goodput", "differs", -1)
    assert figure["ratio"]["low"] < figure["ratio"]["median"] < figure["ratio"]["high"] < 1
    assert all(Path(run).parent == fast for run in got["a"]["runs"])
    assert figure["words"].startswith("B is 16 % slower")


def test_figures_of_another_unit_or_that_are_no_numbers_are_not_compared(stores, tmp_path):
    odd = [{"value": 1, "unit": "s"}, {"value": "x", "unit": "bit/s"}, {"value": None}]
    for figure in odd:
        run = Run(tmp_path / "odd", BULK, seed=1)
        run.describe(figures={"goodput": figure})
        run.end(Verdict.PASSED)

    (group,) = compare(selected(str(stores[0])), selected(str(tmp_path / "odd"))).groups

    assert group.figures == ()
    assert group.unmatched == (("goodput", "bit/s", "higher"), ("goodput", "s", None))
