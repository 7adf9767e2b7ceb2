"""What a result depends on besides its scenario: program versions, commit, kernel, settings."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import mptcpapi
from lab import machine
from lab.host import LabNode
from lab.model import Topology
from lab.run import Run

PACKAGES = ("mptcpapi", "mininet", "scapy", "pyroute2", "pytest")
COMMANDS = {"iproute2": ("ip", "-V"), "git": ("git", "--version")}

TCP = (
    "allowed_congestion_control", "autocorking", "available_congestion_control",
    "comp_sack_delay_ns", "comp_sack_nr", "congestion_control", "dsack", "early_retrans", "ecn",
    "frto", "limit_output_bytes", "max_reordering", "min_rtt_wlen", "min_tso_segs",
    "moderate_rcvbuf", "mtu_probing", "no_metrics_save", "notsent_lowat", "pacing_ca_ratio",
    "pacing_ss_ratio", "recovery", "reordering", "retries2", "rmem", "sack", "shrink_window",
    "slow_start_after_idle", "syn_retries", "synack_retries", "timestamps", "window_scaling",
    "wmem",
)  # fmt: skip
SETTINGS = ("net/core/rps_default_mask", "net/mptcp", *(f"net/ipv4/tcp_{name}" for name in TCP))
"""Under /proc/sys; a directory stands for all that it holds. What the kernel lacks is left out."""


def introduce(run: Run, topology: Topology, file: Path, command: Sequence[str]) -> None:
    """Write into a run what it depends on; ``command`` is how it was started."""
    run.keep_topology(topology.name, file)
    run.describe(topology={"effective_sha256": topology.sha256})
    run.describe(command=command, git=commit(Path.cwd()), **describe())


@cache
def describe() -> dict[str, Any]:
    """The machine and its programs, for a manifest."""
    return {
        "kernel": machine.kernel(),
        "machine": machine.machine(),
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
            for file in sorted(path.iterdir()) if path.is_dir() else [path]:
                with suppress(FileNotFoundError):
                    values[".".join(file.relative_to(root).parts)] = file.read_text().strip()
    return values


def describe_before(run: Run, nodes: Iterable[LabNode]) -> None:
    """Write into a run how nodes and machine are before its scenario begins."""
    run.describe(before=state(nodes), machine={"before": machine.state()})


def describe_after(run: Run, nodes: Iterable[LabNode]) -> None:
    """Write into a run how nodes and machine are when its scenario has ended."""
    run.describe(after=state(nodes), machine={"after": machine.state()})


def state(nodes: Iterable[LabNode]) -> dict[str, dict[str, Any]]:
    """Sysctls, path manager's settings and counters of each node, by its name."""
    return {
        node.name: {
            "sysctls": settings(node),
            "path_manager": path_manager(node),
            "counters": counters(node),
            "tcp": tcp_counters(node),
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


def tcp_counters(node: LabNode) -> dict[str, int]:
    """What TCP counted in a node's namespace (Tcp, TcpExt); counters that are 0 are left out."""
    found: dict[str, int] = {}
    with node.stack():
        for name in ("snmp", "netstat"):
            lines = Path("/proc/thread-self/net", name).read_text(encoding="ascii").splitlines()
            for names, values in zip(lines[::2], lines[1::2], strict=True):
                if names.startswith(("Tcp:", "TcpExt:")):
                    found |= zip(names.split()[1:], map(int, values.split()[1:]), strict=True)
    return {name: value for name, value in found.items() if value}


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
