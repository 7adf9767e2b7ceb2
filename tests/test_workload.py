"""Data that is checked on arrival, over a pair of real sockets."""

import socket

import pytest

from lab.errors import ScenarioFailed
from lab.workload import BLOCK, Pattern, Transfer


@pytest.fixture
def ends():
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


def test_what_was_sent_arrives(ends):
    with Transfer(*ends, Pattern(1)) as transfer:
        transfer.wait_delivered("500 kB")
        before = transfer.delivered
        transfer.wait_delivered_more("100 kB")

        assert transfer.delivered >= before + 100_000
        assert transfer.finish() == transfer.delivered


def test_nothing_more_is_awaited_after_the_end(ends):
    """It says so at once: with a deadline of an hour, waiting for it would not end."""
    with Transfer(*ends, Pattern(1)) as transfer:
        transfer.wait_delivered("10 kB")
        delivered = transfer.finish()

        with pytest.raises(ScenarioFailed, match=r"but the transfer has ended: .* arrived"):
            transfer.wait_delivered_more("1 B", timeout=3600)
        assert transfer.finish(timeout=3600) == delivered


def test_altered_data_is_told_with_its_place(ends):
    sender, receiver = ends
    pattern = Pattern(1)
    with Transfer(receiver, receiver, pattern) as transfer:
        sender.sendall(pattern.at(0, 1000) + pattern.at(5000, 200))

        with pytest.raises(ScenarioFailed, match="the bytes from 1000 on are those of byte 5000"):
            transfer.wait_delivered("1 MB")


def test_a_pattern_goes_on_at_any_offset():
    pattern = Pattern(3)

    assert pattern.at(BLOCK - 4, 8) == pattern.at(BLOCK - 4, 4) + pattern.at(0, 4)
    assert pattern.at(10 * BLOCK + 7, 100) == pattern.at(7, 100)
    assert Pattern(4).at(0, 100) != pattern.at(0, 100)
