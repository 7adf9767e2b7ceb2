"""The essentials of a run's manifest as properties of its test: JUnit's file has them.

They are the ``user_properties`` of its last report, so that pytest-xdist takes them to the
controller.
"""

from __future__ import annotations

from lab.result.reading import at
from lab.run import Run, Verdict

_KEPT = {
    "lab.seed": ("seed",),
    "lab.topology": ("topology", "name"),
    "lab.topology_sha256": ("topology", "sha256"),
    "lab.kernel": ("kernel", "release"),
    "lab.commit": ("git", "commit"),
    "lab.backend": ("backend",),
}
"""Properties, and where the manifest has them; what a run does not have is left out."""


def properties(run: Run, verdict: Verdict, *, kept: bool) -> list[tuple[str, object]]:
    """What the manifest says in short; the run's directory only if it stays."""
    found: list[tuple[str, object]] = [("lab.verdict", str(verdict))]
    if kept:
        found.append(("lab.run", str(run.directory)))
    values = ((name, at(run.manifest, *path)) for name, path in _KEPT.items())
    return found + [(name, str(value)) for name, value in values if value is not None]
