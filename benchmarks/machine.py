"""What a benchmark was measured on."""

from __future__ import annotations

from typing import Any


def machine(run: dict[str, Any]) -> str:
    """What the run's data say of the machine; no names of hosts."""
    info = run["machine_info"]
    cpu = info["cpu"]
    return (
        f"{cpu['brand_raw']}, {cpu['count']} processors, {info['machine']}; "
        f"Linux {info['release']}; {info['python_implementation']} {info['python_version']}; "
        f"load {info['load']:.1f} when the run began; {run['datetime'][:10]}."
    )
