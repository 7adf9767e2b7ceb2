"""The netlink messages that pyroute2 does not have yet, declared the way its own are.

Importing pyroute2 takes a fifth of a second. So this module is imported where a message is first
decoded, and not with the package.
"""

from __future__ import annotations

import struct
from errno import EBADMSG
from typing import Any

from pyroute2.netlink import genlmsg
from pyroute2.netlink.exceptions import NetlinkDecodeError
from pyroute2.netlink.generic.mptcp import mptcp_msg

from mptcpapi.errors import BadAnswer
from mptcpapi.nlmsg import Message, attributes

# pyroute2 has no type hints, so its classes are Any to the type checker: hence the ignores.


class mptcp_pm_msg(mptcp_msg):  # type: ignore[misc]
    """Commands of the path manager (``include/uapi/linux/mptcp_pm.h``)."""

    nla_map = (
        *mptcp_msg.nla_map[:4],
        ("MPTCP_PM_ATTR_TOKEN", "uint32"),
        ("MPTCP_PM_ATTR_LOC_ID", "uint8"),
        ("MPTCP_PM_ATTR_ADDR_REMOTE", "pm_addr"),
    )

    class pm_addr(mptcp_msg.pm_addr):  # type: ignore[misc]
        """An address; pyroute2 takes the index of its interface for bytes."""

        nla_map = (*mptcp_msg.pm_addr.nla_map[:7], ("MPTCP_PM_ADDR_ATTR_IF_IDX", "int32"))


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


class Decoded:
    """A decoded message, or an attribute that holds attributes."""

    def __init__(self, message: Any) -> None:
        self.fixed = message
        """The fields before the attributes, by their names in C."""
        self._slots = {slot.name: slot for slot in message["attrs"]}

    def integer(self, name: str) -> int | None:
        """The number in the attribute; ``None`` if it is not there."""
        value = self._value(name)
        if value is None or isinstance(value, int):
            return value
        raise BadAnswer(EBADMSG, f"{name}: {value!r} is not an integer of the right size")

    def host(self, *names: str) -> str | None:
        """The IP address in the first of these attributes that is there."""
        for name in names:
            value = self._value(name)
            if isinstance(value, str):
                return value
            if value is not None:
                raise BadAnswer(EBADMSG, f"{name}: {value!r} is not an IP address")
        return None

    def nested(self, name: str) -> Decoded | None:
        """The attributes inside the attribute; ``None`` if it is not there."""
        value = self._value(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise BadAnswer(EBADMSG, f"{name}: {value!r} does not hold attributes")
        return Decoded(value)

    def _value(self, name: str) -> Any:
        """As pyroute2 decodes it; the bare bytes if it cannot."""
        slot = self._slots.get(name)
        return None if slot is None else slot.value


def decode(table: type, message: Message, fixed: int) -> Decoded:
    """``message`` by a class of this module; ``fixed``: bytes in front of its attributes.

    The framing is checked first, since pyroute2 reads past the end of what claims too much.
    """
    list(attributes(message.body[fixed:]))
    decoded: Any = table(message.raw)
    try:
        decoded.decode()
    except (NetlinkDecodeError, struct.error) as broken:
        text = f"{table.__name__} of {len(message.raw)} bytes: {broken}"
        raise BadAnswer(EBADMSG, text) from broken
    return Decoded(decoded)
