"""What runs depend on besides their scenario, one line each, and where two sets of runs differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from lab.result.reading import at, mapping

_MISSING = object()

_PLACES = {
    "kernel": ("kernel", "release"),
    "kernel build": ("kernel", "version"),
    "kernel configuration": ("kernel", "config", "sha256"),
    "clock source": ("kernel", "clocksource"),
    "git commit": ("git", "commit"),
    "files changed since that commit": ("git", "changed"),
    "backend": ("backend",),
    "stack": ("stack",),
    "links measured": ("fidelity", "measured"),
    "topology": ("topology", "name"),
    "topology file": ("topology", "sha256"),
    "topology with overrides": ("topology", "effective_sha256"),
    "architecture": ("machine", "architecture"),
    "processor": ("machine", "cpu"),
    "processors": ("machine", "processors"),
    "governor": ("machine", "governor"),
    "Python": ("python",),
}
"""Facts, and where the manifest has them."""

_PLACED = ("net.core.rps_default_mask",)
"""Sysctls that the lab itself sets by chance: the processor that receives packets."""


class Differing(NamedTuple):
    """A fact in which two sets of runs differ."""

    name: str
    first: str
    """the values there, joined if there are several"""
    second: str


def facts(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What a run depended on, as far as its manifest says."""
    found = {name: at(manifest, *path, missing=_MISSING) for name, path in _PLACES.items()}
    for kind in ("packages", "tools"):
        found |= mapping(at(manifest, kind))
    known = {name: value for name, value in found.items() if value is not _MISSING}
    return {name: _in_words(value) for name, value in known.items()} | dict(_sysctls(manifest))


def _in_words(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return str(value)


def _sysctls(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each sysctl once, with the hosts that have a value: ``10 (client, server)``."""
    hosts: dict[str, dict[str, list[str]]] = {}
    for host, state in mapping(at(manifest, "before")).items():
        for name, value in mapping(at(state, "sysctls")).items():
            hosts.setdefault(str(name), {}).setdefault(str(value), []).append(str(host))
    for name, values in hosts.items():
        if name in _PLACED:
            continue
        yield name, "; ".join(f"{value} ({', '.join(those)})" for value, those in values.items())


def differing(
    first: Iterable[Mapping[str, Any]], second: Iterable[Mapping[str, Any]]
) -> list[Differing]:
    """The facts in which the manifests of two sets of runs differ.

    What one set does not know (an older format, a kernel that hides it) is no difference.
    """
    one, other = _values(first), _values(second)
    return [
        Differing(name, ", ".join(sorted(one[name])), ", ".join(sorted(other[name])))
        for name in one
        if name in other and one[name] != other[name]
    ]


def _values(manifests: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for manifest in manifests:
        for name, value in facts(manifest).items():
            found.setdefault(name, set()).add(value)
    return found
