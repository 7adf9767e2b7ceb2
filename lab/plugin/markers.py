"""What the markers of a test ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.errors import UsageError
from lab.load import find
from lab.model.names import hint, shown

FLOW = ("sender", "server_protocol")
"""What ``flow`` can say; :class:`~lab.flow.Flow` knows the values."""


def topology_file(request: pytest.FixtureRequest) -> Path:
    """The file that the test's ``topology`` marker names.

    :raises UsageError: there is no marker, or it has not one name, or there is no such topology.
    """
    marker = request.node.get_closest_marker("topology")
    if marker is None:
        raise UsageError("this test needs a network: mark it with @pytest.mark.topology('NAME')")
    if marker.kwargs or len(marker.args) != 1 or not isinstance(marker.args[0], str):
        raise UsageError(
            f"{_written(marker)}: it takes one name or path, as in "
            "@pytest.mark.topology('two_paths')"
        )
    return find(marker.args[0], request.config.rootpath)


def flow_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the test's ``flow`` marker says of its flow.

    :raises UsageError: it says something else.
    """
    marker = request.node.get_closest_marker("flow")
    if marker is None:
        return {}
    if marker.args:
        raise UsageError(f"{_written(marker)}: it takes keywords only (known: {', '.join(FLOW)})")
    for word in marker.kwargs:
        if word not in FLOW:
            raise UsageError(f"{_written(marker)}: unknown {shown(word)} ({hint(word, FLOW)})")
    return dict(marker.kwargs)


def planted(request: pytest.FixtureRequest) -> tuple[str, ...] | None:
    """The violations that the test's ``violates`` marker announces; None if there is no marker.

    :raises UsageError: it names none, or something else than sentences; or nothing is captured.
    """
    marker = request.node.get_closest_marker("violates")
    if marker is None:
        return None
    if not marker.args or marker.kwargs or not all(isinstance(each, str) for each in marker.args):
        raise UsageError(
            f"{_written(marker)}: it takes parts of the verifier's sentences, as in "
            "@pytest.mark.violates('the HMAC of the ACK')"
        )
    if "capture" not in request.fixturenames:
        raise UsageError(f"{_written(marker)}: without the fixture 'capture' nothing is verified")
    return tuple(marker.args)


def _written(marker: pytest.Mark) -> str:
    """The marker as it stands in the scenario."""
    arguments = [shown(value) for value in marker.args]
    arguments += [f"{name}={shown(value)}" for name, value in marker.kwargs.items()]
    return f"@pytest.mark.{marker.name}({', '.join(arguments)})"
