"""What a middlebox of each kind does to packets, as they leave the client and reach the server."""

import json
import os
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import pytest

import mptcpapi
from lab.build import Network
from lab.errors import InvalidRun, UsageError
from lab.load import load
from lab.wire.mptcp import MptcpOption, label, values
from lab.wire.segment import Flags

STRIP = {"strip": {"option": 30, "from": "syn"}}
SPLIT = {"split": {"at": "500 B"}}
HELLO = "say <address 10.0.1.1>"


def on_the_way(*boxes):
    """A link with boxes in the direction from client to server."""
    return pytest.mark.parametrize(
        "there", [boxes], ids=[",".join(key for b in boxes for key in b)]
    )


@pytest.fixture
def topology_file(there, tmp_path):
    """Client and server, with the test's boxes between them."""
    link = {"ends": ["client:wifi", "server:wifi"], "subnet": ["10.0.1.0/24", "fd00:1::/64"]}
    path = tmp_path / "boxed.yaml"
    path.write_text(
        json.dumps({
            "topology": "1", "name": "boxed", "hosts": {"client": {}, "server": {}},
            "links": {"wifi": {**link, "there": {"middlebox": there}}},
        }), "utf-8",
    )  # fmt: skip
    return path


@contextmanager
def connected(client, server, protocol):
    """Both ends of a connection."""
    with server.msocket(socket.AF_INET, socket.SOCK_STREAM, protocol) as listener:
        listener.bind(("10.0.1.2", 5001))
        listener.listen()
        with client.msocket(socket.AF_INET, socket.SOCK_STREAM, protocol) as connecting:
            connecting.connect(listener.getsockname())
            accepted, _ = listener.accept()
            with accepted:
                yield connecting, accepted


def options(segment):
    """What the MPTCP options of a segment are called."""
    return [label(value) for value in values(segment.options)]


def acted(net):
    """How many segments each box did not let pass as they were."""
    (hop,) = net.links[0].cable.hops
    return hop.acted()


@on_the_way(STRIP)
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_strip(flow, capture, net):
    """The SYN loses its option on the way, and data arrives in TCP."""
    flow.wait_delivered("100 kB")

    assert acted(net) == (1,)
    (sent,) = [each for each in capture.at("client").sent() if each.syn]
    (arrived,) = [each for each in capture.at("server").arrived() if each.syn]
    assert (options(sent), options(arrived)) == (["MpCapable"], [])
    assert sent.options.replace(bytes([30, 4, 1, 1]), bytes([1] * 4)) == arrived.options
    assert not flow.connection.in_use()


@on_the_way({"strip": {"option": 30, "after": "20 packets"}})
def test_strip_after_some_packets(client, server, capture):
    """Twenty packets have their option still."""
    with connected(client, server, mptcpapi.IPPROTO_MPTCP) as (sender, _):
        sender.sendall(bytes(60_000))
        seen = capture.until("server", lambda seen: len(seen.arrived()) > 25)

    assert [bool(options(each)) for each in seen.arrived()][:25] == [True] * 20 + [False] * 5


@pytest.mark.violates("MP_CAPABLE has the receiver key")
@on_the_way({"alter": {"option": 30, "subtype": "MP_CAPABLE", "from": "not-syn", "octet": 12}})
def test_alter(flow, capture):
    """The server's key comes back to it with another first octet; nothing else has changed."""
    flow.wait_delivered("50 kB")

    sent, arrived = (
        next(each for each in seen if options(each) == ["MpCapable"] and not each.syn)
        for seen in (capture.at("client").sent(), capture.at("server").arrived())
    )
    differ = [one ^ other for one, other in zip(sent.options, arrived.options, strict=True)]
    assert [each for each in differ if each] == [1]
    (value,) = values(sent.options)
    assert differ.index(1) == sent.options.index(value) + 10


@on_the_way({"sequence": {}})
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_sequence(flow, capture):
    """Each number arrives with the same offset; Multipath TCP goes on."""
    flow.wait_delivered("300 kB")

    sent, arrived = capture.at("client").sent(), capture.at("server").arrived()
    pairs = zip(sent.segments[:100], arrived.segments[:100], strict=True)
    offsets = {(far.seq - near.seq) % 2**32 for near, far in pairs}
    assert len(offsets) == 1
    assert offsets != {0}
    assert {each.ack for each in capture.at("client").arrived().with_payload()} <= {
        each.ack for each in capture.at("server").sent().with_payload()
    }
    assert flow.connection.in_use()


