"""The page on porting names functions that exist, and every one of `mptcpapi.draft`."""

import re
from pathlib import Path

import pytest

import mptcpapi
from mptcpapi import aio, draft

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "porting.md").read_text(encoding="utf-8")
MODULES = {"draft": draft, "aio": aio, "mptcpapi": mptcpapi}
NAMES = sorted(set(re.findall(r"`(draft|aio|mptcpapi)\.(\w+)", PAGE)))


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_what_the_page_names_exists(module: str, name: str) -> None:
    assert hasattr(MODULES[module], name)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, thing in vars(draft).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == draft.__name__
    ],
)
def test_the_page_names_what_exists(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)
