"""Whether somebody listens where subflows would arrive; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from lab.doctor.finding import Finding
from lab.doctor.state import Address, State
from mptcpapi import AddressFlag, ManagedAddress


def judge(here: State, initial: Sequence[Address], port: int | None) -> Iterator[Finding]:
    """What is missing at the host that is connected to, at one of ``initial`` and ``port``.

    Without a port, those are looked at that somebody listens at.
    """
    own = {each.address.port for each in here.endpoints}
    for number in [port] if port else sorted({each for _, each in here.listeners} - own):
        versions: set[int] = {each.version for each in initial if _listens(here, each, number)}
        if not versions and port:
            what = f"nobody listens at port {port} of {', '.join(map(str, initial))}"
            yield Finding("listener", here.name, what, "start the server, with MPTCP sockets")
        for endpoint in here.endpoints:
            if endpoint.flags & AddressFlag.SIGNAL and not endpoint.address.port:
                yield from _announced(here, endpoint, number, versions)


def _announced(
    here: State, endpoint: ManagedAddress, port: int, versions: set[int]
) -> Iterator[Finding]:
    address = ip_address(endpoint.address.host)
    interface = here.owner(address)
    if address.version not in versions or interface is None or _listens(here, address, port):
        return
    what = f"{address} is announced, but nobody listens at its port {port}"
    advice = "listen at every address, or announce a port, at which the kernel listens"
    free = next(n for n in range(port + 1, 1 << 16) if not _listens(here, address, n))
    change = (
        ("ip", "mptcp", "endpoint", "delete", "id", str(endpoint.id)),
        ("ip", "mptcp", "endpoint", "add", str(address), "dev", interface.name, "signal", "port",
         str(free)),
    )  # fmt: skip
    yield Finding("listener", here.name, what, advice, change)


def _listens(here: State, address: Address, port: int) -> bool:
    every = {ip_address("::"), ip_address("0.0.0.0")}  # noqa: S104 - compared, not bound
    hosts = {host for host, number in here.listeners if number == port}
    if address.version == 6:
        every.remove(ip_address("0.0.0.0"))  # noqa: S104
    return bool(hosts & {address, *every})
