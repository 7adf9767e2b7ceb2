"""What a run depended on, against what is here now: before anything is repeated."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from typing import Any

from lab import environment, files, sandbox
from lab.comparison.facts import Differing, differing
from lab.errors import LabError, SandboxForbidden
from lab.places import require_visible
from lab.rerun.plan import Plan


def compared(plan: Plan) -> list[Differing]:
    """What differs from when the run was made.

    :raises SandboxForbidden: no network can be built here.
    """
    network = _network(plan)
    now = {**environment.describe(), "git": environment.commit(plan.project), **network}
    found = differing([plan.original.manifest], [now])
    if "error" in network:
        found.append(Differing("network", "was built", f"cannot be built: {network['error']}"))
    return [*found, *_topology(plan)]


def _network(plan: Plan) -> dict[str, Any]:
    """What the manifest would say of the network, in which nothing runs yet."""
    require_visible(plan.topology)
    reason = None if sandbox.inside() else sandbox.why_not()
    if reason:
        raise SandboxForbidden(reason)
    seed = str(plan.original.manifest["seed"])
    arguments = (str(plan.topology), seed, plan.backend or "", plan.stack or "", *plan.overrides)
    command = [sys.executable, "-m", "lab.rerun.look", *arguments]
    done = subprocess.run(
        command if sandbox.inside() else sandbox.command_line(*command),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        found = json.loads(done.stdout)
    except ValueError:
        lines = done.stderr.strip().splitlines() or ["nothing was said"]
        raise LabError(f"the network cannot be looked at: {lines[-1]}") from None
    return found if isinstance(found, dict) else {}


def _topology(plan: Plan) -> list[Differing]:
    """The project's topology of that name, if there is one and it is another by now."""
    named = plan.original.manifest["topology"]
    name, expected = str(named.get("name")), named["sha256"]
    path = plan.project / "topologies" / f"{name}.yaml"
    try:
        found = sha256(files.read(path)).hexdigest()
    except OSError:
        return []  # scenarios may write their own
    if "/" in name or found == expected:
        return []
    return [Differing(f"topologies/{name}.yaml", "as in the run's copy, which is used", "changed")]
