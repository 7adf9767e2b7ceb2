"""Opening a subflow, and the handshake that the kernel makes of it on the wire."""

import statistics

import pytest

pytestmark = [
    pytest.mark.topology("veth"),
    pytest.mark.benchmark(group="opening"),
]

ROUNDS = 100


def test_open_subflow(capture, connection, benchmark):
    """`open_subflow`, beside the time from the SYN to the third ACK at the client."""
    opened = []

    def close():
        if opened:
            connection.close_subflow(opened[-1])

    def call():
        opened.append(connection.open_subflow())

    call()  # what is imported and loaded at the first call stays
    benchmark.pedantic(call, setup=close, rounds=ROUNDS)

    joins = capture.until("client", lambda seen: len(complete(seen)) == len(opened))
    handshakes = [join.ack.time - join.syn.time for join in complete(joins)[1:]]
    benchmark.extra_info["beside"] = {
        "min": min(handshakes),
        "median": statistics.median(handshakes),
    }


def complete(seen):
    """The joins of which all three segments were captured."""
    return [join for join in seen.joins() if not join.missing]
