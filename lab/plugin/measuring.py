"""Links are measured before the first scenario that has them; a run whose links miss is invalid."""

from __future__ import annotations

import pytest

from lab.fidelity.budget import SCENARIO
from lab.fidelity.verdict import Known
from lab.model import Topology
from lab.run import Run

_KNOWN = pytest.StashKey[Known]()


def pytest_configure(config: pytest.Config) -> None:
    """Know nothing yet."""
    config.stash[_KNOWN] = Known(config.option.backend)


def require_fidelity(config: pytest.Config, topology: Topology, run: Run) -> None:
    """See that the links of ``topology`` do what they declare, and keep in ``run`` what they do.

    :raises InvalidRun: they do not.
    :raises Unsupported: a link cannot be emulated here.
    """
    if config.option.no_measure:
        run.describe(fidelity={"measured": False, "reason": "--no-measure"})
        return
    verdict = config.stash[_KNOWN].of(topology, SCENARIO)
    run.describe(fidelity=verdict.as_dict())
    verdict.require_kept()
