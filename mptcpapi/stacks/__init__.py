"""Network stacks chosen when the program runs: several in one process, each with its own sockets.

    from mptcpapi import stacks

    with stacks.new("netns", "vde:///tmp/sw") as stack:
        stack.linksetupdown("vde0", True)
        stack.ipaddr_add("10.0.0.1/24", "vde0")
        with stack.msocket() as sock:  # a socket.socket as any other, in that stack
            sock.connect(("10.0.0.2", 5000))

The idea, the names and the rules of plug-ins are those of the Internet of Threads (libioth).
"""

from mptcpapi.stacks.default import current, use
from mptcpapi.stacks.foreign import ForeignStack
from mptcpapi.stacks.kinds import kinds, new
from mptcpapi.stacks.namespace import NamespaceStack
from mptcpapi.stacks.stack import Stack

__all__ = ["ForeignStack", "NamespaceStack", "Stack", "current", "kinds", "new", "use"]
