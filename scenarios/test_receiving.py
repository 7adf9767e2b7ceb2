"""On which processor packets are received: two would let them overtake each other."""

import subprocess

import pytest

from lab import netns, receiving

EACH_MASK = (
    "mount -t sysfs none /sys && cd /sys/class/net && "
    "for each in *; do echo $each $(cat $each/queues/rx-*/rps_cpus); done"
)


def masks(namespace):
    """The processors of each interface but ``lo``, which is there before any setting."""
    with netns.entered(namespace):
        said = subprocess.run(
            ["unshare", "--mount", "sh", "-c", EACH_MASK],
            capture_output=True, check=True, text=True,
        ).stdout  # fmt: skip
    found = dict(line.split(maxsplit=1) for line in said.splitlines())
    del found["lo"]
    return {name: int(mask.replace(",", ""), 16) for name, mask in found.items()}


@pytest.mark.topology("two_paths")
@pytest.mark.skipif(not receiving.MASK.exists(), reason=f"this kernel has no {receiving.MASK}")
def test_all_interfaces_receive_on_one_processor(net):
    """Those of hosts, routers and wires, and it is the same one."""
    nodes = [masks(node.namespace) for node in net.nodes]
    wires = [masks(link.cable.namespace) for link in net.links if link.cable]

    assert [len(found) for found in nodes] == [2, 3, 1]
    assert len(wires) == 2
    (mask,) = {mask for found in [*nodes, *wires] for mask in found.values()}
    assert mask.bit_count() == 1
