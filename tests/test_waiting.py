"""Descriptors of any number are waited for."""

import fcntl
import os
import resource
from contextlib import ExitStack

import pytest

from lab.answers import next_answer
from lab.waiting import readable

HIGH = 1500
"""more than select(2) can be told"""


@pytest.fixture
def pipe():
    """Both ends of a pipe, of which the first has a high number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard <= HIGH:
        pytest.skip(f"a process may have {hard} open files here (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, HIGH + 1), hard))
    with ExitStack() as undo:
        undo.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        low, writing = os.pipe()
        reading = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, HIGH)
        os.close(low)
        yield (
            undo.enter_context(os.fdopen(reading, "rb", 0)),
            undo.enter_context(os.fdopen(writing, "wb", 0)),
        )


def test_what_can_be_read(pipe):
    reading, writing = pipe
    assert readable([reading.fileno()], 0.01) == set()
    writing.write(b"x")
    assert readable([reading.fileno()], 10) == {reading.fileno()}


def test_the_end_can_be_read(pipe):
    reading, writing = pipe
    writing.close()
    assert readable([reading.fileno()], 10) == {reading.fileno()}


def test_an_answer_comes_by_any_descriptor(pipe):
    reading, writing = pipe
    with pytest.raises(TimeoutError):
        next_answer(reading, "ready", 0.01, ended="", late="")
    writing.write(b'{"ready": true}\n')
    assert next_answer(reading, "ready", 10, ended="", late="") == {"ready": True}
