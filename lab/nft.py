"""What a router's NAT and firewall are in nftables, and loading it into its namespace."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

from lab.errors import NotInstalled, Unsupported
from lab.model import Router, Rule
from lab.model.node_fields import SUBTYPES

IDLE_TIMEOUT = "net.netfilter.nf_conntrack_tcp_timeout_established"
"""Sysctl: seconds, Documentation/networking/nf_conntrack-sysctl.rst."""

MPTCP = 30
"""Kind of the TCP option, RFC 8684 section 3."""

_VERDICTS = {
    "drop": "drop",
    "reset": "reject with tcp reset",
    "unreachable": "reject with icmpx type admin-prohibited",
}

_SELECTIONS = {
    # What is neither of a known connection nor related to one, as an ICMP error is: a new
    # connection, and what does not fit into the sequence numbers of any.
    "new": "ct state != { established, related }",
    "syn": "tcp flags & (syn | ack) == syn",
}


def ruleset(router: Router) -> str:
    """The commands, for nft(8), that make ``router`` translate and filter; empty if it does not."""
    return "".join(f"{line}\n" for line in (*_translation(router), *_filter(router)))


def _translation(router: Router) -> Iterator[str]:
    if router.nat:
        yield "add table ip nat"
        yield "add chain ip nat out { type nat hook postrouting priority srcnat; policy accept; }"
    for interface in router.nat:
        yield f'add rule ip nat out oifname "{interface}" masquerade'


def _filter(router: Router) -> Iterator[str]:
    if router.firewall:
        yield "add table inet firewall"
        yield (
            "add chain inet firewall forward "
            "{ type filter hook forward priority filter; policy accept; }"
        )
    for rule in router.firewall:
        words = " ".join((*_conditions(rule), "counter", _VERDICTS[rule.action]))
        yield f"add rule inet firewall forward {words}"


def _conditions(rule: Rule) -> Iterator[str]:
    if rule.come_by:
        yield f'iifname "{rule.come_by}"'
    if rule.leave_by:
        yield f'oifname "{rule.leave_by}"'
    if rule.packets:
        yield _SELECTIONS[rule.packets]
    if rule.ports:
        yield f"tcp dport {{ {', '.join(map(str, rule.ports))} }}"
    if rule.option is not None:
        yield f"tcp option {rule.option} exists"
    if rule.subtype is not None:
        # The four bits behind kind and length of the first option of this kind (RFC 8684 fig. 3).
        yield f"tcp option @{MPTCP},16,4 {SUBTYPES[rule.subtype]}"
    if rule.action == "reset":
        yield "meta l4proto tcp"


def load(router: str, rules: str) -> None:
    """Have the calling thread's network namespace, that of ``router``, work by ``rules``.

    :raises NotInstalled: nft(8) is missing.
    :raises Unsupported: the kernel cannot do it; the text has nft's words.
    """
    if shutil.which("nft") is None:
        raise NotInstalled(
            "nft not found in PATH: make setup installs what is missing "
            "(on Debian: apt-get install nftables)"
        )
    done = subprocess.run(
        ["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Unsupported(
            f"{router} declares nat or firewall, which this kernel's nftables refuse:\n"
            f"{done.stderr.strip()}"
        )
