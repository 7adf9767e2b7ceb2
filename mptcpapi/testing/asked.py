"""What a test asks of a fake stack: read once, with one clear error for what cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from errno import ECONNREFUSED, ECONNRESET, EINVAL, errorcode
from ipaddress import ip_address

from mptcpapi.endpoint import Endpoint, numeric_host
from mptcpapi.errors import InvalidArgument, is_integer
from mptcpapi.info import Subflow
from mptcpapi.testing.world import Interface

REFUSALS = (ECONNREFUSED, ECONNRESET)
"""The errnos with which a peer refuses a subflow."""


def read_paths(paths: object) -> list[Interface]:
    """The network interfaces of this host.

    :raises InvalidArgument: no names with addresses
    """
    if not isinstance(paths, Mapping):
        text = f"paths {paths!r}: expected a mapping of names to addresses"
        raise InvalidArgument(EINVAL, text)
    for name in paths:
        if not isinstance(name, str) or not name or _host_in(name):
            raise InvalidArgument(EINVAL, f"path {name!r}: expected the name of an interface")
    numbered = enumerate(paths.items(), start=2)  # the loopback interface is 1
    return [Interface(number, name, _read_host(host)) for number, (name, host) in numbered]


def read_peers(peers: object, paths: Iterable[Interface]) -> set[str]:
    """The addresses of other hosts.

    :raises InvalidArgument: no addresses, or one that is used twice
    """
    if not isinstance(peers, Iterable) or isinstance(peers, str | bytes | Mapping):
        raise InvalidArgument(EINVAL, f"peers {peers!r}: expected a list of addresses")
    hosts = [_read_host(host) for host in peers]
    everybody = [path.host for path in paths] + hosts
    for host in everybody:
        if everybody.count(host) > 1:
            raise InvalidArgument(EINVAL, f"address {host!r}: used twice, by two paths or peers")
    return set(hosts)


def read_path_manager(name: object) -> str:
    """The name of a path manager.

    :raises InvalidArgument: it is none
    """
    if isinstance(name, str) and name in {"kernel", "userspace"}:
        return name
    raise InvalidArgument(EINVAL, f"path manager {name!r}: expected 'kernel' or 'userspace'")


def find_host(path: object, paths: Iterable[Interface], peers: Iterable[str]) -> str:
    """The address of a path; an address is its own.

    :raises InvalidArgument: there is neither such a path nor such an address
    """
    hosts = {known.name: known.host for known in paths}
    if isinstance(path, str):
        host = hosts.get(path) or _host_in(path)
        if host in {*hosts.values(), *peers}:
            return host
    names = ", ".join(hosts)
    text = f"path {path!r}: the stack has neither such a path nor such an address ({names})"
    raise InvalidArgument(EINVAL, text)


def read_errno(code: object, possible: Iterable[int]) -> int:
    """One of the possible errnos.

    :raises InvalidArgument: it is none of them
    """
    if is_integer(code) and code in set(possible):
        return code
    names = ", ".join(errorcode[each] for each in possible)
    raise InvalidArgument(EINVAL, f"errno {code!r}: expected one of {names}")


def check_subflow(subflow: object) -> None:
    """Refuse what does not say of which connection it is, as an id does not.

    :raises InvalidArgument: it is no `Subflow`
    """
    if not isinstance(subflow, Subflow):
        text = (
            f"subflow {subflow!r}: expected one as `subflows` or `open_subflow` gave it, since an "
            "id does not say of which connection"
        )
        raise InvalidArgument(EINVAL, text)


def _read_host(text: object) -> str:
    host = _host_in(text)
    if host is None:
        raise InvalidArgument(EINVAL, f"address {text!r}: expected an IP address")
    if ip_address(host).is_loopback or not Endpoint(host, 0).is_unicast:
        text = f"address {host!r}: expected that of one host; loopback addresses are always there"
        raise InvalidArgument(EINVAL, text)
    return host


def _host_in(text: object) -> str | None:
    try:
        return numeric_host(text) if isinstance(text, str) else None
    except ValueError:
        return None
