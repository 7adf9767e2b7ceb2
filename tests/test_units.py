"""Quantities: text with a unit becomes an SI value, and nothing else is taken."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lab import units
from lab.errors import UsageError
from lab.units import Amount, Queue

PARSERS = (units.rate, units.duration, units.share, units.size, units.queue, units.amount)


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.rate, "10 Mbit/s", 10_000_000),
        (units.rate, "2.5Gbit/s", 2_500_000_000),
        (units.rate, "8 bit/s", 8),
        (units.rate, "8 kbit/s", 8000),
        (units.rate, "1000 Gbit/s", 10**12),
        (units.duration, "5 ms", 0.005),
        (units.duration, "0 s", 0.0),
        (units.duration, "2.5 s", 2.5),
        (units.duration, "10   us", 0.00001),
        (units.share, "0.1 %", 0.001),
        (units.share, "100%", 1.0),
        (units.size, "7 B", 7),
        (units.size, "2 MB", 2_000_000),
        (units.size, "3 GB", 3_000_000_000),
        (units.size, "1.5 kB", 1500),
        (units.queue, "200 packets", Queue(packets=200)),
        (units.queue, "64 kB", Queue(bytes=64_000)),
        (units.queue, "50 ms", Queue(seconds=0.05)),
        (units.amount, "20 packets", Amount(packets=20)),
        (units.amount, "100 kB", Amount(bytes=100_000)),
    ],
)
def test_text_with_a_unit_becomes_an_si_value(
    parse: Callable[[str], object], text: str, value: object
) -> None:
    assert parse(text) == value
    assert type(parse(text)) is type(value)


@pytest.mark.parametrize(
    "number",
    [
        "20",
        "",
        " ",
        "nan",
        "inf",
        "1e3",
        "1e400",
        "٣",
        "\uff11",
        "1_000",
        "+5",
        "0x10",
        "1,5",
        ".5",
    ],
)
@pytest.mark.parametrize("parse", PARSERS)
def test_what_is_not_a_decimal_number_with_a_unit_is_refused(
    parse: Callable[[str], object], number: str
) -> None:
    for text in (number, f"{number} parsecs", f"{number} "):
        with pytest.raises(UsageError, match="needs a number and a unit"):
            parse(text)


@pytest.mark.parametrize("number", ["nan", "inf", "1e400", "٣", "9" * 50])
def test_odd_numbers_are_refused_with_a_good_unit_too(number: str) -> None:
    with pytest.raises(UsageError, match=r"needs a number and a unit \(us, ms, s\)"):
        units.duration(f"{number} ms")


@pytest.mark.parametrize(
    "text", ["10 mbit/s", "10 Mbps", "10 MBIT/S", "10 Mbit/s\n", "\xa010 Mbit/s"]
)
def test_units_are_taken_to_the_letter(text: str) -> None:
    with pytest.raises(UsageError, match="bit/s, kbit/s, Mbit/s, Gbit/s"):
        units.rate(text)


def test_a_bare_number_is_refused_even_as_a_number() -> None:
    with pytest.raises(UsageError, match=r"^20 needs a number and a unit"):
        units.rate(20)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parse", "text", "span"),
    [
        (units.rate, "0 Mbit/s", "8 bit/s to 1000 Gbit/s"),
        (units.rate, "-5 Mbit/s", "8 bit/s to 1000 Gbit/s"),
        (units.rate, "1001 Gbit/s", "8 bit/s to 1000 Gbit/s"),
        (units.duration, "-0.1 ms", "0 us to 3600 s"),
        (units.duration, "3600.001 s", "0 us to 3600 s"),
        (units.share, "100.1 %", "0 % to 100 %"),
        (units.size, "0 B", "1 B to 1000 GB"),
        (units.queue, "0 packets", "1 packets to 1000000 packets"),
        (units.queue, "0 ms", "1 us to 3600 s"),
        (units.queue, "5 GB", "1 B to 4 GB"),
    ],
)
def test_what_makes_no_sense_is_out_of_range(
    parse: Callable[[str], object], text: str, span: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(f"'{text}' is out of range ({span})")):
        parse(text)


@pytest.mark.parametrize(
    ("parse", "text"),
    [(units.queue, "1.5 packets"), (units.size, "0.1 B"), (units.rate, "8.5 bit/s")],
)
def test_counts_are_whole(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(UsageError, match=r"out of range|not a whole number|not a multiple"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (units.rate_text(10_000_000), "10 Mbit/s"),
        (units.rate_text(999), "999 bit/s"),
        (units.rate_text(1000), "1 kbit/s"),
        (units.rate_text(1_234_567), "1.234567 Mbit/s"),
        (units.duration_text(0.005), "5 ms"),
        (units.duration_text(90.0), "90 s"),
        (units.share_text(0.001), "0.1 %"),
        (units.size_text(2_000_000), "2 MB"),
        (str(Queue(packets=200)), "200 packets"),
        (str(Queue(bytes=64_000)), "64 kB"),
        (str(Queue(seconds=0.05)), "50 ms"),
    ],
)
def test_values_become_text_in_the_largest_unit_they_fill(text: str, expected: str) -> None:
    assert text == expected


def test_a_rate_is_a_whole_number_of_bytes_per_second() -> None:
    assert units.rate("0.808 kbit/s") == 808
    with pytest.raises(UsageError, match=r"'809 bit/s' is not a multiple of 8 bit/s"):
        units.rate("809 bit/s")


@given(st.integers(8, 10**12))
def test_rates_and_sizes_survive_text(value: int) -> None:
    assert units.rate(units.rate_text(value // 8 * 8)) == value // 8 * 8
    assert units.size(units.size_text(value)) == value


@given(st.floats(1e-9, 1.0))
def test_durations_and_shares_survive_text(value: float) -> None:
    assert units.duration(units.duration_text(value)) == value
    assert units.share(units.share_text(value)) == pytest.approx(value, rel=1e-15)


@given(
    st.builds(Queue, packets=st.integers(1, 10**6))
    | st.builds(Queue, bytes=st.integers(1, 4 * 10**9))
    | st.builds(Queue, seconds=st.floats(1e-6, 3600.0))
)
def test_queues_survive_text(value: Queue) -> None:
    assert units.queue(str(value)) == value


def complaint(parse: Callable[[str], object], text: str) -> str:
    """What ``parse`` says against ``text``; nothing if it takes it."""
    try:
        parse(text)
    except UsageError as error:
        return str(error)
    return ""


@given(st.text() | st.from_regex(r"-?[0-9.eE+_]* *(bit/s|MB|ms|%|packets|x)?"))
@settings(deadline=None)
def test_any_text_is_a_quantity_or_gets_one_short_line(text: str) -> None:
    for parse in PARSERS:
        said = complaint(parse, text)
        assert "\n" not in said
        assert len(said) < 200


@pytest.mark.parametrize(
    ("kind", "parse"),
    [
        ("rate", units.rate),
        ("duration", units.duration),
        ("share", units.share),
        ("queue", units.queue),
    ],
)
@given(data=st.data())
@settings(deadline=None)
def test_patterns_for_editors_agree_with_the_parsers(
    kind: str, parse: Callable[[str], object], data: st.DataObject
) -> None:
    pattern = units.PATTERNS[kind]
    near_misses = st.text("0123456789. smkMbit/%", max_size=40)
    text = data.draw(st.from_regex(pattern, fullmatch=True) | near_misses)
    assume(len(text) <= 40)

    well_formed = "needs a number" not in complaint(parse, text)
    assert well_formed == bool(re.fullmatch(pattern, text))


@pytest.mark.parametrize(
    ("parse", "text", "meant"),
    [
        (units.rate, "20 mbit/s", "20 Mbit/s"),
        (units.rate, "20Mbps", "20 Mbit/s"),
        (units.rate, "1.5 Mbit", "1.5 Mbit/s"),
        (units.duration, "5 msec", "5 ms"),
        (units.size, "2 mb", "2 MB"),
        (units.queue, "100 pkts", "100 packets"),
    ],
)
def test_a_unit_that_is_nearly_right_is_met_with_the_right_one(parse, text, meant):
    with pytest.raises(UsageError, match=rf"a unit \(did you mean '{meant}'\? known: "):
        parse(text)
