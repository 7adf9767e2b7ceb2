"""Runs to make pages of: written by the lab's own Run, with captures of real kernels."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.columns.capture import read
from lab.columns.series import SECOND
from lab.run import Run, Verdict

DATA = Path(__file__).parent / "data"
CAPTURE = DATA / "join_prio_v4.pcap"

EVIL = {
    "script": "<script>document.title='owned'</script><img src=x onerror=alert(1)>",
    "quotes": "\"'><b onmouseover=alert(1)>'\"",
    "cdata": "]]></style></svg><!-- --><![CDATA[",
    "nul": "a\0b\x1b[31mc\x7f",
    "rtl": "\u202egnp.exe\u2066 \u05d0\u05d1 \u200b",
    "template": "{{ 7 * 7 }}{% raw %} $x^2$ \\frac{1}{0} _hidden",
    "long": "x" * 100_000,
    "surrogate": "\udcff",
}


def written(
    root: Path, name: str = "tests/test_it.py::test_it", *, host: str = "client",
    verdict: Verdict | None = Verdict.PASSED, reason: str = "", capture: Path | None = CAPTURE,
) -> Run:  # fmt: skip
    """A kept run with one capture, a call, an event and a change; None: it has not ended."""
    run = Run(root, name, seed=7)
    if capture:
        run.captures.mkdir()
        shutil.copy(capture, run.captures / f"{host}.pcap")
        time = int(read(capture).packets.time[0]) / SECOND
        made = {"began": time + 0.1, "ended": time + 0.101}
        run.record("change", change=f"Blackhole(link={host!r})", made=made)
        run.record("call", call="open_subflow", arguments=[host], options={}, result=None,
                   began=time + 0.05)  # fmt: skip
    if verdict:
        run.end(verdict, reason)
    else:
        run._records.close()  # as the end of its process does
    return run
