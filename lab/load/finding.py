"""Topology files by their names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from lab.errors import UsageError
from lab.model.names import hint, shown

DIRECTORY: Final = "topologies"
"""Where they are, below the place where one works."""


def find(name: str, place: Path) -> Path:
    """The file of a topology: ``topologies/NAME.yaml`` below ``place``, or ``name`` as a path.

    :raises UsageError: there is none of that name, and it is no path.
    """
    known = {file.stem: file for file in (place / DIRECTORY).glob("*.yaml")}
    if name in known:
        return known[name]
    if "/" in name or "." in name or os.path.lexists(name):
        return Path(name)
    looked = (place / DIRECTORY).absolute()
    raise UsageError(f"no topology {shown(name)} in {looked} ({hint(name, known)})")
