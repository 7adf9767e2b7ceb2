"""Which project this is: what a campaign's runs rest on, so that all of them rest on the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import lab
import mptcpapi
from lab.environment import commit
from lab.files import held

_PACKAGES = (lab, mptcpapi)


def identity(root: Path, files: Iterable[str]) -> dict[str, Any]:
    """The commit that ``root`` has checked out, a hash of the lab, and one of each of ``files``.

    They are paths relative to ``root``; the hash of a file that is not there is None.
    """
    commit.cache_clear()  # a worker lives long, and another commit may be checked out meanwhile
    return {
        "commit": commit(root)["commit"],
        "lab": _lab(),
        "files": {name: _digest(root / name) for name in files},
    }


def rests_on(root: Path, scenarios: Iterable[str], topologies: Iterable[Path]) -> list[str]:
    """The files of a project that decide what its scenarios do, as far as can be told from here."""
    found = {root / scenario for scenario in scenarios}
    found |= {
        conftest
        for scenario in [*found]
        for parent in scenario.parents
        if (conftest := parent / "conftest.py").exists() and parent.is_relative_to(root)
    }
    found |= {root / topology for topology in topologies}
    return sorted(str(path.relative_to(root)) for path in found if path.is_relative_to(root))


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """What tells two projects apart, in sentences about the first."""
    found = []
    if None not in (here["commit"], there["commit"]) and here["commit"] != there["commit"]:
        found.append(f"commit {here['commit'][:12]} is checked out, not {there['commit'][:12]}")
    if here["lab"] != there["lab"]:
        found.append("the packages lab and mptcpapi are not the same")
    for name in sorted({*here["files"], *there["files"]}):
        if here["files"].get(name) != there["files"].get(name):
            missing = here["files"].get(name) is None
            found.append(f"{name} {'is missing' if missing else 'is another one'}")
    return found


def _lab() -> str:
    """Hash of the sources of both packages."""
    whole = hashlib.sha256()
    for package in _PACKAGES:
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            whole.update(f"{path.relative_to(root)}\0{_digest(path)}\0".encode())
    return whole.hexdigest()


def _digest(path: Path) -> str | None:
    try:
        return held(path)["sha256"]
    except FileNotFoundError:
        return None
