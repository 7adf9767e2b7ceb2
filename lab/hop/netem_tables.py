"""The distributions of jitter that iproute2 brings for netem: files of numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lab.errors import Unsupported

PLACES = ("usr/lib/tc", "usr/lib/*/tc", "usr/lib64/tc", "usr/share/tc", "lib/tc")
"""Where distributions of Linux install them; TC_LIB_DIR names another place, as for tc(8)."""


@cache
def table(distribution: str) -> tuple[int, ...]:
    """The numbers of one, for TCA_NETEM_DELAY_DIST; none for the uniform one, which needs none.

    :raises Unsupported: iproute2's file is missing.
    """
    if distribution == "uniform":
        return ()
    for path in _files(f"{distribution}.dist"):
        lines = path.read_text(encoding="ascii").splitlines()
        return tuple(int(word) for line in lines if line[:1] != "#" for word in line.split())
    raise Unsupported(
        f"jitter is declared as {distribution}, and no {distribution}.dist is found in "
        f"/{', /'.join(PLACES)}: install iproute2, or name its place with TC_LIB_DIR"
    )


def _files(name: str) -> Iterator[Path]:
    named = os.environ.get("TC_LIB_DIR")
    if named and Path(named, name).exists():
        yield Path(named, name)
    for place in PLACES:
        yield from Path("/").glob(f"{place}/{name}")
