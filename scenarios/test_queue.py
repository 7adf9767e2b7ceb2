"""A queue takes in what its file declares, and no more."""

import json
import socket
import subprocess
import time

import pytest

from lab import netns
from lab.build import Network
from lab.load import loads

SLOW = """
topology: 1
name: slow
hosts: {{client: {{}}, server: {{}}}}
links:
  wire:
    ends: [client:wire, server:wire]
    subnet: 10.0.1.0/24
    there: {{rate: 8 kbit/s, queue: {queue}}}
"""
"""A frame leaves the queue every 1.5 seconds, and the next one takes its place at once."""

FRAME = 1514
FLOOD = 100
"""packets that the client sends between two looks"""

DEADLINE = 10.0


def waiting(network):
    """What tc says of the queue towards the server."""
    with netns.entered(network.wire("wire").cable.namespace):
        said = subprocess.check_output(["tc", "-s", "-j", "qdisc", "show", "dev", "second"])
    return next(each for each in json.loads(said) if each["kind"] == "tbf")


def silence(network):
    """Return when nobody but the test has frames in the queue, nor will have."""
    end = time.monotonic() + DEADLINE
    for node in network.nodes:
        node.set_sysctls({"net.ipv6.conf.all.disable_ipv6": "1"})
    while waiting(network)["qlen"]:
        assert time.monotonic() < end, "the queue does not drain"


@pytest.mark.parametrize(
    ("queue", "frames"), [("10 packets", 10), ("20 kB", 13), ("20 s", 13), ("1514 B", 1)]
)
def test_a_full_queue_holds_what_is_declared(queue, frames):
    """Frames wait until the next one would exceed the queue; that one is dropped."""
    with Network(loads(SLOW.format(queue=queue), "slow.yaml")) as network:
        end = time.monotonic() + DEADLINE
        silence(network)
        most, dropped = (0, 0), 0
        with network.node("client").msocket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while dropped < 10 * FLOOD:
                assert time.monotonic() < end, f"the queue drops {dropped} packets"
                for _ in range(FLOOD):
                    sender.sendto(bytes(1472), ("10.0.1.2", 9))
                seen = waiting(network)
                most, dropped = max(most, (seen["qlen"], seen["backlog"])), seen["drops"]

    assert most == (frames, frames * FRAME)
