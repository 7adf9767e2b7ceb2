"""What the protocol demands, a family in each file; a rule yields what it finds."""

from __future__ import annotations

from lab.verify.rules import (
    acknowledgments,
    addresses,
    backup,
    both_ends,
    checksums,
    data,
    endings,
    handshake,
    joins,
    mappings,
    options,
)

RULES = (
    options.judge,
    handshake.judge,
    joins.judge,
    addresses.judge,
    mappings.judge,
    data.judge,
    acknowledgments.judge,
    checksums.judge,
    endings.judge,
    both_ends.judge,
    backup.judge,
)
"""In the order of a report."""
