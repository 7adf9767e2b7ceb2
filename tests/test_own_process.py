"""What counts as left behind by a test, and what does not."""

import gc
import os
import socket
import threading
from collections.abc import Iterator

import pytest
from own_process import Thread, descriptors, held, left


class Cycle:
    """An open descriptor that nobody refers to but itself."""

    def __init__(self) -> None:
        self.number, self.itself = os.open("/dev/null", os.O_RDONLY), self

    def __del__(self) -> None:
        os.close(self.number)


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """It comes by itself after so many objects, perhaps between two lines."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
def test_what_nobody_refers_to_is_not_left() -> None:
    before = descriptors()
    number = Cycle().number
    assert number in {each.number for each in descriptors()}

    assert not left(descriptors, before)
    assert number not in {each.number for each in descriptors()}


def test_what_ends_meanwhile_makes_no_room() -> None:
    """Where a descriptor of an earlier test was, another is: as many as before, and one is left."""
    with socket.socket() as earlier:
        before = descriptors()
        number = earlier.fileno()

    with socket.socket() as sock:
        assert sock.fileno() == number
        assert left(descriptors, before) == {(number, f"socket:[{os.fstat(number).st_ino}]")}


def test_a_thread_is_held_until_it_ends() -> None:
    before, end = held(), threading.Event()
    thread = threading.Thread(target=end.wait, name="waiting")
    thread.start()

    assert left(held, before) == {Thread("waiting", thread.native_id)}
    end.set()
    thread.join()
    assert not left(held, before)
