"""Multipath TCP options for Scapy: TCP option kind 30, RFC 8684 (version 1) and RFC 6824 (0).

Importing this package is enough: afterwards ``pkt[TCP].options`` shows ``("MPTCP", <MpPrio ...>)``
instead of ``(30, b"...")``, and such pairs can be built. A layer is the option's value, without
kind and length, as Scapy's own TCPAOValue: the length octet is computed when TCP is built, and when
TCP is dissected it tells the form of the option (``FORMS``). What fits no form is an
``MptcpOption`` with its octets, and what is no whole option stays bytes; nothing raises.

The package needs Scapy and nothing else: it works wherever its directory is copied to.
"""

from .addresses import AddAddr, AddAddr4, AddAddr4V0, AddAddr6, AddAddr6V0, RemoveAddr
from .capable import MpCapable, MpCapableAck, MpCapableData, MpCapableSyn, MpCapableSynAck
from .dss import Dss
from .join import MpJoin, MpJoinAck, MpJoinSyn, MpJoinSynAck
from .option import FORMS, KIND, SUBTYPES, Form, MptcpOption, Subtype, label, layer_for
from .signals import MpExperimental, MpFail, MpFastclose, MpPrio, MpTcpRst, ResetReason
from .tcp_options import register, split, value_of

__all__ = [
    "FORMS",
    "KIND",
    "SUBTYPES",
    "AddAddr",
    "AddAddr4",
    "AddAddr4V0",
    "AddAddr6",
    "AddAddr6V0",
    "Dss",
    "Form",
    "MpCapable",
    "MpCapableAck",
    "MpCapableData",
    "MpCapableSyn",
    "MpCapableSynAck",
    "MpExperimental",
    "MpFail",
    "MpFastclose",
    "MpJoin",
    "MpJoinAck",
    "MpJoinSyn",
    "MpJoinSynAck",
    "MpPrio",
    "MpTcpRst",
    "MptcpOption",
    "RemoveAddr",
    "ResetReason",
    "Subtype",
    "label",
    "layer_for",
    "values",
]


def values(options: bytes) -> list[bytes]:
    """Return the values of the MPTCP options in a TCP header, without kind and length.

    Malformed ones are not among them: no host would see them either.
    """
    return [value for piece in split(options) if piece[0] == KIND and (value := value_of(piece))]


register(KIND, "MPTCP", MptcpOption)
