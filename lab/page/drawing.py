"""Figures as inline SVG: matplotlib draws, the page's style sheet gives the colours.

matplotlib is told stand-ins for the colours, which become variables of the style sheet here: so a
figure follows the page into a dark room. Text stays text, so that it can be found and read aloud.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any, NamedTuple
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from lab.page.text import shown

WIDTH = 9.0
"""Inches; of 72 units of the SVG each."""

SERIES = ("#0072b2", "#d55e00", "#00795a", "#b0568a", "#b87800", "#3a8fc4", "#6b4c9a", "#5f5f5f")
"""After Okabe and Ito: told apart with any kind of colour blindness."""

INK, FAINT, ALARM, PAPER = "#010203", "#040506", "#070809", "#0a0b0c"

VARIABLES = {
    **{colour: f"var(--series{at})" for at, colour in enumerate(SERIES)},
    INK: "currentColor",
    FAINT: "var(--faint)",
    ALARM: "var(--alarm)",
    PAPER: "var(--paper)",
}

MARKERS = "osD^vPX*"
DASHES: tuple[Any, ...] = (
    "-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 1)), (0, (9, 3)), (0, (4, 1, 1, 1)),
    (0, (3, 3)),
)  # fmt: skip
HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---", "|||", "ooo")

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "page",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.parse_math": False,  # a host may be called $x$
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "hatch.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "path.simplify": False,  # what is left out is left out on purpose
}


class Look(NamedTuple):
    """How a series is told apart, with colour and without."""

    colour: str
    marker: str
    dashes: Any
    hatch: str


def look(number: int) -> Look:
    """The look of the series with this number, from 1: the same in all figures of a page."""
    at = (number - 1) % len(SERIES)
    turn = (number - 1) // len(SERIES)  # beyond them, colours come again with other marks
    other = (at + turn) % len(SERIES)
    return Look(SERIES[at], MARKERS[other], DASHES[other], HATCHES[other])


def draw(
    name: str, height: float, paint: Callable[[Figure], None], *, width: float = WIDTH
) -> Markup:
    """Return what ``paint`` draws, ``height`` inches high and ``width`` wide, as an SVG element.

    ``name`` is a word, different for each figure of a page: identifiers begin with it.
    """
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that the font lacks: the reader's has them
        figure = Figure(figsize=(width, height))
        figure.patch.set_visible(False)
        paint(figure)
        out = StringIO()
        figure.savefig(out, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format")))
    return _inline(name, out.getvalue())


def label(text: object, longest: int = 40) -> str:
    """What came from outside, fit for a figure: short, and nothing invisible."""
    return shown(text, longest).replace("\n", " ")


_SVG = "http://www.w3.org/2000/svg"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_DROPPED = (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style")  # a style would be the whole page's
_FAMILY = re.compile(r"font-family: [^;]*; ")
_NUMBER = re.compile(r"-?\d+\.\d+")


def _inline(name: str, document: str) -> Markup:
    """The drawing alone, with identifiers of its own, the page's colours, and short numbers."""
    root = ElementTree.fromstring(document)  # noqa: S314 - matplotlib wrote it, just now
    for parent in [*root.iter()]:
        for child in [*parent]:
            if child.tag in _DROPPED:
                parent.remove(child)
    used = {found for each in root.iter() for value in each.attrib.values()
            for found in re.findall(r"#([\w-]+)", value)}  # fmt: skip
    for each in root.iter():
        _tidy(name, each, used)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-says")
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - XML, escaped


def _tidy(name: str, each: ElementTree.Element, used: set[str]) -> None:
    each.tail = None
    if not (each.text or "").strip():
        each.text = None
    attributes = each.attrib
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    if attributes.get("id") in used:
        attributes["id"] = f"{name}-{attributes['id']}"
    else:
        attributes.pop("id", None)
    for key, value in attributes.items():
        if key == _XLINK:
            attributes[key] = value.replace("#", f"#{name}-")
        elif key == "d":
            attributes[key] = " ".join(_NUMBER.sub(_short, value).split())
        elif key in ("x", "y", "transform", "width", "height"):
            attributes[key] = _NUMBER.sub(_short, value)
        else:
            value = _FAMILY.sub("", value).replace("url(#", f"url(#{name}-")
            attributes[key] = _COLOUR.sub(lambda found: VARIABLES[found[0]], value)


_COLOUR = re.compile("|".join(VARIABLES))


def _short(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")
