"""``python -m lab.rerun.look FILE SEED BACKEND STACK [OVERRIDE ...]``, in a sandbox.

Builds the network as a scenario would find it, and prints what its manifest would say of it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lab import environment
from lab.build import Network
from lab.errors import LabError
from lab.load import load
from lab.plain import plain


def main(file: str, seed: str, backend: str, stack: str, *overrides: str) -> None:
    """Print a part of a manifest as JSON; one of an error says why there is no network."""
    try:
        topology = load(Path(file), list(overrides))
        with Network(
            topology, backend=backend or None, seed=int(seed), stack=stack or None
        ) as network:
            found = {"backend": network.backend, "before": environment.state(network.nodes)}
    except LabError as problem:
        found = {"error": str(problem)}
    json.dump(plain(found), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
