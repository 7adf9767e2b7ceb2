"""The kernel's MPTCP counters (``net/mptcp/mib.c``), as /proc shows them."""

from __future__ import annotations

from errno import EBADMSG, EOPNOTSUPP
from pathlib import Path

from mptcpapi.errors import BadAnswer, Unsupported, raise_if_exhausted

_NETSTAT = Path("/proc/thread-self/net/netstat")
_PREFIX = "MPTcpExt:"


def counters() -> dict[str, int]:
    """The MPTcpExt counters of the calling thread's network namespace, by the kernel's names.

    Events since the namespace was made, except ``MPCurrEstab``, which counts connections now. A
    counter that this kernel does not have is absent, not 0. No privilege is needed.

    :raises Unsupported: a kernel without MPTCP, or without /proc
    """
    try:
        text = _NETSTAT.read_text(encoding="utf-8")
    except OSError as failed:
        raise_if_exhausted(failed)
        raise Unsupported(EOPNOTSUPP, f"cannot read {_NETSTAT}: {failed.strerror}") from failed
    found = decode_netstat(text)
    if not found:
        raise Unsupported(EOPNOTSUPP, f"{_NETSTAT} has no line {_PREFIX} this kernel lacks MPTCP")
    return found


def decode_netstat(text: str) -> dict[str, int]:
    """The MPTcpExt counters in the text of /proc/net/netstat: a line of names, one of values."""
    rows = [line.split()[1:] for line in text.splitlines() if line.startswith(_PREFIX)]
    if not rows:
        return {}
    try:
        names, values = rows
        return dict(zip(names, map(int, values), strict=True))
    except ValueError as broken:
        raise BadAnswer(
            EBADMSG, f"/proc/net/netstat: names and values do not match: {broken}"
        ) from broken
