"""Stacks without privilege: kinds, locators, the default of a thread, and what is refused."""

import errno
import os
import pickle
import resource
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from own_process import descriptors, left

import mptcpapi
from mptcpapi import stacks
from mptcpapi.stacks.vnl import Network, parse


class Counting(stacks.ForeignStack):
    """Makes the kernel's sockets, and writes down which."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.made: list[tuple[int, int, int]] = []

    def _descriptor(self, family: int, type: int, protocol: int) -> int:
        self.made.append((family, type, protocol))
        return socket.socket(family, type, protocol).detach()

    def _open_sockets(self) -> int:
        return 0

    def _delete(self) -> None:
        pass


@pytest.fixture
def counting() -> Iterator[Counting]:
    with Counting("counting") as stack:
        yield stack


def test_the_kinds_of_this_package_are_installed() -> None:
    assert {"kernel", "netns"} <= {*stacks.kinds()}


def test_the_kernels_own_stack_needs_nothing() -> None:
    with stacks.new("kernel") as stack, stack.msocket() as listener, stack.msocket() as sock:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        sock.connect(listener.getsockname())

        assert type(sock) is socket.socket
        assert stack.if_nametoindex("lo") == socket.if_nametoindex("lo")
        assert stack.linkgetaddr("lo") == "00:00:00:00:00:00"


def test_an_mptcp_socket_is_one() -> None:
    with stacks.new("kernel") as stack:
        try:
            sock = stack.msocket(protocol=mptcpapi.IPPROTO_MPTCP)
        except mptcpapi.Unavailable as why:
            pytest.skip(why.strerror)
        with sock:
            assert isinstance(sock, mptcpapi.Socket)


@pytest.mark.parametrize(
    ("vnls", "expected"),
    [
        ((), []),
        (("vde:///tmp/sw",), [Network("vde0", "vde:///tmp/sw")]),
        (("/tmp/sw", "vxvde://"), [Network("vde0", "/tmp/sw"), Network("vde1", "vxvde://")]),  # noqa: S108
        (("eth0:vde:///tmp/sw",), [Network("eth0", "vde:///tmp/sw")]),
        (("eth0:/tmp/sw",), [Network("eth0", "/tmp/sw")]),  # noqa: S108
        (("null://", "w:null://"), [Network("vde0", "null://"), Network("w", "null://")]),
    ],
)
def test_locators(vnls: tuple[str, ...], expected: list[Network]) -> None:
    assert parse(vnls) == expected


@pytest.mark.parametrize(
    ("vnls", "told"),
    [
        (("",), "vnl '': expected the locator of a VDE network"),
        (("-d",), "vnl '-d'"),
        (("=",), "vnl '='"),
        (("a\0b",), "vnl 'a\\x00b'"),
        ((7,), "vnl 7"),
        (("much_too_long_a_name:vde://",), "cannot be called 'much_too_long_a_name'"),
        (("a b:vde://",), "cannot be called 'a b'"),
        (("a:vde://", "a:vde://"), "two interfaces cannot both be 'a'"),
        (("vde1:vde://", "vde://"), "two interfaces cannot both be 'vde1'"),
        (("lo:null://",), "cannot be called 'lo'"),
        (("a%d:null://",), "cannot be called 'a%d'"),
        (("..:null://",), "cannot be called '..'"),
        (("\ud800:null://",), "expected the locator of a VDE network"),
    ],
)
def test_locators_that_cannot_be(vnls: tuple[str, ...], told: str) -> None:
    with pytest.raises(mptcpapi.InvalidArgument) as refused:
        parse(vnls)

    assert told in refused.value.strerror


@pytest.mark.parametrize(
    ("arguments", "options", "told"),
    [
        (("nets",), {}, "there is no kind of stack 'nets' (did you mean 'netns'? known: "),
        (("",), {}, "there is no kind of stack '' (known: "),
        ((None,), {}, "kind None: expected a name (known: "),
        (("kernel:x",), {}, "kind 'kernel:x': nothing can follow 'kernel'"),
        (("netns:x",), {}, "kind 'netns:x': nothing can follow 'netns'"),
        (("vdestack:x", "null://"), {}, "kind 'vdestack:x': nothing can follow 'vdestack'"),
        (("kernel",), {"mtu": 5}, "kernel has no option 'mtu' (known: resolver)"),
        (("kernel", "vde://"), {}, "the kernel's own stack is connected to no VDE network"),
        (("kernel", 5), {}, "vnl 5: expected a locator, a list of them, or None"),
        (("kernel", [5]), {}, "vnl [5]: expected a locator"),
        (("kernel",), {"resolver": "/nowhere"}, "file '/nowhere': cannot be read: No such file or"),
        (("kernel",), {"resolver": 5}, "resolver file 5: cannot be a path"),
        (("kernel",), {"resolver": "a\0b"}, "resolver file 'a\\x00b': cannot be a path"),
        (("kernel",), {"resolver": "/"}, "resolver file '/': is no regular file"),
        (("kernel",), {"resolver": "/dev/zero"}, "resolver file '/dev/zero': is no regular file"),
    ],
)
def test_what_new_refuses(arguments: tuple[str, ...], options: dict[str, object],
                          told: str) -> None:  # fmt: skip
    before = descriptors()

    with pytest.raises(mptcpapi.InvalidArgument) as refused:
        stacks.new(*arguments, **options)

    assert told in refused.value.strerror
    assert not left(descriptors, before)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda stack: stack.ipaddr_add("10.0.0.1/33", "lo"), "address '10.0.0.1/33'"),
        (lambda stack: stack.ipaddr_add(5, "lo"), "address 5: expected a text"),
        (lambda stack: stack.iproute_add("10.0.0.0/8"), "give a gateway, an interface, or both"),
        (lambda stack: stack.iproute_add("ten", "10.0.0.1"), "network 'ten'"),
        (lambda stack: stack.iproute_add("default", "ten"), "gateway 'ten'"),
        (lambda stack: stack.linksetaddr("lo", "02:00"), "MAC address '02:00'"),
        (lambda stack: stack.linksetmtu("lo", "big"), "MTU 'big'"),
        (lambda stack: stack.linksetupdown(1 << 40, True), "interface 1099511627776: expected an"),
        (lambda stack: stack.linkgetaddr(None), "interface None: expected an integer"),
        (lambda stack: stack.linksetupdown("lo", "down"), "up 'down': expected True or False"),
        (lambda stack: stack.if_nametoindex("lo\0"), "interface 'lo\\x00': expected a name"),
        (lambda stack: stack.if_nametoindex("\ud800"), "rtnetlink cannot say"),
        (
            lambda stack: stack.ipaddr_add("fe80::1%lo/64", "lo"),
            "give the interface as an argument",
        ),
        (lambda stack: stack.iproute_add("default", "fe80::1%lo"), "give the interface as an arg"),
        (lambda stack: stack.iproute_add("10.0.0.0/8", "fd00::1"), "of the other version of IP"),
        (lambda stack: stack.iplink_add(5, "bridge"), "interface 5: expected a name"),
        (lambda stack: stack.iplink_add("x", None), "kind None: expected a name"),
        (lambda stack: stack.iplink_add("x", "bridge", 5), "data 5: expected a dictionary"),
        (lambda stack: stack.iplink_add("x", "bridge", IFLA_MTU="a"), "rtnetlink cannot say"),
        (
            lambda stack: stack.iplink_add("x", "bridge", IFLA_NOSUCH=1),
            "no attribute 'IFLA_NOSUCH'",
        ),
        (lambda stack: stack.iplink_add("x", "bridge", mtu=1), "'mtu' (did you mean 'IFLA_MTU'?)"),
        (
            lambda stack: stack.iplink_add("x", "vlan", {"IFLA_VLANID": 1}),
            "'IFLA_VLANID' (did you mean 'IFLA_VLAN_ID'?)",
        ),
        (lambda stack: stack.iplink_add("x", "vrf", {7: 1}), "7 (known: IFLA_VRF_TABLE)"),
        (lambda stack: stack.iplink_add("x", "dummy", {"A": 1}), "no attributes of the kind 'dumm"),
        (lambda stack: stack.iplink_add("x", "bridge", IFLA_IFNAME="y"), "IFLA_IFNAME is made of"),
        (
            lambda stack: stack.iplink_add(
                "x", "veth", {"VETH_INFO_PEER": {"attrs": [("IFLA_IFNAM", "y")]}}
            ),
            "'IFLA_IFNAM' (did you mean 'IFLA_IFNAME'?)",
        ),
        (lambda stack: stack.iplink_del(True), "interface True: expected an integer"),
    ],
)
def test_what_a_stack_refuses(call: object, told: str) -> None:
    with stacks.new("kernel") as stack, pytest.raises(mptcpapi.InvalidArgument) as refused:
        call(stack)  # type: ignore[operator]

    assert told in refused.value.strerror


def test_an_interface_that_is_not_there() -> None:
    with stacks.new("kernel") as stack, pytest.raises(mptcpapi.KernelRefused) as refused:
        stack.if_nametoindex("nosuch")

    assert "stack kernel: cannot find the interface nosuch: " in refused.value.strerror


def test_a_busy_stack_stays_until_it_is_forced() -> None:
    stack = stacks.new("kernel")
    with stack.msocket():
        with pytest.raises(mptcpapi.StackBusy, match="1 of its sockets are open"):
            stack.close()
        with stack.msocket():
            pass  # still usable
        stack.close(force=True)
    stack.close()

    for again in (
        stack.msocket,
        stack.use,
        lambda: stack.if_nametoindex("lo"),
        lambda: stack.getaddrinfo("::1", 1),
        lambda: stacks.use(stack).__enter__(),
    ):
        with pytest.raises(mptcpapi.StackDeleted, match="this stack was deleted"):
            again()


def test_an_error_is_not_hidden_by_the_sockets_that_it_left_open() -> None:
    opened = []

    def leaves_one_open() -> None:
        with stacks.new("kernel") as stack:
            opened.extend([stack.msocket(), stack])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        leaves_one_open()
    sock, stack = opened
    sock.close()
    with pytest.raises(mptcpapi.StackDeleted):
        stack.msocket()


def test_a_stack_is_of_its_process() -> None:
    with stacks.new("kernel") as stack, pytest.raises(TypeError, match="belongs to this process"):
        pickle.dumps(stack)


def test_code_that_knows_only_sockets_uses_the_default(counting: Counting) -> None:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(self.rfile.readline())

    with stacks.use(counting) as used:
        assert used is counting is stacks.current()
        server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
        client = socket.create_connection(server.server_address)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    with server, client:
        client.sendall(b"echo\n")
        assert client.recv(10) == b"echo\n"
        thread.join()

    inet, stream = socket.AF_INET, socket.SOCK_STREAM
    assert counting.made == [(inet, stream, 0), (inet, stream, socket.IPPROTO_TCP)]
    assert stacks.current() is None


def test_defaults_nest_and_come_back_after_errors(counting: Counting) -> None:
    made = socket.socket.__init__

    def fails_inside(inner: Counting) -> None:
        with stacks.use(inner):
            socket.socket().close()
            raise ZeroDivisionError

    with Counting("inner") as inner, stacks.use(counting):
        with pytest.raises(ZeroDivisionError):
            fails_inside(inner)
        assert stacks.current() is counting
        with stacks.new("kernel") as kernel, stacks.use(kernel):
            socket.socket().close()  # made by none of the two
        socket.socket(socket.AF_INET6).close()

        assert [family for family, _, _ in inner.made] == [socket.AF_INET]
        assert [family for family, _, _ in counting.made] == [socket.AF_INET6]
    socket.socket().close()
    assert len(counting.made) == 1
    assert socket.socket.__init__ is made


def test_other_threads_keep_theirs(counting: Counting) -> None:
    found: list[object] = []

    def elsewhere() -> None:
        found.append(stacks.current())
        socket.socket().close()

    with stacks.use(counting):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

    assert found == [None]
    assert not counting.made


def test_a_name_without_a_resolver_file_is_refused_where_no_thread_can_ask(
    counting: Counting,
) -> None:
    assert counting.getaddrinfo("::1", 80, type=socket.SOCK_STREAM)[0][4][:2] == ("::1", 80)
    with pytest.raises(mptcpapi.InvalidArgument, match="needs a resolver file"):
        counting.getaddrinfo("server", 80)


def test_no_descriptor_is_left_for_a_stack() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    filled = [os.open("/dev/null", os.O_RDONLY) for _ in range(200)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(filled) + 1, hard))
    try:
        with pytest.raises(mptcpapi.KernelRefused, match="no descriptor is left") as refused:
            stacks.new("kernel")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in filled:
            os.close(each)

    assert refused.value.errno == errno.EMFILE


GIVES_UP_CAPABILITIES = """
import ctypes
header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)())
import mptcpapi.stacks
try:
    mptcpapi.stacks.new("netns")
except mptcpapi.NoPrivilege as why:
    print(why.strerror)
"""


def test_without_privilege_it_says_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, "-c", GIVES_UP_CAPABILITIES], capture_output=True, text=True, check=False
    )

    assert "takes CAP_SYS_ADMIN: run as root, or in a user namespace" in done.stdout, done.stderr
