"""Names, asked in a stack by the stack's own resolver file."""

import socket
import threading
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rrset
import pytest
import stack_echo

import mptcpapi
from mptcpapi import stacks

SERVER, CLIENT = "10.0.0.53", "10.0.0.1"
ZONE = {
    ("www.example.net.", "A"): ["10.0.0.80", "10.0.0.81"],
    ("www.example.net.", "AAAA"): ["fd00::80"],
    ("four.example.net.", "A"): ["10.0.0.4"],
}


@contextmanager
def name_server(stack):
    """A name server in a stack, that knows ``ZONE``; who asked what, as it comes."""
    asked = []
    with stack.msocket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((SERVER, 53))
        thread = threading.Thread(target=_answer, args=(sock, asked))
        thread.start()
        try:
            yield asked
        finally:
            with stack.msocket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", (SERVER, 53))
            thread.join()


def _answer(sock, asked):
    while True:
        query, sender = sock.recvfrom(4096)
        if not query:
            return
        message = dns.message.from_wire(query)
        (question,) = message.question
        name, kind = question.name.to_text(), question.rdtype.name
        asked.append((sender[0], name, kind))
        answer = dns.message.make_response(message)
        if not any(known == name for known, _ in ZONE):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif found := ZONE.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *found))
        sock.sendto(answer.to_wire(), sender)


@pytest.mark.parametrize("kind", ["netns", "vdestack"])
def test_a_stack_asks_its_own_servers(vde_network, tmp_path, kind):
    """The server in another stack hears the questions; what it says is as getaddrinfo gives it."""
    file = tmp_path / "resolv.conf"
    file.write_text(f"nameserver {SERVER}\nsearch example.net\n", encoding="ascii")
    with (
        stack_echo.stack_at("netns", vde_network, SERVER) as serving,
        stacks.new(kind, vde_network, resolver=str(file)) as stack,
        name_server(serving) as asked,
    ):
        stack.linksetupdown("vde0", True)
        stack.ipaddr_add(f"{CLIENT}/24", "vde0")

        both = stack.getaddrinfo("www.example.net", 80, type=socket.SOCK_STREAM)
        four = stack.getaddrinfo("four", "http", socket.AF_INET, socket.SOCK_STREAM)
        with pytest.raises(socket.gaierror) as unknown:
            stack.getaddrinfo("nosuch.example.net", 80)

    stream, tcp = socket.SOCK_STREAM, socket.IPPROTO_TCP
    assert both[0] == (socket.AF_INET6, stream, tcp, "", ("fd00::80", 80, 0, 0))
    assert sorted(both[1:]) == [  # the server shuffles them
        (socket.AF_INET, stream, tcp, "", (f"10.0.0.{host}", 80)) for host in (80, 81)
    ]
    assert four == [(socket.AF_INET, stream, tcp, "", ("10.0.0.4", 80))]
    assert unknown.value.errno == socket.EAI_NONAME
    assert {sender for sender, _, _ in asked} == {CLIENT}
    assert (CLIENT, "four.example.net.", "A") in asked


def test_no_server_answers(tmp_path):
    """It is said which file names the servers."""
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", encoding="ascii")

    with stacks.new("netns", resolver=str(file)) as stack, pytest.raises(socket.gaierror) as said:
        stack.getaddrinfo("www.example.net", 80)

    assert said.value.errno == socket.EAI_AGAIN
    assert str(file) in str(said.value)


def test_without_a_file_the_machines_own_resolver_asks_in_the_stack():
    """What needs no server is known there; a deleted stack is not asked."""
    with stacks.new("netns") as stack:
        found = stack.getaddrinfo("localhost", 80, socket.AF_INET, socket.SOCK_STREAM)

    assert found[0][4] == ("127.0.0.1", 80)
    with pytest.raises(mptcpapi.StackDeleted):
        stack.getaddrinfo("localhost", 80)
