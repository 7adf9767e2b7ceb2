"""Medians, intervals and differences: against distributions of which the truth is known."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import UsageError
from lab.statistic import (
    FEWEST,
    Conclusion,
    amount,
    difference,
    median_interval,
    sentence,
)
from lab.statistic.ranks import cliffs_delta, rank_test

TRIALS = 400
"""The share that is found is then within 0.03 of the true one, but for one seed in a hundred."""

DRAWS = {
    "normal": (lambda rng, n: rng.normal(20.0, 1.0, n), 20.0),
    "skewed": (lambda rng, n: rng.lognormal(1.0, 0.8, n), math.e),
    "flat": (lambda rng, n: rng.uniform(1, 3, n), 2.0),
}

numbers = st.floats(min_value=-1e6, max_value=1e6, allow_subnormal=False)
samples = st.lists(numbers, min_size=1, max_size=12)
few_values = st.lists(st.integers(0, 4), min_size=1, max_size=5)


@pytest.mark.parametrize("values", [FEWEST, 8, 20])
@pytest.mark.parametrize("name", DRAWS)
def test_intervals_hold_the_true_median_as_often_as_they_say(name, values):
    draw, truth = DRAWS[name]
    rng = np.random.default_rng(values)

    held = sum(median_interval(draw(rng, values)).holds(truth) for _ in range(TRIALS))

    assert 0.88 < held / TRIALS < 0.985, "95 % is what is said; the bootstrap is 91 to 95 % here"


@pytest.mark.parametrize("name", DRAWS)
def test_samples_of_one_distribution_rarely_differ(name):
    draw, _ = DRAWS[name]
    rng = np.random.default_rng(5)
    found = [difference(draw(rng, 6), draw(rng, 6)) for _ in range(TRIALS)]

    differing = sum(each.conclusion is Conclusion.DIFFERS for each in found)

    assert differing / TRIALS < 0.06
    assert 0.9 < sum(each.ratio.holds(1.0) for each in found) / TRIALS < 1.0


def test_a_real_difference_is_found_and_its_size_held():
    """A fifth less, at a spread of 3 %."""
    rng = np.random.default_rng(6)
    found = [difference(rng.normal(100, 3, 6), rng.normal(80, 3, 6)) for _ in range(TRIALS)]

    assert all(each.conclusion is Conclusion.DIFFERS for each in found)
    assert 0.9 < sum(each.ratio.holds(0.8) for each in found) / TRIALS < 0.99
    assert {each.size for each in found} == {"large"}


@given(samples)
def test_the_median_lies_in_its_interval(values):
    interval = median_interval(values)

    assert interval.median == np.median(values)
    assert interval.too_few == (len(values) < FEWEST)
    assert interval.holds(interval.median)
    if interval.low is not None:
        assert min(values) <= interval.low
        assert interval.high <= max(values)


@given(samples, samples)
def test_a_difference_seen_from_the_other_side(first, second):
    there, back = difference(first, second), difference(second, first)

    assert there.effect == pytest.approx(-back.effect)
    assert there.chance == pytest.approx(back.chance)
    assert there.shift.median == pytest.approx(-back.shift.median)
    assert -1 <= there.effect <= 1
    assert 0 < there.chance <= 1


@given(few_values, few_values)
def test_the_rank_test_counts_every_way_to_deal_the_values(first, second):
    """Against the definition: all choices of places, ties included."""
    pool = np.array(first + second, dtype=float)
    ranks = [(pool < value).sum() + ((pool == value).sum() + 1) / 2 for value in pool]
    middle = len(first) * sum(ranks) / len(pool)
    far = abs(sum(ranks[: len(first)]) - middle)
    ways = [abs(sum(way) - middle) for way in combinations(ranks, len(first))]
    expected = sum(way >= far - 1e-9 for way in ways) / len(ways)

    assert rank_test(np.array(first, float), np.array(second, float)) == pytest.approx(expected)


def test_many_values_are_judged_as_few_are(monkeypatch):
    """The normal distribution of many ranks against the exact count."""
    rng = np.random.default_rng(7)
    one, other = rng.normal(0, 1, 40), rng.normal(0.2, 1, 40).round(1)
    exact = rank_test(one, other)

    monkeypatch.setattr("lab.statistic.ranks._EXACT", 0)

    assert 0.001 < exact < 0.3
    assert rank_test(one, other) == pytest.approx(exact, rel=0.05)
    assert rank_test(np.ones(50), np.ones(60)) == 1.0


def test_the_effect_counts_pairs():
    assert cliffs_delta(np.array([1.0, 2, 3]), np.array([2.0, 4])) == pytest.approx((4 - 1) / 6)


def test_too_few_values_conclude_nothing():
    found = difference([1, 2, 3, 4], [11, 12, 13, 14, 15])

    assert (found.conclusion, found.noise) == (Conclusion.TOO_FEW, False)
    assert sentence(found) == "too few to tell: 4 and 5 values: 5 of each are needed"


def test_a_seed_repeats_the_interval():
    values = np.random.default_rng(8).normal(size=15)

    assert median_interval(values, seed=3) == median_interval(values, seed=3)
    assert len({median_interval(values, seed=seed) for seed in range(20)}) > 1


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf], [[1.0], [2.0]]])
def test_what_is_no_sample_is_refused(values):
    with pytest.raises(UsageError, match="statistics need"):
        median_interval(values)


LOW, HIGH = [10, 10.1, 10.2, 10.3, 10.4], [12, 12.1, 12.2, 12.3, 12.4]


@pytest.mark.parametrize(
    ("first", "second", "unit", "better", "said"),
    [
        (LOW, HIGH, "s", "lower", "B is 20 % longer, 95 % interval 17 to 23 %: worse"),
        (HIGH, LOW, "bit/s", "higher", "B is 16 % slower, 95 % interval 14 to 19 %: worse"),
        (HIGH, LOW, "packets", "lower", "B is 16 % lower, 95 % interval 14 to 19 %: better"),
        (LOW, [x * 10 for x in LOW], "", None, "B is 10 times A, 95 % interval 9.71 to 10.3"),
        ([0, 0, 0, 0, 1], [2] * 5, "s", None, "B is 2 s longer, 95 % interval 1 s to 2 s"),
        ([3] * 5, [3] * 6, "", None, "the same value each time"),
        (LOW, [10, 10.1, 10.2, 10.3, 10.5], "s", None,
         "no difference that repetition would not explain (0 %, 95 % interval -2.9 to 3 %)"),
    ],
)  # fmt: skip
def test_sentences(first, second, unit, better, said):
    assert sentence(difference(first, second), unit, better) == said


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12_345_678, "bit/s", "12.3 Mbit/s"),
        (999_900, "bit/s", "1 Mbit/s"),
        (0.4314, "s", "431 ms"),
        (75, "s", "75 s"),
        (-0.0321, "s", "-32.1 ms"),
        (0, "s", "0 s"),
        (2_500_000_000_000, "byte", "2500 GB"),
        (3, "subflows", "3 subflows"),
        (1_234_567, "", "1234567"),
        (0.123456, "", "0.123"),
    ],
)
def test_amounts(value, unit, text):
    assert amount(value, unit) == text
