"""Which backend emulates impairments here."""

from __future__ import annotations

from collections.abc import Mapping

from lab.backend.kind import Backend
from lab.backend.netem import NetemBackend
from lab.backend.wirefilter import WirefilterBackend
from lab.errors import Unsupported, UsageError

BACKENDS: Mapping[str, Backend] = {
    backend.name: backend for backend in (NetemBackend(), WirefilterBackend())
}
"""By name, in the order of preference."""


def choose(name: str | None = None) -> Backend:
    """The backend of that name, or the first that works here.

    :raises UsageError: there is none of that name.
    :raises Unsupported: it does not work here, or none does; the reason says what to do.
    """
    if name is not None and name not in BACKENDS:
        raise UsageError(f"unknown backend {name!r} (known: {', '.join(BACKENDS)})")
    wanted = BACKENDS if name is None else {name: BACKENDS[name]}
    reasons = {name: backend.why_not() for name, backend in wanted.items()}
    for name, reason in reasons.items():
        if reason is None:
            return BACKENDS[name]
    listed = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    raise Unsupported(f"links' impairments cannot be emulated here. {listed}")
