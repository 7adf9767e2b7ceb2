"""The fields of MPTCP options (RFC 8684; RFC 6824 where it differs): one row for each option."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag, auto

import numpy as np
import numpy.typing as npt

from lab.columns.octets import Bools, Ints
from lab.columns.table import Table


class Subtype(IntEnum):
    """MPTCP option subtypes (RFC 8684, section 7.2): again here, as the layers' import Scapy."""

    MP_CAPABLE = 0
    MP_JOIN = 1
    DSS = 2
    ADD_ADDR = 3
    REMOVE_ADDR = 4
    MP_PRIO = 5
    MP_FAIL = 6
    MP_FASTCLOSE = 7
    MP_TCPRST = 8
    MP_EXPERIMENTAL = 15


class Flag:
    """Bits of the column ``flags``, by subtype."""

    DSS_ACK, DSS_ACK_8, DSS_MAP, DSS_MAP_8, DATA_FIN = 1, 2, 4, 8, 16
    CAPABLE_CHECKSUM, CAPABLE_NO_JOIN, CAPABLE_HMAC_SHA256 = 0x80, 0x20, 0x01
    BACKUP = 1
    ECHO = 1
    TRANSIENT = 1


class Field(IntFlag):
    """Bits of the column ``present``: which of an option's fields it has."""

    version = auto()
    flags = auto()
    sender_key = auto()
    receiver_key = auto()
    data_ack = auto()
    dsn = auto()
    ssn = auto()
    data_level_length = auto()
    checksum = auto()
    address_id = auto()
    token = auto()
    nonce = auto()
    truncated_hmac = auto()
    hmac = auto()
    address = auto()
    port = auto()
    reason = auto()
    removed = auto()
    reserved = auto()


@dataclass(frozen=True, eq=False)
class Options(Table):
    """MPTCP options; a field that an option lacks is 0, and ``has`` tells."""

    packet: Ints
    """The row of its packet."""
    number: Ints
    """The number of its packet in the file."""
    subtype: npt.NDArray[np.uint8]
    length: npt.NDArray[np.uint8]
    """With kind and length octets."""
    present: npt.NDArray[np.uint32]
    """Bits of ``Field``; none if the length fits no form of the subtype."""
    version: npt.NDArray[np.uint8]
    """MP_CAPABLE."""
    flags: npt.NDArray[np.uint8]
    """MP_CAPABLE and DSS: the octet of flags; others: the four bits behind the subtype."""
    sender_key: npt.NDArray[np.uint64]
    receiver_key: npt.NDArray[np.uint64]
    """MP_CAPABLE and MP_FASTCLOSE."""
    data_ack: npt.NDArray[np.uint64]
    """As it stands in the option: 32 bits if the flag DSS_ACK_8 is not set."""
    dsn: npt.NDArray[np.uint64]
    """DSS, as it stands in the option: 32 bits if the flag DSS_MAP_8 is not set; MP_FAIL."""
    ssn: npt.NDArray[np.uint32]
    """Subflow sequence number, relative: 1 is the first octet."""
    data_level_length: npt.NDArray[np.uint16]
    """With DATA_FIN, if it has one; 0 is an infinite mapping."""
    checksum: npt.NDArray[np.uint16]
    address_id: npt.NDArray[np.uint8]
    """MP_JOIN, ADD_ADDR, and MP_PRIO of version 0."""
    token: npt.NDArray[np.uint32]
    nonce: npt.NDArray[np.uint32]
    truncated_hmac: npt.NDArray[np.uint64]
    """64 bits: MP_JOIN of a SYN/ACK, and ADD_ADDR."""
    hmac: npt.NDArray[np.uint8]
    """20 octets: MP_JOIN of the third packet."""
    address: npt.NDArray[np.uint64]
    """ADD_ADDR: two halves, the upper first; IPv4 as IPv4-mapped IPv6."""
    port: npt.NDArray[np.uint16]
    reason: npt.NDArray[np.uint8]
    """MP_TCPRST."""
    removed: npt.NDArray[np.uint8]
    """REMOVE_ADDR: the address ids; ``length`` - 3 of these octets count."""
    reserved: npt.NDArray[np.uint16]
    """The 12 bits behind the subtype where no form gives them a meaning."""

    def has(self, field: Field) -> Bools:
        """Tell which options have a field."""
        present: Bools = self.present & np.uint32(field) != 0
        return present

    def of(self, subtype: Subtype) -> Ints:
        """Return the rows of a subtype."""
        return np.flatnonzero(self.subtype == subtype)
