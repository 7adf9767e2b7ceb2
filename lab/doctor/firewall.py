"""The firewall of a host, read by ``nft``, and what it does to the packets that open a subflow."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lab.doctor.finding import Finding
from lab.doctor.packet import Packet
from lab.doctor.rules import Harm, Json, Ruleset

_LEGACY = {
    "ip_tables_names": "iptables-legacy-save",
    "ip6_tables_names": "ip6tables-legacy-save",
}
"""Where the kernel lists tables of iptables-legacy, and what shows these; nft does not."""


class Unread(Exception):
    """The firewall could not be read; the text says why."""


def read() -> Ruleset:
    """The ruleset of the network namespace of the calling thread.

    :raises Unread: there is no ``nft``, or it may not.
    """
    nft = shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin:/bin") or shutil.which("nft")
    if nft is None:
        raise Unread("nft is not installed (on Debian: apt-get install nftables)")
    done = subprocess.run(
        [nft, "-j", "list", "ruleset"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it failed"])[0]
        raise Unread(f"nft says: {reason}; run this as root")
    return Ruleset(json.loads(done.stdout))


def unreadable(host: str) -> Iterator[Finding]:
    """What is not known of the firewall of the calling thread's network namespace."""
    try:
        read()
    except Unread as problem:
        what = f"the firewall cannot be read: {problem}"
        yield Finding("firewall", host, what, stops=False)
    yield from of_legacy(host)


def of_legacy(host: str) -> Iterator[Finding]:
    """The tables of iptables-legacy in the network namespace of the calling thread."""
    for file, command in _LEGACY.items():
        tables = ", ".join(_legacy(file))
        if tables:
            what = f"rules of iptables-legacy are not read, and there are tables of it: {tables}"
            advice = "look whether one of them drops packets or strips TCP options"
            yield Finding("firewall", host, what, advice, ((command,),), stops=False)


def _legacy(file: str) -> list[str]:
    try:
        return Path("/proc/thread-self/net", file).read_text(encoding="ascii").split()
    except OSError:
        return []  # no such tables, or not for this user's eyes: then nft says so, too


def judge(host: str, packet: Packet) -> Iterator[Finding]:
    """What the firewall of the calling thread's network namespace does to a packet."""
    try:
        ruleset = read()
    except Unread:
        return
    for harm in ruleset.harms(packet):
        yield _finding(host, packet, harm)
        if harm.certain and harm.does == "drops":
            return


def _finding(host: str, packet: Packet, harm: Harm) -> Finding:
    place = (harm.chain["family"], harm.chain["table"], harm.chain["name"])
    may = "" if harm.certain else "it may be that "
    if harm.rule is None:
        what = f"{may}the policy of the chain {' '.join(place)} drops {packet}"
        ends = [("saddr", packet.source), ("daddr", packet.destination)]
        family = "ip" if packet.source.version == 4 else "ip6"
        match = [word for end, value in ends for word in (family, end, str(value))]
        return Finding(
            "firewall", host, what, "let it pass",
            (("nft", "insert", "rule", *place, *match, "accept"),), stops=harm.certain,
        )  # fmt: skip
    number = str(harm.rule["handle"])
    what = f"{may}rule {number} of the chain {' '.join(place)} {harm.does} {packet}"
    command = ("nft", "delete", "rule", *place, "handle", number)
    return Finding("firewall", host, what, "take the rule away", (command,), stops=harm.certain)


__all__ = ["Json", "Unread", "judge", "of_legacy", "read", "unreadable"]
