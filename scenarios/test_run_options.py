"""``mptcpapi run``: what other programs of the old API do not ask for."""

import re
import sys
from errno import EADDRINUSE, EFAULT, EINVAL, EPERM

import pytest
from old_programs import RUN, SOURCES, http_server, started

from lab.wire.mptcp import MpJoinSyn

pytestmark = pytest.mark.topology("multipath_tcp_org")

OPTIONS = [sys.executable, "-u", SOURCES / "options.py", "multipath-tcp.org", "192.168.34.10"]


@pytest.fixture
def said(client, server, capture):
    """The program, when it has ended, and its trace."""
    with http_server(server), started(client, [*RUN, "--trace", "--", *OPTIONS]) as program:
        status, trace = program.end()
        assert (status, program.lines[-1:]) == (0, ["over"]), trace
        yield program.said, trace


def test_options_beside_those_of_the_libraries(said, capture):
    """An open waits for data; signals have none made twice; how; a struct without a layout."""
    told, trace = said

    assert told("early") == [["True"]]
    assert told("opened") == [["0", "2"]]
    assert told("twice") == [[str(EADDRINUSE)]]
    assert told("constant") == [[str(EFAULT)]]
    assert told("signals") == [["0"] * 5]
    assert told("each") == [["True"]]
    assert (told("nonsense"), told("closed"), told("left")) == (
        [[str(EINVAL)]],
        [["0"]],
        [["True"]],
    )
    ((info, size, state, error, tcp_info_size),) = told("info")
    assert (info, state) == ("0", "1")  # TCP_ESTABLISHED
    assert size == tcp_info_size if error == "0" else error == str(EPERM)
    assert (told("cut"), told("unknown")) == ([["8"]], [[str(EINVAL)]])
    # The peer saw one SYN for each subflow that the program has been told of, and no other.
    joins = capture.at("server").arrived().all(MpJoinSyn)
    assert len({segment.source for segment, _ in joins}) == 1 + 5
    assert re.search(
        r"\[\d+\] getsockopt\(5, IPPROTO_TCP, MPTCP_OPEN_SUB_TUPLE, "
        r"\{id=2, 192\.168\.34\.10:0 > 10\.0\.9\.2:80\}, \[33\]\) = 0\n",
        trace,
    )
