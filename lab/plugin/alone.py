"""Scenarios that are marked ``timing`` do not share the machine with any other one.

Not with those of another pytest either, be it a worker of pytest-xdist or another user's. A pytest
that a test has started is a part of that test, and shares what the test has.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from lab.quiet import PART, sharing

_HELD = pytest.StashKey[ExitStack]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    """Let go when the test is over, its fixtures included."""
    with ExitStack() as held:
        item.stash[_HELD] = held
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Come in before the first fixture.

    :raises InvalidRun: others did not let go.
    """
    if PART in os.environ:
        return
    held = item.stash[_HELD]
    held.enter_context(sharing(alone=item.get_closest_marker("timing") is not None))
    os.environ[PART] = "1"
    held.callback(os.environ.pop, PART)
