"""A good topology file, and the mistakes in bad ones, for the tests of the loader."""

from __future__ import annotations

import pytest

from lab.errors import Mistake, TopologyError
from lab.load import loads

GOOD = """\
topology: 1
name: pair
hosts: {client: {}, server: {}}
links:
  wifi:
    ends: [client:wifi, server:wifi]
    subnet: 10.0.1.0/24
"""


def mistakes(content: str | bytes) -> tuple[Mistake, ...]:
    """The mistakes in a content that must have some."""
    with pytest.raises(TopologyError) as caught:
        loads(content, "f.yaml")
    return caught.value.mistakes


def lines(content: str | bytes) -> list[str]:
    """The mistakes without their source lines."""
    return [str(mistake._replace(source="")) for mistake in mistakes(content)]
