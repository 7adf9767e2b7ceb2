"""``mptcpapi`` gives its names as any package does, although it imports them at their first use."""

import subprocess
import sys

import pytest

import mptcpapi
from mptcpapi import facade


def in_fresh_interpreter(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "program",
    [
        "import mptcpapi; print(mptcpapi.Endpoint('::1', 5))",
        "from mptcpapi import Endpoint; print(Endpoint('::1', 5))",
        "from mptcpapi import *; print(Endpoint('::1', 5))",
        "import mptcpapi; print(mptcpapi.endpoint.Endpoint('::1', 5))",
        "from mptcpapi.endpoint import Endpoint; print(Endpoint('::1', 5))",
        "import mptcpapi.aio; print(mptcpapi.Endpoint('::1', 5))",
        "import mptcpapi as m, pickle; print(pickle.loads(pickle.dumps(m.Endpoint('::1', 5))))",
    ],
)
def test_every_way_to_a_name(program: str) -> None:
    assert in_fresh_interpreter(program) == "[::1]:5"


def test_dir_has_every_name_at_once() -> None:
    names = in_fresh_interpreter("import mptcpapi; print(*dir(mptcpapi))").split()

    assert {*facade.__all__} <= {*names}
    assert names == sorted(names)


def test_help_has_every_name() -> None:
    text = in_fresh_interpreter("import mptcpapi; help(mptcpapi)")

    assert not [name for name in facade.__all__ if name not in text]


def test_the_names_are_those_of_the_facade() -> None:
    assert mptcpapi.__all__ is facade.__all__
    assert all(getattr(mptcpapi, name) is getattr(facade, name) for name in facade.__all__)


def test_a_name_that_it_has_not() -> None:
    with pytest.raises(AttributeError, match=r"^module 'mptcpapi' has no attribute 'subflwos'$"):
        mptcpapi.subflwos  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(mptcpapi, "__wrapped__")
