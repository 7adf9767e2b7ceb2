"""Plans of campaigns: how they are read, the points that follow, and their order."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lab.campaign.journal import Entry
from lab.campaign.plan import Plan, load_plan
from lab.campaign.points import Point, in_order, seed_of
from lab.campaign.scenarios import Scenario, chosen
from lab.campaign.standing import standing
from lab.errors import MistakenFile
from lab.load import schema
from lab.run import Verdict

EXAMPLES = Path(__file__).parent.parent / "examples"

PLAN = """\
campaign: 1
name: tiny
scenarios: [test_tiny.py::test_a, test_tiny.py::test_b]
parameters: {backup: [true, false]}
overrides: {links.lte.rate: [5 Mbit/s, 20 Mbit/s]}
repetitions: 3
"""


def plan_of(tmp_path: Path, text: str) -> Plan:
    file = tmp_path / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    return load_plan(file)


def test_the_example_is_a_plan_and_its_schema_is_committed() -> None:
    plan = load_plan(EXAMPLES / "backup.yaml")
    committed = json.loads((EXAMPLES / "plan.schema.json").read_text("utf-8"))

    assert len(in_order(plan, ["a", "b", "c"])) == 60
    assert committed == schema(Plan)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("retires: 2\n", "7:1", "unknown key 'retires' (did you mean 'retries'?"),
        ("retries: many\n", "7:10", "'many' is not a number from 0 to 100"),
        ("deadline: 20\n", "7:11", "'20' needs a number and a unit (us, ms, s)"),
        ("deadline: 1 ms\n", "7:11", "'1 ms' is less than 1 s"),
        ("kernels: [running, 6.12]\n", "7:20", "kernel '6.12' cannot be had: this version runs"),
        ("points: [{parameters: {backup: true}}]\n", "4:1", "beside 'points', parameters belong"),
        ("points: [{parameter: {backup: true}}]\n", "7:11", "unknown key 'parameter'"),
        ("name: again\n", "7:1", "'name' is repeated; line 2 has it already"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, text: str, place: str, message: str
) -> None:
    with pytest.raises(MistakenFile) as caught:
        plan_of(tmp_path, PLAN + text)

    told = [f"{each.line}:{each.column}: {each.message}" for each in caught.value.mistakes]
    assert any(line.startswith(f"{place}: {message}") for line in told), told


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(MistakenFile) as caught:
        plan_of(tmp_path, "campaign: 2\nscenarios: [a, a]\nseed: -1\nparameters: {x: [1, 1]}\n")

    assert [str(each.message) for each in caught.value.mistakes] == [
        "a plan needs the key 'name'",
        "format '2' is unknown; this version reads 1",
        "'a' is repeated",
        "'-1' is not a number from 0 to 999999999",
        "'1' is repeated",
    ]


def test_dask_is_imported_where_attempts_are_made_and_nowhere_else() -> None:
    asked = "import sys, {}; print('distributed' in sys.modules)"

    for module, expected in (("lab.cli, lab.campaign.run", False), ("lab.campaign.cluster", True)):
        line = [sys.executable, "-c", asked.format(module)]
        said = subprocess.run(line, capture_output=True, text=True, check=True)
        assert said.stdout == f"{expected}\n"


def test_points_are_all_combinations_or_those_that_are_listed(tmp_path: Path) -> None:
    product = in_order(plan_of(tmp_path, PLAN), ["a", "b"])
    listed = plan_of(
        tmp_path,
        "campaign: 1\nname: x\nscenarios: a\nrepetitions: 2\n"
        "points: [{parameters: {n: 1}}, {overrides: {links.lte.rate: 1 Mbit/s}}]\n",
    )

    assert len({point.key for point in product}) == len(product) == 2 * 2 * 2 * 3
    assert sorted(point.key for point in in_order(listed, ["a"])) == [
        "a links.lte.rate=1 Mbit/s #1",
        "a links.lte.rate=1 Mbit/s #2",
        "a n=1 #1",
        "a n=1 #2",
    ]


def test_the_order_follows_from_the_seed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, PLAN)
    more = plan.model_copy(update={"repetitions": 4})
    other = plan.model_copy(update={"seed": 2})
    keys = [point.key for point in in_order(plan, ["a", "b"])]

    assert keys == [point.key for point in in_order(plan, ["a", "b"])]
    assert keys == [point.key for point in in_order(more, ["a", "b"])][: len(keys)]
    assert keys != [point.key for point in in_order(other, ["a", "b"])]
    assert keys != sorted(keys)
    assert Counter(key.rpartition("#")[2] for key in keys[:8]) == {"1": 8}, "no whole repetition"


def test_a_repetition_draws_the_same_whatever_is_chosen(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, PLAN)
    point = Point("a", {"backup": "true"})
    seed = seed_of(plan, point)

    assert seed == seed_of(plan, replace(point, parameters={"backup": "false"}))
    assert seed != seed_of(plan, replace(point, repetition=2))
    assert seed != seed_of(plan.model_copy(update={"seed": 2}), point)


def test_a_pattern_means_tests_by_id_case_file_directory_or_glob() -> None:
    ids = ["s/test_a.py::test_x[ipv4]", "s/test_a.py::test_x[ipv6]", "s/test_a.py::test_xy"]
    known = [Scenario(each, "f", False, None, True, True) for each in ids]

    def meant(pattern: str) -> list[int]:
        return [ids.index(each.id) for each in chosen(pattern, known)]

    assert meant("s/test_a.py::test_x[ipv6]") == [1]
    assert meant("s/test_a.py::test_x") == [0, 1]
    assert meant("s/test_a.py::test_x*") == meant("s/test_a.py") == meant("s/") == [0, 1, 2]
    assert meant("s/test_*.py::*[ipv4]") == [0]
    assert meant("s/test") == []


def entry(point: Point, verdict: Verdict, attempt: int = 1, seconds: float = 4.0) -> Entry:
    return Entry(point, attempt, 1, verdict, "", None, seconds, "here", "")


def test_what_remains_is_counted_in_points_and_in_time() -> None:
    points = [Point("a", {}, {}, number) for number in range(1, 6)]
    attempts = {
        points[0].key: [entry(points[0], Verdict.PASSED)],
        points[1].key: [entry(points[1], Verdict.INVALID), entry(points[1], Verdict.FAILED, 2)],
        points[2].key: [entry(points[2], Verdict.INVALID)],
    }

    now = standing(points, attempts, retries=1, slots=2)

    assert (now.finished, now.counts(), now.left()) == (2, "1 passed, 1 failed", "6 s left")
    assert not now.good
    assert standing(points, attempts, retries=0, slots=2).counts() == (
        "1 passed, 1 failed, 1 invalid"
    )
    assert standing(points, {}, retries=0, slots=2).left() == "time left not known yet"
