"""Listing 8 subflows, and the system call that lists them."""

import ctypes

import pytest

from mptcpapi import abi

pytestmark = [
    pytest.mark.topology("veth"),
    pytest.mark.benchmark(group="listing"),
]

EIGHT = 8


def test_getsockopt(crowded, benchmark):
    """MPTCP_FULL_INFO through ctypes, with room for what is there; nothing is decoded."""
    getsockopt, fd = ctypes.CDLL(None).getsockopt, crowded.fileno()

    def call():
        entries = ctypes.create_string_buffer(EIGHT * abi.MPTCP_SUBFLOW_INFO.size)
        states = ctypes.create_string_buffer(EIGHT)
        room = (0, 1, 0, abi.MPTCP_SUBFLOW_INFO.size, 0, EIGHT)
        arrays = (ctypes.addressof(entries), ctypes.addressof(states))
        head = abi.MPTCP_FULL_INFO_HEAD.pack(*room, *arrays)
        answer = ctypes.create_string_buffer(head, len(head) + abi.MPTCP_INFO_SIZE)
        length = ctypes.c_uint32(len(answer))
        return getsockopt(
            fd, abi.SOL_MPTCP, abi.MPTCP_FULL_INFO, answer, ctypes.byref(length)
        ), abi.MPTCP_FULL_INFO_HEAD.unpack_from(answer)[4]

    assert benchmark(call) == (0, EIGHT)


def test_subflows(crowded, benchmark):
    """`subflows`."""
    assert len(benchmark(crowded.subflows)) == EIGHT


def test_subflow_details(crowded, benchmark):
    """`subflow_details`, for comparison: it has no target."""
    assert len(benchmark(crowded.subflow_details)) == EIGHT
