"""Which files of the machine a sandbox does not see."""

from __future__ import annotations

from pathlib import Path

from lab import sandbox
from lab.errors import UsageError


def require_visible(*paths: Path) -> None:
    """Make sure that a new sandbox sees these places as the machine has them.

    :raises UsageError: one lies where a sandbox has files of its own.
    """
    hidden = sandbox.private_directory()
    for path in paths:
        if path.resolve().is_relative_to(hidden):
            raise UsageError(
                f"{path} is below {hidden}, where a sandbox has files of its own that vanish with "
                "it, and sees no others: choose another place"
            )
