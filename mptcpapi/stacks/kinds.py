"""Kinds of stacks, found by name: the entry points of the group ``mptcpapi.stacks``."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from difflib import get_close_matches
from errno import EINVAL
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mptcpapi.errors import InvalidArgument, MptcpError, StackUnavailable, raise_if_exhausted
from mptcpapi.stacks.stack import Stack

GROUP = "mptcpapi.stacks"


def kinds() -> list[str]:
    """The kinds that are installed."""
    return sorted(entry.name for entry in entry_points(group=GROUP))


def new(kind: str, vnl: str | Sequence[str] | None = None, **options: Any) -> Stack:
    """A new stack of a kind (``"netns"``, ``"ioth:picox"``), with an interface for each ``vnl``.

    ``vnl``: locators of VDE networks, vde_plug(1), each with an interface's name before a colon if
    that is not to be vde0, vde1 and so on. ``options`` are the kind's own; all have ``resolver``, a
    file as ``/etc/resolv.conf`` for `Stack.getaddrinfo`.

    :raises InvalidArgument: no such kind, option or locator
    :raises StackUnavailable: what the kind needs is missing; the text says what
    :raises NoPrivilege: a capability is missing
    :raises KernelRefused: no descriptor is left
    """
    if not isinstance(kind, str):
        raise InvalidArgument(EINVAL, f"kind {kind!r}: expected a name ({_known()})")
    try:
        return _made(kind, _listed(vnl), options)
    except MptcpError:
        raise
    except OSError as failed:
        raise_if_exhausted(failed)
        text = f"cannot make a stack of kind {kind!r}: {failed.strerror or failed}"
        raise StackUnavailable(failed.errno or EINVAL, text) from failed


def _made(kind: str, vnls: Sequence[str], options: dict[str, Any]) -> Stack:
    name, _, detail = kind.partition(":")
    make = _loaded(_entry(name, kind))
    _check(name, make, options)
    stack: Stack = make(detail, vnls, **options)
    return stack


def refuse_detail(kind: str, detail: str) -> None:
    """Refuse what follows a colon, which this kind has no use for.

    :raises InvalidArgument: there is something
    """
    if detail:
        text = f"kind '{kind}:{detail}': nothing can follow '{kind}'; its name is all"
        raise InvalidArgument(EINVAL, text)


def _entry(name: str, kind: str) -> EntryPoint:
    found = entry_points(group=GROUP, name=name)
    if not found:
        near = get_close_matches(name, kinds(), 1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise InvalidArgument(EINVAL, f"there is no kind of stack {kind!r} ({meant}{_known()})")
    return next(iter(found))


def _known() -> str:
    names = kinds()
    if names:
        return f"known: {', '.join(names)}"
    return "none is known: this package is not installed, only its files are; pip install it"


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as failed:
        text = f"the kind of stack '{entry.name}' ({entry.value}) cannot be loaded: {failed}"
        raise StackUnavailable(EINVAL, text) from failed


def _check(name: str, make: Any, options: dict[str, Any]) -> None:
    """Refuse options that the kind does not have."""
    known = [
        each.name
        for each in inspect.signature(make).parameters.values()
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    for option in options:
        if option not in known:
            text = f"{name} has no option '{option}' (known: {', '.join(known)})"
            raise InvalidArgument(EINVAL, text)


def _listed(vnl: object) -> Sequence[str]:
    if vnl is None:
        return ()
    if isinstance(vnl, str):
        return (vnl,)
    if isinstance(vnl, Sequence) and all(isinstance(each, str) for each in vnl):
        return tuple(vnl)
    raise InvalidArgument(EINVAL, f"vnl {vnl!r}: expected a locator, a list of them, or None")
