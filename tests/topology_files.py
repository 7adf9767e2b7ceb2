"""Topology files, and the mistakes in bad ones, for tests."""

from __future__ import annotations

import pytest

from lab.errors import Mistake, MistakenFile
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

TWO_WAYS = """
topology: 1
name: {name}
hosts:
  client: {client}
  server: {server}
routers: {{gw: {{}}}}
links:
  wifi:  {{ends: [client:wifi, gw:wifi], subnet: [10.0.1.0/24, fd00:1::/64]}}
  lte:   {{ends: [client:lte, gw:lte], subnet: [10.0.2.0/24, fd00:2::/64]}}
  core:  {{ends: [gw:core, server:core], subnet: [10.0.9.0/24, fd00:9::/64]}}
  other: {{ends: [gw:other, server:other], subnet: 10.0.8.0/24}}
"""
"""A client with two links to a router, a server with two; what the hosts declare is left open."""


def mistakes(content: str | bytes) -> tuple[Mistake, ...]:
    """The mistakes in a content that must have some."""
    with pytest.raises(MistakenFile) as caught:
        loads(content, "f.yaml")
    return caught.value.mistakes


def lines(content: str | bytes) -> list[str]:
    """The mistakes without their source lines."""
    return [str(mistake._replace(source="")) for mistake in mistakes(content)]
