"""The kinds of boxes, by the names that topology files use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from lab.middlebox.alter import Alter
from lab.middlebox.box import Box
from lab.middlebox.coalesce import Coalesce
from lab.middlebox.drop import Drop
from lab.middlebox.payload import Payload
from lab.middlebox.reset import Reset
from lab.middlebox.sequence import Sequence
from lab.middlebox.split import Split
from lab.middlebox.strip import Strip

KINDS: Final[Mapping[str, type[Box]]] = {
    "alter": Alter,
    "coalesce": Coalesce,
    "drop": Drop,
    "payload": Payload,
    "reset": Reset,
    "sequence": Sequence,
    "split": Split,
    "strip": Strip,
}


class Declared(NamedTuple):
    """A box as it is declared; JSON carries it to the process that has it."""

    kind: str
    """one of ``KINDS``"""
    arguments: Mapping[str, Any]
    """what that class takes"""

    def make(self) -> Box:
        """The box, which has seen nothing yet."""
        return KINDS[self.kind](**self.arguments)
