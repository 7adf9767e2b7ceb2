"""How busy the machine is, for a measurement that it may have spoilt."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Self


class Load:
    """What the machine did from entering the context on; its text is for people."""

    def __enter__(self) -> Self:
        self._before = _steal()
        self.text = ""
        return self

    def __exit__(self, *_: object) -> None:
        stolen, whole = (now - before for now, before in zip(_steal(), self._before, strict=True))
        parts = [f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"]
        if whole:
            parts.append(f"{100 * stolen / whole:.0f} % stolen by the hypervisor")
        with suppress(OSError):  # a kernel without CONFIG_PSI
            some = Path("/proc/pressure/cpu").read_text(encoding="ascii").split()
            parts.append(f"processes waited for a processor {some[1].partition('=')[2]} % of 10 s")
        self.text = ", ".join(parts)


def _steal() -> tuple[int, int]:
    """Ticks stolen by a hypervisor, and all ticks (proc_stat(5))."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    return ticks[7], sum(ticks)
