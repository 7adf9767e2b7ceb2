"""Attributes of rtnetlink that pyroute2 has no name for: it would leave them out in silence."""

from __future__ import annotations

import os
from difflib import get_close_matches
from errno import EINVAL
from typing import Any

from mptcpapi.errors import InvalidArgument

FEW = 12
"""So many names can be told in a message."""


def refuse_unknown(encoded: Any) -> None:
    """Refuse a message of pyroute2 that was encoded without some of its attributes.

    :raises InvalidArgument: one has no such name, at whatever depth; the text has the nearest
    """
    names = _names(encoded)
    for attribute in encoded.get("attrs", ()):
        if not names:
            return
        if attribute[0] not in names:
            text = f"there is no attribute {attribute[0]!r} ({_hint(str(attribute[0]), names)})"
            raise InvalidArgument(EINVAL, text)
        _, nested = attribute.cell
        refuse_unknown(nested)


def _names(encoded: Any) -> list[str]:
    """The first of a table is of no attribute (``IFLA_UNSPEC``)."""
    table = encoded.nla_map
    if not isinstance(table, (tuple, list)):
        return []
    texts = [[each for each in row if isinstance(each, str)] for row in table]
    return [name for name, type_name, *_ in texts if type_name != "none"]


def _hint(written: str, names: list[str]) -> str:
    common = os.path.commonprefix(names)  # noqa: RUF071 - names are no paths
    short = {name.removeprefix(common): name for name in names}
    asked = written.upper()
    if near := get_close_matches(asked.removeprefix(common), short, 1):
        return f"did you mean {short[near[0]]!r}?"
    if near := get_close_matches(asked, names, 1, cutoff=0.8):
        return f"did you mean {near[0]!r}?"
    if len(names) <= FEW:
        return f"known: {', '.join(names)}"
    return "they are called as in linux/if_link.h"
