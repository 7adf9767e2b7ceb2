"""Libraries that know nothing of stacks, pointed at one."""

import asyncio
import http.server
import threading
import urllib.request
from contextlib import contextmanager

import pytest
import stack_echo
from vde_switch import skip_unless_library

from mptcpapi import stacks

SERVER, CLIENT = "10.0.0.1", "10.0.0.2"


class Handler(http.server.BaseHTTPRequestHandler):
    """Says who asks."""

    def do_GET(self) -> None:
        """Answer with the client's address."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def pages(stack):
    """A web server in a stack, with a thread per connection."""
    with stacks.use(stack):
        server = http.server.ThreadingHTTPServer((SERVER, 8000), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def page():
    """What the server says to a client of asyncio."""
    reader, writer = await asyncio.open_connection(SERVER, 8000)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    said = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return said


@pytest.mark.parametrize("kind", ["kernel", "netns", "vdestack"])
def test_a_web_server_and_its_clients(vde_network, kind):
    """http.server, urllib and asyncio, on stacks of every kind that gives sockets of the kernel."""
    if kind == "vdestack":
        skip_unless_library("libvdestack.so.0", "libvdestack0")
    with (
        stack_echo.stack_at(kind, vde_network, SERVER) as serving,
        stack_echo.stack_at(kind, vde_network, CLIENT) as asking,
        pages(serving),
        stacks.use(asking),
    ):
        with urllib.request.urlopen(f"http://{SERVER}:8000/", timeout=10) as answer:
            assert answer.read() == CLIENT.encode()
        assert asyncio.run(page()).endswith(b"\r\n\r\n" + CLIENT.encode())


def test_a_stack_is_configured_while_a_loop_runs():
    """The calls talk netlink on their own, and need no loop of the thread's."""

    async def configure():
        with stacks.new("netns") as stack:
            stack.ipaddr_add("10.7.0.1/24", "lo")
            with stack.msocket() as sock:
                sock.bind(("10.7.0.1", 0))
                return sock.getsockname()[0]

    assert asyncio.run(configure()) == "10.7.0.1"
