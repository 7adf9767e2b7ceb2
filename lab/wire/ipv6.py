"""What may stand between an IPv6 header and the TCP header (RFC 8200, section 4)."""

from __future__ import annotations

import socket

EXTENSION_HEADERS = (
    socket.IPPROTO_HOPOPTS,
    socket.IPPROTO_ROUTING,
    socket.IPPROTO_FRAGMENT,
    socket.IPPROTO_AH,
    socket.IPPROTO_DSTOPTS,
)
