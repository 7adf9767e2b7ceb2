"""What to type so that more works here: whole commands, to be pasted into a shell."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from mptcpapi.settings import SYSCTLS
from mptcpapi.subflow_options.refusal import read_privilege


class Remedies:
    """Commands for this user; ``namespace``: the network namespace that is looked at, if named."""

    def __init__(self, namespace: Path | None) -> None:
        self._there = () if namespace is None else (f"--net={namespace}",)

    def run_as_root(self) -> str:
        """The same as root; nothing, for root, and where none of the machine's users is root."""
        if os.geteuid() == 0 or not read_privilege().initial:
            return ""
        return self._as_root(sys.executable, "-m", "mptcpapi", "doctor")

    def switch_on(self) -> str:
        """MPTCP, where it is off; nothing, where something else is the matter."""
        enabled = SYSCTLS / "enabled"
        if enabled.exists() and enabled.read_text(encoding="ascii").strip() == "0":
            return self._as_root("sysctl", "-w", "net.mptcp.enabled=1")
        return ""

    def choose_userspace(self) -> str:
        """The userspace path manager; nothing, where this kernel has none."""
        for name, value in (("path_manager", "userspace"), ("pm_type", "1")):
            if (SYSCTLS / name).exists():
                return self._as_root("sysctl", "-w", f"net.mptcp.{name}={value}")
        return ""

    def load(self, module: str) -> str:
        """A module of the kernel."""
        return self._as_root("modprobe", module)

    def _as_root(self, *command: str) -> str:
        there = ("nsenter", *self._there) if self._there else ()
        sudo = () if os.geteuid() == 0 else ("sudo",)
        return shlex.join([*sudo, *there, *command])
