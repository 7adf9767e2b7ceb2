"""Stepping into a network namespace: Ctrl-C at any moment of it."""

import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

import pytest
from own_process import descriptors, left

from mptcpapi import Socket, netns
from mptcpapi.netns import namespace_of
from mptcpapi.testing import FakeStack

Tracer = Callable[[FrameType, str, Any], Any]


def at_instruction(number: int) -> Tracer:
    """A trace function: Ctrl-C before the instruction of this number that the module runs."""
    left = number

    def instruction(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        left -= event == "opcode"
        if left == 0:
            sys.settrace(None)
            raise KeyboardInterrupt
        return instruction

    def call(frame: FrameType, *_: Any) -> Any:
        if frame.f_code.co_filename != netns.__file__:
            return None
        frame.f_trace_opcodes = True
        return instruction

    return call


def is_interrupted(trace: Tracer, fd: int) -> bool:
    """Whether Ctrl-C came while the namespace of a socket was entered and left."""
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with namespace_of(fd):
            pass
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # closed for want of an owner
def test_ctrl_c_leaves_no_descriptor() -> None:
    """Before whatever instruction of the interpreter it comes."""
    with FakeStack(), Socket() as sock:
        before = descriptors()
        for number in count(1):
            if not is_interrupted(at_instruction(number), sock.fileno()):
                break
            assert not left(descriptors, before), number

    assert number > 20  # how many the interpreter tells of depends on its version
