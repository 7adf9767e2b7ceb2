"""Names to addresses, asked in a stack, with a resolver file of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from errno import EINVAL, EOPNOTSUPP
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

from mptcpapi.errors import InvalidArgument, Unsupported
from mptcpapi.importing import importing
from mptcpapi.stacks import resolver_file

if TYPE_CHECKING:
    from mptcpapi.stacks.stack import Stack

Answers = list[tuple[Any, ...]]
"""As ``socket.getaddrinfo`` gives them: family, type, protocol, canonical name, address."""

RECORDS = {socket.AF_INET6: "AAAA", socket.AF_INET: "A"}


class Resolver:
    """The resolver of one stack; ``file`` is as ``/etc/resolv.conf``, ``None`` the machine's own.

    :raises InvalidArgument: the file cannot be read, or names no server
    """

    def __init__(self, file: str | None) -> None:
        self._file = file
        if file is not None:
            resolver_file.read(file)

    def addresses(
        self, stack: Stack, host: str | None, port: Any, family: int, type: int, proto: int,
        flags: int,
    ) -> Answers:  # fmt: skip
        """What ``socket.getaddrinfo`` gives for these arguments."""
        wanted = (family, type, proto)
        try:
            return _numeric(host, port, *wanted, flags)
        except socket.gaierror as unknown:
            if unknown.errno != socket.EAI_NONAME or flags & socket.AI_NUMERICHOST or not host:
                raise
        with stack.use():
            if self._file is not None:
                return self._asked(self._file, host, port, *wanted, flags)
            if not stack.steps_in:
                text = f"{stack}: a name ('{host}') needs a resolver file: new(…, resolver=FILE)"
                raise InvalidArgument(EINVAL, text)
            return socket.getaddrinfo(host, port, *wanted, flags)

    def _asked(
        self, file: str, host: str, port: Any, family: int, type: int, proto: int, flags: int
    ) -> Answers:
        found = [
            answer
            for address in self._records(file, host, family)
            for answer in _numeric(address, port, family, type, proto, flags)
        ]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, f"there is no name '{host}'")
        return found

    def _records(self, file: str, host: str, family: int) -> Iterator[str]:
        """The addresses that name servers give; the calling thread uses the stack."""
        resolver, exceptions = self._dnspython(file)
        for each, record in RECORDS.items():
            if family not in {0, each}:
                continue
            try:
                answer = resolver.resolve(host, record, search=True, raise_on_no_answer=False)
            except exceptions.nxdomain:
                continue
            except exceptions.failures as failed:
                text = f"no answer about '{host}' from the servers in {file}: {failed}"
                raise socket.gaierror(socket.EAI_AGAIN, text) from failed
            yield from (str(item) for item in answer.rrset or ())

    def _dnspython(self, file: str) -> tuple[Any, _Exceptions]:
        try:
            with importing:
                import dns.exception  # noqa: PLC0415 - an extra; 0.1 s
                import dns.resolver  # noqa: PLC0415 - as above
        except ImportError as missing:
            text = "a resolver file needs dnspython: pip install 'mptcpapi[stacks]'"
            raise Unsupported(EOPNOTSUPP, text) from missing
        exceptions = _Exceptions(dns.resolver.NXDOMAIN, (dns.exception.DNSException, OSError))
        resolver = dns.resolver.Resolver(configure=False)
        try:
            resolver.read_resolv_conf(StringIO(resolver_file.read(file)))
        except exceptions.failures as wrong:  # what only dnspython reads, such as the search list
            raise resolver_file.refused(file, wrong) from wrong
        return resolver, exceptions


class _Exceptions(NamedTuple):
    """Of dnspython."""

    nxdomain: type[Exception]
    failures: tuple[type[Exception], ...]


def _numeric(
    host: str | None, port: Any, family: int, type: int, proto: int, flags: int
) -> Answers:
    numeric = socket.getaddrinfo(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
    return list(numeric)
