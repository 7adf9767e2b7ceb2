"""Sharing the machine: many at once, one alone, and nobody waits for ever."""

import subprocess
import sys
import threading
import time

import pytest

from lab.errors import InvalidRun
from lab.quiet import sharing


@pytest.fixture
def places(tmp_path):
    for name in ("gate", "room"):
        (tmp_path / name).mkdir()
    return {"gate": tmp_path / "gate", "room": tmp_path / "room"}


@pytest.fixture
def coming(places):
    """Somebody who comes, and stays until told to go."""
    threads = []

    def come(*, alone):
        entered, leave = threading.Event(), threading.Event()

        def stay():
            with sharing(alone=alone, **places):
                entered.set()
                leave.wait(30)

        thread = threading.Thread(target=stay)
        thread.start()
        threads.append((thread, leave))
        return entered, leave

    yield come
    for thread, leave in threads:
        leave.set()
        thread.join()


def wait_for_waiter(places):
    """Return when somebody waits in the gate."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            with sharing(alone=False, patience=0, **places):
                pass
        except InvalidRun:
            return
    pytest.fail("nobody waits")


def test_many_share(places, coming):
    for _ in range(3):
        assert coming(alone=False)[0].wait(10)


def test_one_is_alone(places, coming):
    assert coming(alone=True)[0].wait(10)

    with pytest.raises(InvalidRun, match="has kept the machine for itself"), \
         sharing(alone=False, patience=0, **places):  # fmt: skip
        pytest.fail("it was let in")


def test_who_wants_to_be_alone_is_not_starved(places, coming):
    """Nobody else comes in while it waits; it comes in when those who are there have gone."""
    first, leave = coming(alone=False)
    assert first.wait(10)
    alone, done = coming(alone=True)
    wait_for_waiter(places)
    assert not alone.is_set()

    leave.set()

    assert alone.wait(10)
    late, _ = coming(alone=False)
    done.set()
    assert late.wait(10)


def test_nobody_waits_for_ever(places, coming):
    assert coming(alone=False)[0].wait(10)

    with pytest.raises(InvalidRun, match="did not leave the machine to this one"), \
         sharing(alone=True, patience=0.05, **places):  # fmt: skip
        pytest.fail("it was let in")


HOLD = """
import sys, time
from pathlib import Path
from lab.quiet import sharing
with sharing(alone=True, gate=Path(sys.argv[1]), room=Path(sys.argv[2])):
    print("in", flush=True)
    time.sleep(60)
"""


def test_who_is_killed_lets_go(places):
    command = [sys.executable, "-c", HOLD, places["gate"], places["room"]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "in\n"
        process.kill()

    with sharing(alone=True, patience=10, **places):
        pass
