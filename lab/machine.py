"""What the machine is, and how busy it is: facts of /proc and /sys, for manifests.

What cannot be read here (another architecture, a container that hides it) is None.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import platform
import re
from functools import cache
from pathlib import Path
from typing import Any

CONFIG = re.compile(
    r"CONFIG_((?:HZ|NO_HZ\w*|PREEMPT\w*|MPTCP\w*|INET_MPTCP_DIAG|TCP_CONG_\w+|DEFAULT_TCP_CONG"
    r"|NET_SCH_(?:TBF|HTB|NETEM|FQ\w*|INGRESS)|VETH|BRIDGE|TUN|OPENVSWITCH|BPF_SYSCALL"
    r"|DEBUG_INFO_BTF|PSI|KASAN|PROVE_LOCKING|DEBUG_KMEMLEAK))=(.*)"
)
"""Options of the kernel's build that results depend on; those that are not set are left out."""


@cache
def kernel() -> dict[str, Any]:
    """The kernel that runs: release, build, and what it was built with."""
    return {
        "release": platform.release(),
        "version": platform.version(),
        "build": _text(Path("/proc/version")),
        "clocksource": _text(
            Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
        ),
        "config": _config(),
    }


def _config() -> dict[str, Any] | None:
    """The SHA-256 of the configuration, and the options of it that matter here."""
    release = platform.release()
    places = ("/proc/config.gz", f"/boot/config-{release}", f"/lib/modules/{release}/config")
    for place in map(Path, places):
        try:
            content = place.read_bytes()
            text = gzip.decompress(content) if place.suffix == ".gz" else content
        except (OSError, EOFError):
            continue
        options = dict(CONFIG.findall(text.decode(errors="replace")))
        return {"sha256": hashlib.sha256(text).hexdigest(), "options": options}
    return None


@cache
def machine() -> dict[str, Any]:
    """The processors and the memory of this machine."""
    cpu = _text(Path("/proc/cpuinfo")) or ""
    return {
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "cpu": _field(cpu, "model name") or _field(cpu, "Model"),
        "hypervisor": " hypervisor" in (_field(cpu, "flags") or "") if cpu else None,
        "governor": _text(Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        "memory": _kibibytes("MemTotal"),
    }


def state() -> dict[str, Any]:
    """How busy the machine is; counters are since its start, so that differences tell.

    ``load``: of 1, 5 and 15 minutes. ``busy_s``, ``stolen_s``: seconds that processors worked, and
    that a hypervisor withheld from them, summed over processors (proc_stat(5)). ``waited_s``:
    seconds in which some process waited for a processor (Documentation/accounting/psi.rst).
    ``available``: bytes of memory.
    """
    tick = os.sysconf("SC_CLK_TCK")
    stat = _text(Path("/proc/stat"))
    ticks = [int(word) for word in stat.splitlines()[0].split()[1:9]] if stat else []
    idle = ticks[3] + ticks[4] if len(ticks) == 8 else 0
    pressure = re.search(r"some .*total=(\d+)", _text(Path("/proc/pressure/cpu")) or "")
    return {
        "load": list(os.getloadavg()),
        "busy_s": (sum(ticks) - idle - ticks[7]) / tick if len(ticks) == 8 else None,
        "stolen_s": ticks[7] / tick if len(ticks) == 8 else None,
        "waited_s": int(pressure[1]) / 1e6 if pressure else None,
        "available": _kibibytes("MemAvailable"),
    }


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _field(text: str, name: str) -> str | None:
    found = re.search(rf"^{name}\s*: (.*)$", text, re.MULTILINE)
    return found[1].strip() if found else None


def _kibibytes(name: str) -> int | None:
    """A line of /proc/meminfo, in bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB", _text(Path("/proc/meminfo")) or "", re.MULTILINE)
    return int(found[1]) * 1024 if found else None
