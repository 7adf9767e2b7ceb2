"""A scripted peer: an MPTCP endpoint made of packets, in the place of a host's kernel.

It does exactly what a test says, right or wrong, while the kernel at the other host is the real
one: ``Peer(host, run)`` is the place, `Subflow` a TCP connection, `Connection` what its subflows
have in common. Options are Scapy layers (``lab.wire.mptcp``); what is wrong is a wrong option.
"""

from lab.peer.connection import Connection
from lab.peer.handshake import ask_to_join, join_ack
from lab.peer.meanwhile import meanwhile
from lab.peer.peer import Peer
from lab.peer.subflow import Subflow, option_of

__all__ = ["Connection", "Peer", "Subflow", "ask_to_join", "join_ack", "meanwhile", "option_of"]
