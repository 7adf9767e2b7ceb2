"""A plug-in of pytest that tells which scenarios there are: ``-p lab.campaign.collecting``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the place to write to."""
    parser.getgroup("lab").addoption(
        "--collected-into", type=Path, metavar="FILE", help="write what was collected, as JSON"
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Write it."""
    items = [_told(item) for item in session.items]
    told = {"root": str(session.config.rootpath), "items": items}
    session.config.option.collected_into.write_text(json.dumps(told), encoding="utf-8")


def _told(item: pytest.Item) -> dict[str, Any]:
    fixtures = getattr(item, "fixturenames", ())
    marker = item.get_closest_marker("topology")
    return {
        "id": item.nodeid,
        "file": str(item.path),
        "timing": item.get_closest_marker("timing") is not None,
        "topology": marker.args[0] if marker and marker.args else None,
        "run": "result" in fixtures,
        "parameter": "parameter" in fixtures,
    }
