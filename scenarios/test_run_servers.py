"""``mptcpapi run``: programs that know nothing of MPTCP, a server and its client."""

import shutil
import subprocess
import sys
import time

import pytest
from old_programs import PATIENCE, RUN, started

import mptcpapi
from mptcpapi.info import mptcp_in_use

pytestmark = [
    pytest.mark.topology("multipath_tcp_org"),
    pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing: apt-get install curl"),
]

URL = "http://multipath-tcp.org/file"
CURL = ["curl", "--silent", "--show-error", "--fail"]
DATA = b"0123456789abcdef" * 2**20
"""16 MiB: more than the buffers on the way hold."""


@pytest.fixture
def site(server, tmp_path):
    """Python's own HTTP server, under ``mptcpapi run``."""
    (tmp_path / "file").write_bytes(DATA)
    command = [*RUN, "--", sys.executable, "-u", "-m", "http.server", "80"]
    with started(server, [*command, "--directory", tmp_path]) as program:
        program.until_word("Serving")
        yield


def in_use(node):
    """Whether each connection of the node's MPTCP sockets speaks MPTCP."""
    found = []
    with node.stack():
        for connection in mptcpapi.connections():
            with mptcpapi.Borrowed.of_token(connection.token) as borrowed:
                found.append(mptcp_in_use(borrowed.fileno()))
    return found


def wait_for_connections(*nodes):
    """Wait until each has one."""
    deadline = time.monotonic() + PATIENCE
    while not all(map(in_use, nodes)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_curl_and_pythons_http_server(client, server, site, capture):
    """Both kernels have one MPTCP connection, and the wire carried it."""
    with started(client, [*RUN, "--", *CURL, "--limit-rate", "100k", URL, "-o", "/dev/null"]):
        wait_for_connections(client, server)

        assert (in_use(client), in_use(server)) == ([True], [True])

    whole = client.popen([*RUN, "--", *CURL, URL], stdout=subprocess.PIPE)
    assert whole.communicate(timeout=PATIENCE)[0] == DATA
    assert whole.returncode == 0
    assert len(capture.at("server").connections()) == 2


def test_curl_of_its_own(client, server, site):
    """A client that speaks TCP gets the same from the server."""
    plain = client.popen([*CURL, URL], stdout=subprocess.PIPE)

    assert plain.communicate(timeout=PATIENCE)[0] == DATA
    assert plain.returncode == 0
