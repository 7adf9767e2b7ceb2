"""The netlink messages that pyroute2 does not have yet, declared the way its own are.

Importing pyroute2 takes a fifth of a second. So this module is imported where a message is first
encoded or decoded, and not with the package.
"""

from __future__ import annotations

import struct
from errno import EBADMSG
from typing import Any

from pyroute2.netlink import genlmsg, nla
from pyroute2.netlink.diag import inet_diag_msg, inet_diag_req
from pyroute2.netlink.exceptions import NetlinkDecodeError
from pyroute2.netlink.generic.mptcp import mptcp_msg

from mptcpapi import abi
from mptcpapi.errors import BadAnswer
from mptcpapi.nlmsg import attributes

__all__ = ["decode", "encode", "host", "inet_diag_req", "integer", "nested"]

# pyroute2 has no type hints, so its classes are Any to the type checker: hence the ignores.


class mptcp_pm_msg(mptcp_msg):  # type: ignore[misc]
    """Commands of the path manager (``include/uapi/linux/mptcp_pm.h``)."""

    nla_map = (
        *mptcp_msg.nla_map[:4],
        ("MPTCP_PM_ATTR_TOKEN", "uint32"),
        ("MPTCP_PM_ATTR_LOC_ID", "uint8"),
        ("MPTCP_PM_ATTR_ADDR_REMOTE", "pm_addr"),
    )


class mptcp_event_msg(genlmsg):  # type: ignore[misc]
    """Events of the path manager (``enum mptcp_event_attr``)."""

    nla_map = (
        ("MPTCP_ATTR_UNSPEC", "none"),
        ("MPTCP_ATTR_TOKEN", "uint32"),
        ("MPTCP_ATTR_FAMILY", "uint16"),
        ("MPTCP_ATTR_LOC_ID", "uint8"),
        ("MPTCP_ATTR_REM_ID", "uint8"),
        ("MPTCP_ATTR_SADDR4", "ipaddr"),
        ("MPTCP_ATTR_SADDR6", "ipaddr"),
        ("MPTCP_ATTR_DADDR4", "ipaddr"),
        ("MPTCP_ATTR_DADDR6", "ipaddr"),
        ("MPTCP_ATTR_SPORT", "be16"),
        ("MPTCP_ATTR_DPORT", "be16"),
        ("MPTCP_ATTR_BACKUP", "uint8"),
        ("MPTCP_ATTR_ERROR", "uint8"),
        ("MPTCP_ATTR_FLAGS", "uint16"),
        ("MPTCP_ATTR_TIMEOUT", "uint32"),
        ("MPTCP_ATTR_IF_IDX", "int32"),
        ("MPTCP_ATTR_RESET_REASON", "uint32"),
        ("MPTCP_ATTR_RESET_FLAGS", "uint32"),
        ("MPTCP_ATTR_SERVER_SIDE", "uint8"),
    )


class subflow_diag_msg(inet_diag_msg):  # type: ignore[misc]
    """A TCP socket with its MPTCP part (``include/uapi/linux/inet_diag.h``)."""

    nla_map = ((abi.INET_DIAG_ULP_INFO, "INET_DIAG_ULP_INFO", "ulp_info"),)

    class ulp_info(nla):  # type: ignore[misc]
        """``INET_ULP_INFO_*``"""

        nla_map = (
            ("INET_ULP_INFO_UNSPEC", "none"),
            ("INET_ULP_INFO_NAME", "asciiz"),
            ("INET_ULP_INFO_TLS", "hex"),
            ("INET_ULP_INFO_MPTCP", "mptcp_subflow"),
        )

        class mptcp_subflow(nla):  # type: ignore[misc]
            """``MPTCP_SUBFLOW_ATTR_*`` of ``include/uapi/linux/mptcp.h``"""

            nla_map = (
                ("MPTCP_SUBFLOW_ATTR_UNSPEC", "none"),
                ("MPTCP_SUBFLOW_ATTR_TOKEN_REM", "uint32"),
                ("MPTCP_SUBFLOW_ATTR_TOKEN_LOC", "uint32"),
                ("MPTCP_SUBFLOW_ATTR_RELWRITE_SEQ", "uint32"),
                ("MPTCP_SUBFLOW_ATTR_MAP_SEQ", "uint64"),
                ("MPTCP_SUBFLOW_ATTR_MAP_SFSEQ", "uint32"),
                ("MPTCP_SUBFLOW_ATTR_SSN_OFFSET", "uint32"),
                ("MPTCP_SUBFLOW_ATTR_MAP_DATALEN", "uint16"),
                ("MPTCP_SUBFLOW_ATTR_FLAGS", "uint32"),
                ("MPTCP_SUBFLOW_ATTR_ID_REM", "uint8"),
                ("MPTCP_SUBFLOW_ATTR_ID_LOC", "uint8"),
            )


def encode(message: Any) -> bytes:
    """What follows the netlink header in a message filled in by the caller."""
    message.encode()
    return bytes(message.data[abi.NLMSGHDR.size :])


def decode(table: type, raw: bytes, fixed: int) -> Any:
    """``raw``, a whole netlink message, by a class of this module.

    ``fixed``: bytes between the netlink header and the attributes. The framing is checked first,
    since pyroute2 reads past the end of an attribute that claims too much.
    """
    list(attributes(raw[abi.NLMSGHDR.size + fixed :]))
    message: Any = table(raw)
    try:
        message.decode()
    except (NetlinkDecodeError, struct.error) as broken:
        raise BadAnswer(EBADMSG, f"{table.__name__} of {len(raw)} bytes: {broken}") from broken
    return message


def integer(message: Any, name: str) -> int | None:
    """The attribute's number; ``None`` if the message does not have it."""
    value = message.get_attr(name)
    if value is None or isinstance(value, int):
        return value
    raise BadAnswer(EBADMSG, f"{name}: {value!r} is not an integer of the right size")


def host(message: Any, *names: str) -> str | None:
    """The IP address in the first of these attributes that is there."""
    for name in names:
        value = message.get_attr(name)
        if isinstance(value, str):
            return value
        if value is not None:
            raise BadAnswer(EBADMSG, f"{name}: {value!r} is not an IP address")
    return None


def nested(message: Any, *names: str) -> Any:
    """The attributes inside attributes; ``None`` if one of them is missing."""
    for name in names:
        message = message.get_attr(name)
        if message is None:
            return None
        if not hasattr(message, "get_attr"):
            raise BadAnswer(EBADMSG, f"{name} cannot be decoded")
    return message
