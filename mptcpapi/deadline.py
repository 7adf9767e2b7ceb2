"""A deadline: what every wait of this package ends at."""

from __future__ import annotations

from errno import EINVAL
from time import monotonic

from mptcpapi.errors import InvalidArgument

_LONGEST = 86_400.0


class Deadline:
    """The moment ``seconds`` from now; at most a day away, so that nothing waits for ever."""

    def __init__(self, seconds: float) -> None:
        if not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST:
            raise InvalidArgument(
                EINVAL, f"timeout {seconds!r}: expected seconds, from 0 to {_LONGEST:.0f} (a day)"
            )
        self.seconds = seconds
        self._end = monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then; 0 once it has passed."""
        return max(0.0, self._end - monotonic())

    @property
    def passed(self) -> bool:
        """Whether it has passed."""
        return self.left == 0

    def expire(self) -> None:
        """Let it pass now; callable from any thread."""
        self._end = monotonic()
