"""``mptcpapi`` gives its names as any package does, although it imports them at their first use."""

import os
import subprocess
import sys
import threading

import pytest

import mptcpapi
from mptcpapi import facade
from mptcpapi.importing import importing


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
    for name in ("__wrapped__", "__main__", "abi.x", "../x", ""):
        assert not hasattr(mptcpapi, name)


def test_what_somebody_has_set_stays() -> None:
    program = "import mptcpapi; mptcpapi.subflows = 7; mptcpapi.Socket; print(mptcpapi.subflows)"

    assert in_fresh_interpreter(program) == "7"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_imports() -> None:
    """Else a child in which no thread ends them would."""
    is_held, is_forked = threading.Event(), threading.Event()
    was_forked: list[bool] = []

    def hold() -> None:
        with importing:
            is_held.set()
            was_forked.append(is_forked.wait(0.2))

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait()
    child = os.fork()
    if child == 0:
        os._exit(0 if importing.acquire(blocking=False) else 1)
    is_forked.set()
    thread.join()

    assert was_forked == [False]
    assert os.waitpid(child, 0)[1] == 0