@on_the_way(SPLIT)
def test_split(flow, capture, net):
    """No segment that arrives has more than 500 bytes, those sent had; MPTCP goes on."""
    flow.wait_delivered("200 kB")

    assert max(each.payload for each in capture.at("client").sent()) > 1000
    assert max(each.payload for each in capture.at("server").arrived()) == 500
    assert acted(net)[0] > 100
    assert flow.connection.in_use()


@on_the_way(SPLIT, {"coalesce": {"up_to": "1000 B", "wait": "1 s"}})
@pytest.mark.flow(server_protocol=socket.IPPROTO_TCP)
def test_coalesce(flow, capture):
    """Pieces of up to 500 bytes arrive two by two, but for those that nothing follows at once."""
    flow.wait_delivered("100 kB")

    arrived = [each.payload for each in capture.at("server").arrived().with_payload()]
    assert sum(payload > 500 for payload in arrived) > len(arrived) * 0.8
    assert max(arrived) == 1000


@on_the_way({"payload": {"replace": HELLO, "with": "say <address 100.64.0.1> twice"}})
def test_payload(client, server, capture):
    """A longer text takes the place of another in TCP, and what follows arrives too."""
    with connected(client, server, socket.IPPROTO_TCP) as (sender, receiver):
        sender.sendall(f"we {HELLO} now. ".encode())
        said = receiver.recv(100)
        sender.sendall(b"And more.")
        sender.shutdown(socket.SHUT_WR)
        while part := receiver.recv(100):
            said += part

    assert said == b"we say <address 100.64.0.1> twice now. And more."
    sent, arrived = (
        sum(each.payload for each in seen)
        for seen in (capture.at("client").sent(), capture.at("server").arrived())
    )
    assert arrived - sent == len(" twice") + len("100.64.0.1") - len("10.0.1.1")


@on_the_way({"drop": {"option": 30, "from": "syn"}})
def test_drop(flow, capture):
    """SYNs with the option are sent and do not arrive; one without it does."""
    flow.wait_delivered("50 kB")

    sent = [bool(options(each)) for each in capture.at("client").sent() if each.syn]
    arrived = [bool(options(each)) for each in capture.at("server").arrived() if each.syn]
    assert True in sent
    assert arrived == [False]
    assert not flow.connection.in_use()


@on_the_way({"reset": {"option": 30, "from": "syn"}})
def test_reset(client, server, capture):
    """The answer to a SYN with the option is an RST that the server has not sent."""
    with pytest.raises(ConnectionRefusedError), connected(client, server, mptcpapi.IPPROTO_MPTCP):
        pass
    with connected(client, server, socket.IPPROTO_TCP):  # comes later
        pass

    (reset,) = [each for each in capture.at("client").arrived() if each.rst]
    assert reset.flags == Flags.RST | Flags.ACK
    seen = capture.at("server")
    assert not [each for each in seen if each.rst]
    assert not seen.all(MptcpOption)
    assert len([each for each in seen.arrived() if each.syn]) == 1


@on_the_way(STRIP)
def test_boxes_stay_as_they_are(net):
    """Asking for others is a mistake, not a change of nothing."""
    with pytest.raises(UsageError, match="middleboxes remember flows"):
        net.links[0].reshape(middlebox=())


@on_the_way(STRIP)
def test_a_relay_that_died_makes_the_run_invalid(topology_file):
    """Also where nobody has waited for a packet."""
    with Network(load(topology_file)) as network:
        network.require_sound()
        (relay,) = [
            int(each.parent.name) for each in Path("/proc").glob("[0-9]*/cmdline")
            if b"lab.middlebox.relay" in each.read_bytes()
        ]  # fmt: skip
        os.kill(relay, signal.SIGKILL)

        with pytest.raises(InvalidRun, match="link 'wifi': the relay of middleboxes ended: it was"):
            network.require_sound()
