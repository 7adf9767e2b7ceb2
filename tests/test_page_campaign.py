"""Pages of campaigns: the answer, what was invalid and why, and links to runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from page_campaigns import GOODPUT, campaign
from page_runs import EVIL

from lab.errors import UsageError
from lab.page.command import write


def page_of(directory: Path) -> str:
    return write(directory, None).read_text(encoding="utf-8")


def test_a_difference_is_the_answer(tmp_path: Path) -> None:
    page = page_of(campaign(tmp_path / "campaign"))

    assert "Does backup cost goodput?" in page
    assert "goodput is lower with backup=true than with backup=false (worse)." in page
    assert re.search(r"backup=true is 43 % slower, 95 % interval \d+ to \d+ %: worse", page)
    assert "9.2 Mbit/s" in page
    assert "5.2 Mbit/s" in page
    assert ">5 and 5<" in page  # what was invalid does not count
    assert 'id="figure-chart-0"' in page


def test_noise_is_no_difference(tmp_path: Path) -> None:
    page = page_of(campaign(tmp_path / "campaign", goodput={**GOODPUT, "true": GOODPUT["false"]}))

    assert "goodput is the same with backup=true as with backup=false, as far as" in page
    assert "(worse)" not in page


def test_few_runs_are_too_few(tmp_path: Path) -> None:
    few = {value: values[:3] for value, values in GOODPUT.items()}

    page = page_of(campaign(tmp_path / "campaign", goodput=few))

    assert "goodput cannot be told from so few runs with backup=true." in page
    assert "too few to tell: 3 and 3 values: 5 of each are needed" in page


def test_what_was_invalid_is_told_with_its_reason(tmp_path: Path) -> None:
    page = page_of(campaign(tmp_path / "campaign", reason="wifi: 7 Mbit/s measured"))

    assert "10 of 10 points have run, 1 attempt more than points." in page
    trouble = page.partition('<section id="trouble">')[2].partition("</section>")[0]
    assert "invalid" in trouble
    assert "wifi: 7 Mbit/s measured" in trouble
    assert "passed" not in trouble.partition("did not pass")[2]


@pytest.mark.parametrize("place", ["", "elsewhere/page.html"])
def test_links_lead_to_the_runs(tmp_path: Path, place: str) -> None:
    directory = campaign(tmp_path / "cam paign #1")
    (tmp_path / "elsewhere").mkdir()
    path = write(directory, tmp_path / place if place else None)

    links = re.findall(r'<a href="(\./[^"]*|\.\./[^"]*)"', path.read_text(encoding="utf-8"))

    assert len({*links}) == 11
    for link in links:
        from urllib.parse import unquote  # noqa: PLC0415

        assert (path.parent / unquote(link) / "manifest.json").is_file()


def test_what_is_damaged_is_left_out_and_said(tmp_path: Path) -> None:
    directory = campaign(tmp_path / "campaign")
    with (directory / "journal.jsonl").open("a", encoding="utf-8") as journal:
        journal.write('{"half\n[]\n{"run": "../../etc", "verdict": "passed"}\n')
    run = next((directory / "runs").iterdir())
    (run / "manifest.json").write_text("{", encoding="utf-8")

    page = page_of(directory)

    assert page.count("this line is damaged, and left out") == 2
    assert "../../etc: no name of a run" in page
    assert "not JSON" in page


@pytest.mark.parametrize("text", ["{", "[]", None])
def test_no_campaign_is_one_sentence(tmp_path: Path, text: str | None) -> None:
    directory = campaign(tmp_path / "campaign")
    path = directory / "campaign.json"
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=r"not JSON|no campaign, but list|is no run") as caught:
        write(directory, None)

    assert "\n" not in str(caught.value)


def test_a_campaign_that_has_just_begun_has_a_page(tmp_path: Path) -> None:
    directory = campaign(tmp_path / "campaign")
    (directory / "journal.jsonl").unlink()

    page = page_of(directory)

    assert "0 of 10 points have run." in page
    assert "no choice has two values" in page
    assert "No attempt has ended yet." in page


@pytest.mark.parametrize("name", EVIL)
def test_what_came_from_outside_is_text(tmp_path: Path, name: str) -> None:
    evil = EVIL[name]
    directory = campaign(tmp_path / "campaign", name=evil, question=evil, reason=evil,
                         goodput={evil: (1.0,) * 5, "b": (2.0,) * 5})  # fmt: skip
    plan = json.loads((directory / "campaign.json").read_text(encoding="utf-8"))
    plan["plan"][evil] = evil
    (directory / "campaign.json").write_text(json.dumps(plan), encoding="utf-8")

    page = page_of(directory)

    assert not {*"\0\u202e\u2066\u200b\x1b\x7f"} & {*page}
    assert not re.search(r"<(script|img|b onmouse|iframe|!\[CDATA)", page)
    assert len(page) < 3_000_000
