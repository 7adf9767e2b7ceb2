"""The names in a topology: of nodes, interfaces, links, and the topology itself. Pure.

Every function returns what it was given when that is a good name, and raises
:class:`~lab.errors.UsageError` otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final, NamedTuple

from lab.errors import UsageError

LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
INTERFACE: Final = r"(?=[0-9._-]*[A-Za-z])[A-Za-z0-9][A-Za-z0-9._-]{0,14}"
_HOST_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST: Final = rf"{_HOST_LABEL}(\.{_HOST_LABEL})*"
SYSCTL: Final = r"net(\.[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*)+"
"""Regular expressions (ECMA 262) of the names' forms, for editors too."""

LONGEST_HOST: Final = 250
"""characters; DNS has 253, but a capture is a file of the host's name, with 5 more behind it."""

_NUMBER = re.compile(r"(.*\.)?([0-9]+|0[xX][0-9A-Fa-f]*)")
_LOOPBACK = re.compile(r"(.*\.)?localhost", re.IGNORECASE)

_RESERVED = frozenset({"lo", "all", "default", "any"})
"""The loopback, two directories in ``/proc/sys/net/ipv4/conf``, and tcpdump's pseudo-device."""

_LONGEST_SHOWN = 40
_MOST_LISTED = 20
_MOST_COMPARED = 200


class EndName(NamedTuple):
    """One end of a link as it is written, ``node:interface``."""

    node: str
    interface: str

    def __str__(self) -> str:
        return f"{self.node}:{self.interface}"


def label(text: str) -> str:
    """A name of our own, of a link or a topology, which may become part of a file's name."""
    if not re.fullmatch(LABEL, text):
        raise UsageError(
            f"{shown(text)} is not a name (at most 63 letters, digits, '-' and '_', "
            "with a letter or digit at both ends)"
        )
    return text


def host(text: str) -> str:
    """A host name (RFC 1123 section 2.1) that no resolver takes for an address or itself."""
    if len(text) > LONGEST_HOST or not re.fullmatch(HOST, text):
        raise UsageError(
            f"{shown(text)} is not a host name (letters, digits and '-', with a letter or digit "
            f"at both ends; dots between parts of at most 63 characters; {LONGEST_HOST} in all)"
        )
    if _NUMBER.fullmatch(text):  # inet_aton(3) reads these as addresses
        raise UsageError(f"{shown(text)} is not a host name: programs read it as an address")
    if _LOOPBACK.fullmatch(text):  # RFC 6761 section 6.3
        raise UsageError(f"{shown(text)} always means the host that asks; choose another name")
    return text


def interface(text: str) -> str:
    """A name of a network interface that every tool takes as such.

    Stricter than dev_valid_name() in the kernel's net/core/dev.c, which takes any 15 bytes
    without white space, ``/`` and ``:``.
    """
    if len(text) > 15:
        raise UsageError(
            f"interface name {shown(text)} has {len(text)} characters; the kernel takes at most 15"
        )
    if not re.fullmatch(INTERFACE, text):
        raise UsageError(
            f"{shown(text)} is not an interface name (letters, digits, '.', '-' and '_', "
            "beginning with a letter or digit, with at least one letter)"
        )
    if text in _RESERVED:
        raise UsageError(f"interface name {shown(text)} has a meaning of its own; choose another")
    return text


def sysctl(text: str) -> str:
    """A sysctl of a network namespace, by its name in sysctl(8): a dot in an interface's is ``/``.

    In a sandbox, those of the machine are read-only.
    """
    if not re.fullmatch(SYSCTL, text):
        raise UsageError(
            f"{shown(text)} is not a sysctl of a network namespace, such as net.ipv4.tcp_sack"
        )
    return text


def split_end(text: str) -> EndName:
    """The two parts of ``node:interface``; neither is looked at."""
    node, colon, name = text.partition(":")
    if not (node and colon and name):
        raise UsageError(f"{shown(text)} is not an end of a link (node:interface)")
    return EndName(node, name)


def end(text: str) -> EndName:
    """``node:interface`` with a good name of an interface; the node is not looked at."""
    found = split_end(text)
    interface(found.interface)
    return found


def shown(value: object) -> str:
    """``value`` as messages quote it: not too long, and no character that disturbs a terminal."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def hint(word: str, words: Iterable[str]) -> str:
    """What ``word`` may have meant: ``did you mean 'loss'? known: delay, ends, loss``."""
    names = sorted(words)[:_MOST_COMPARED]
    near = get_close_matches(word, names, 1, cutoff=0.5) if len(word) <= _LONGEST_SHOWN else []
    listed = names if len(names) <= _MOST_LISTED else [*names[:_MOST_LISTED], "…"]
    question = f"did you mean {near[0]!r}? " if near else ""
    return f"{question}known: {', '.join(listed) or 'none'}"
