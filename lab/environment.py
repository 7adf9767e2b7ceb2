"""What a result depends on besides its scenario: program versions, commit, kernel, settings."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mptcpapi
from lab.host import LabNode
from lab.model import Topology
from lab.result import Run

PACKAGES = ("mptcpapi", "mininet", "scapy", "pyroute2", "pytest")
COMMANDS = {"iproute2": ("ip", "-V"), "git": ("git", "--version")}

SETTINGS = (
    "net/core/rps_default_mask",
    "net/mptcp",
    "net/ipv4/tcp_congestion_control",
    "net/ipv4/tcp_rmem",
    "net/ipv4/tcp_wmem",
    "net/ipv4/tcp_no_metrics_save",
    "net/ipv4/tcp_slow_start_after_idle",
)
"""Under /proc/sys; a directory stands for all that it holds. What the kernel lacks is left out."""


def introduce(run: Run, topology: Topology, file: Path, command: Sequence[str]) -> None:
    """Write into a run what it depends on; ``command`` is how it was started."""
    run.keep_topology(topology.name, file)
    run.describe(command=command, git=commit(Path.cwd()), **describe())


@cache
def describe() -> dict[str, Any]:
    """The machine and its programs, for a manifest."""
    return {
        "kernel": {"release": platform.release(), "version": platform.version()},
        "machine": {"architecture": platform.machine(), "processors": os.cpu_count()},
        "python": platform.python_version(),
        "packages": {name: _package(name) for name in PACKAGES},
        "tools": {name: _output(*command) for name, command in COMMANDS.items()},
    }


@cache
def commit(directory: Path) -> dict[str, Any]:
    """The git commit that ``directory`` has checked out, and whether files differ from it."""
    git = ("git", "-C", str(directory))
    revision = _output(*git, "rev-parse", "HEAD")
    changes = _output(*git, "status", "--porcelain") if revision else None
    return {"commit": revision, "changed": None if changes is None else bool(changes)}


def settings(node: LabNode) -> dict[str, str]:
    """The sysctls of a node's namespace that bear on MPTCP."""
    values = {}
    root = Path("/proc/sys")
    with node.stack():
        for name in SETTINGS:
            path = root / name
            for file in sorted(path.iterdir()) if path.is_dir() else filter(Path.exists, [path]):
                values[".".join(file.relative_to(root).parts)] = file.read_text().strip()
    return values


def state(nodes: Iterable[LabNode]) -> dict[str, dict[str, Any]]:
    """Sysctls, path manager's settings and MPTCP counters of each node, by its name."""
    return {
        node.name: {
            "sysctls": settings(node),
            "path_manager": path_manager(node),
            "counters": counters(node),
        }
        for node in nodes
    }


def path_manager(node: LabNode) -> dict[str, Any]:
    """The limits and endpoints of the kernel's path manager of a node."""
    with node.stack():
        return {
            "limits": mptcpapi.limits()._asdict(),
            "endpoints": [
                f"{each.address} id {each.id} {each.flags.name}" for each in mptcpapi.endpoints()
            ],
        }


def counters(node: LabNode) -> dict[str, int]:
    """The MPTCP counters of a node's namespace; one that the kernel lacks is absent."""
    with node.stack():
        return mptcpapi.counters()


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _output(*command: str) -> str | None:
    """What a command prints; None where it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return (done.stdout or done.stderr).strip()
