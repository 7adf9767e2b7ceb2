"""The fixture for pytest: import it in a conftest.py. It takes pytest, which mptcpapi does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mptcpapi.testing.stack import FakeStack


@pytest.fixture
def fake_mptcp() -> Iterator[FakeStack]:
    """A `FakeStack` with its default paths, for one test."""
    with FakeStack() as stack:
        yield stack
