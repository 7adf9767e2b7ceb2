"""What a scenario can reach of the machine."""

import os


def test_the_settings_of_the_machine_are_out_of_reach():
    """Only the network's settings, which are the sandbox's own, can be written."""
    assert not os.access("/proc/sys/vm/swappiness", os.W_OK)
    assert os.access("/proc/sys/net/ipv4/ip_forward", os.W_OK)
