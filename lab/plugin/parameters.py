"""``--parameter`` and the fixture ``parameter``: what a scenario lets those who run it choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lab.errors import UsageError
from lab.model.names import hint, shown
from lab.parameters import Parameter, assignments, mistaken, value
from lab.plugin.verdicts import RUN, at_the_end

_GIVEN = pytest.StashKey[Mapping[str, str]]()
"""Of a whole pytest: the values of ``--parameter`` by name."""

_ASKED = pytest.StashKey[dict[str, Any]]()
"""Of a test: what it asked for, with the values that it got."""


def pytest_configure(config: pytest.Config) -> None:
    """Read the options; what they mean shows when a test asks."""
    option = config.option
    try:
        config.stash[_GIVEN] = assignments("--parameter", option.parameter)
        assignments("--override", option.override)
    except UsageError as problem:
        raise pytest.UsageError(str(problem)) from problem


def pytest_runtest_setup(item: pytest.Item) -> None:
    """See that a test which never asks is not given anything."""
    given = item.config.stash[_GIVEN]
    if given and "parameter" not in getattr(item, "fixturenames", ()):
        raise UsageError(
            f"--parameter {', '.join(given)}: this test asks for none, as it does not use the "
            "fixture 'parameter'"
        )


class Parameters:
    """``parameter("backup", False)``: what ``--parameter backup=…`` gives, or else the default."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._given = item.config.stash[_GIVEN]
        self._asked = item.stash.setdefault(_ASKED, {})

    def __call__(self, name: str, default: Parameter) -> Parameter:
        """The value of a parameter, of the type of ``default``; the run's manifest has it.

        :raises MistakenFile: what is given is not of that type.
        """
        if not isinstance(default, bool | int | float | str):
            raise UsageError(
                f"parameter {shown(name)}: its default is {shown(default)}, which is neither true "
                "nor false, nor a number, nor a text"
            )
        chosen = value(name, self._given[name], default) if name in self._given else default
        self._asked[name] = chosen
        run = self._item.stash.get(RUN, None)
        if run is not None:
            run.describe(parameters={name: chosen})
        return chosen

    def require_all_asked(self) -> None:
        """See that the test asked for all that was given.

        :raises MistakenFile: it did not: a name is wrong, and the run not what was wanted.
        """
        for name, text in self._given.items():
            if name not in self._asked:
                message = f"this test asks for no parameter {shown(name)}"
                raise mistaken(name, text, 0, f"{message} ({hint(name, self._asked)})")


@pytest.fixture
def parameter(request: pytest.FixtureRequest) -> Parameters:
    """``parameter(name, default)``: a value that those who run the test can choose."""
    parameters = Parameters(request.node)
    at_the_end(request.node, parameters.require_all_asked)
    return parameters


def chosen(item: pytest.Item) -> dict[str, Any]:
    """What was chosen for a test until now, for its manifest."""
    overrides = assignments("--override", item.config.option.override)
    asked = item.stash.setdefault(_ASKED, {})
    return {"parameters": {**asked}, "overrides": overrides}
