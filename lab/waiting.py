"""Waiting until there is something to read, whatever the numbers of the descriptors.

select(2) knows those below 1024 alone, and a network of some hundred links has more.
"""

from __future__ import annotations

import math
import select
from collections.abc import Iterable


def readable(sources: Iterable[int], seconds: float) -> set[int]:
    """Those descriptors that can be read, or have come to their end; none after ``seconds``."""
    poll = select.poll()
    for source in sources:
        poll.register(source, select.POLLIN)
    return {source for source, _ in poll.poll(math.ceil(max(0.0, seconds) * 1000))}
