"""Pages in a real browser: nothing is asked for, nothing complains, and figures are to be seen."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Page, browser, needs_browser
from page_campaigns import GOODPUT, campaign
from page_runs import EVIL, written
from PIL import Image

from lab.page.command import write

pytestmark = needs_browser

BOXES = """[...document.querySelectorAll("figure .scroll > svg")].map(svg => {
    const box = svg.getBoundingClientRect();
    return {name: svg.closest("figure").id, x: box.x + scrollX, y: box.y + scrollY,
            width: box.width, height: box.height};
})"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of a run as it should be, and of one whose every name is hostile."""
    root = tmp_path_factory.mktemp("runs")
    evil = "".join(EVIL.values())
    runs = {
        "plain": written(root),
        "hostile": written(root, evil, host="<b>$x$'\"&", reason=evil),
    }
    made = {name: write(run.directory, root / f"{name}.html") for name, run in runs.items()}
    evil_goodput = {evil: GOODPUT["true"], "b": GOODPUT["false"]}
    made["campaign"] = write(campaign(root / "plain"), None)
    made["hostile campaign"] = write(
        campaign(root / "evil", name=evil, question=evil, goodput=evil_goodput, reason=evil), None
    )
    return made


def quiet(page: Page) -> None:
    """The page has asked for nothing but itself, and nothing went wrong."""
    asked = [event["request"]["url"] for event in page.named("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith("data:")] == asked[:1], asked
    assert asked[0].startswith("file:")
    assert not page.named(
        "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded",
        "Page.javascriptDialogOpening",
    )  # fmt: skip


def drawn(picture: bytes) -> float:
    """The share of pixels that are not of the commonest colour."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    counts = [count for count, _ in image.getcolors(image.width * image.height) or []]
    return 1 - max(counts) / sum(counts)


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
@pytest.mark.parametrize("which", ["plain", "hostile", "campaign", "hostile campaign"])
def test_a_page_is_whole(
    page: Page, pages: dict[str, Path], which: str, width: int, scheme: str
) -> None:
    page.size(width)
    page.media(scheme=scheme)
    page.open(pages[which])

    quiet(page)
    assert page.value("document.documentElement.scrollWidth") <= width
    assert page.value("document.querySelectorAll('script').length") == 0
    assert page.value("document.title") != "owned"
    boxes = page.value(BOXES)
    both_ways = ["figure-goodput", "figure-sequence", "figure-rtt"] * 2
    expected = ["figure-chart"] if "campaign" in which else ["figure-lanes", *both_ways]
    assert [re.sub(r"-\d$", "", box["name"]) for box in boxes] == expected
    for box in boxes:
        assert box["width"] >= 280, box
        name = box.pop("name")
        box["width"] = min(box["width"], width - box["x"])  # what a phone shows without scrolling
        assert drawn(page.picture(box)) > 0.005, name
    assert drawn(page.picture()) > 0.02


@pytest.mark.parametrize("which", ["plain", "campaign"])
def test_identifiers_are_unique_and_lead_somewhere(
    page: Page, pages: dict[str, Path], which: str
) -> None:
    page.open(pages[which])

    ids = page.value("[...document.querySelectorAll('[id]')].map(each => each.id)")
    used = page.value("""[...document.documentElement.outerHTML.matchAll(
        /(?:href="|url\\()#([\\w-]+)/g)].map(found => found[1])""")
    assert len(ids) == len({*ids})
    assert len(used) > 10
    assert {*used} <= {*ids}


@pytest.mark.parametrize("which", ["plain", "campaign"])
def test_a_page_is_printed(page: Page, pages: dict[str, Path], which: str) -> None:
    page.size(703, 1016)  # A4 without its margins, in CSS pixels
    page.media("print", "dark")
    page.open(pages[which])

    quiet(page)
    for box in page.value(BOXES):
        assert box["height"] < 1016
        assert box["x"] + box["width"] <= 703, box
    assert page.value("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"
    assert page.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pdf = page.printed()
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
    page.media()


def test_what_fails_would_be_seen(page: Page, tmp_path: Path) -> None:
    """The positive control: a page that asks for a picture, runs a script and is empty."""
    path = tmp_path / "bad.html"
    path.write_text("<img src='x.png'><script>console.error('no')</script>", encoding="utf-8")

    page.open(path)

    with pytest.raises(AssertionError):
        quiet(page)
    assert page.named("Runtime.consoleAPICalled")
    assert drawn(page.picture()) < 0.005
