"""Addresses and MPTCP options in words."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

from lab.columns.mptcp import Field, Flag, Options, Subtype

REASONS = {
    0: "unspecified",
    1: "MPTCP-specific",
    2: "lack of resources",
    3: "administratively prohibited",
    4: "too much outstanding data",
    5: "unacceptable performance",
    6: "middlebox interference",
}
"""Why a subflow is reset (RFC 8684, section 3.6)."""

Row = dict[str, Any]
"""The values of the fields that an option has, with subtype and length."""


def address(halves: Any, family: int) -> str:
    """Return an address as people write it; ``halves`` as in ``Packets``."""
    number = int(halves[0]) << 64 | int(halves[1])
    if family == 4:
        return str(ipaddress.IPv4Address(number & 0xFFFFFFFF))
    return str(ipaddress.IPv6Address(number))


def endpoint(halves: Any, family: int, port: int) -> str:
    """Return an address and a port as in a URL."""
    host = address(halves, family)
    return f"{host}:{port}" if family == 4 else f"[{host}]:{port}"


def rows(options: Options) -> Iterator[Row]:
    """Yield each option with the fields that it has."""
    columns = {name: column.tolist() for name, column in options.columns()}
    bits = {field: str(field.name) for field in Field}
    for at, present in enumerate(columns["present"]):
        row = {name: columns[name][at] for field, name in bits.items() if present & field}
        yield {"subtype": columns["subtype"][at], "length": columns["length"][at], **row}


def describe(row: Row) -> str:
    """Say what an option of ``rows`` means."""
    subtype = row["subtype"]
    if subtype not in DESCRIBE:
        return f"MPTCP subtype {subtype}, {row['length']} octets"
    name = Subtype(subtype).name
    if len(row) == 2:
        return f"{name}: {row['length']} octets fit no form of it"
    return f"{name}: {DESCRIBE[subtype](row)}"


def _capable(row: Row) -> str:
    parts = [f"version {row['version']}"]
    if "receiver_key" in row:
        parts.append(f"keys {row['sender_key']:#018x} and {row['receiver_key']:#018x}")
    elif "sender_key" in row:
        parts.append(f"key {row['sender_key']:#018x}")
    else:
        parts.append("no key yet")
    if "data_level_length" in row:
        parts.append(f"maps the first {row['data_level_length']} octets of data")
    if row["flags"] & Flag.CAPABLE_CHECKSUM:
        parts.append("checksums required")
    if row["version"] and row["flags"] & Flag.CAPABLE_NO_JOIN:
        parts.append("no joins to this address and port")
    return ", ".join(parts)


def _join(row: Row) -> str:
    if "hmac" in row:
        return f"HMAC {bytes(row['hmac']).hex()}"
    parts = [f"address id {row['address_id']}"]
    if "token" in row:
        parts.append(f"to the connection with token {row['token']:#010x}")
    else:
        parts.append(f"HMAC {row['truncated_hmac']:#018x}")
    parts.append(f"nonce {row['nonce']:#010x}")
    return ", ".join([*parts, *_backup(row)])


def _signal(row: Row) -> str:
    parts = []
    if "data_ack" in row:
        parts.append(f"has received all before {row['data_ack']}")
    fin = bool(row["flags"] & Flag.DATA_FIN)
    if "dsn" in row:
        parts.append(_mapping(row, fin))
    if fin:
        parts.append("DATA_FIN: no data after this")
    return ", ".join(parts) or "nothing"


def _mapping(row: Row, fin: bool) -> str:
    length = row["data_level_length"]
    if not length:
        return f"all data from {row['dsn']} on, without end: falls back to TCP"
    checksum = f", checksum {row['checksum']:#06x}" if "checksum" in row else ""
    octets = length - fin
    if not octets:
        return f"no data{checksum}"
    return (
        f"data from {row['dsn']}, {octets} octets, at octet {row['ssn']} of the subflow{checksum}"
    )


def _add_address(row: Row) -> str:
    family = 4 if row["length"] in (8, 10, 16, 18) else 6
    where = address(row["address"], family)
    if "port" in row:
        where = endpoint(row["address"], family, row["port"])
    echo = "truncated_hmac" not in row and row["flags"] & Flag.ECHO
    text = f"{where} has address id {row['address_id']}"
    if echo:
        return f"{text} (echo: it was received)"
    if "truncated_hmac" in row:
        return f"{text}, HMAC {row['truncated_hmac']:#018x}"
    return text


def _remove_address(row: Row) -> str:
    ids = row["removed"][: row["length"] - 3]
    return f"address {'id' if len(ids) == 1 else 'ids'} {', '.join(map(str, ids))} no longer there"


def _backup(row: Row) -> list[str]:
    return ["backup"] if row["flags"] & Flag.BACKUP else []


def _priority(row: Row) -> str:
    which = (
        f"the subflow with address id {row['address_id']}"
        if "address_id" in row
        else ("this subflow")
    )
    use = "only if no other is left" if row["flags"] & Flag.BACKUP else "as any other"
    return f"use {which} {use}"


def _reset(row: Row) -> str:
    reason = REASONS.get(row["reason"], f"reason {row['reason']}")
    return f"{reason}{', transient' if row['flags'] & Flag.TRANSIENT else ''}"


DESCRIBE: dict[int, Callable[[Row], str]] = {
    Subtype.MP_CAPABLE: _capable,
    Subtype.MP_JOIN: _join,
    Subtype.DSS: _signal,
    Subtype.ADD_ADDR: _add_address,
    Subtype.REMOVE_ADDR: _remove_address,
    Subtype.MP_PRIO: _priority,
    Subtype.MP_FAIL: lambda row: f"a checksum was wrong; all before {row['dsn']} is good",
    Subtype.MP_FASTCLOSE: lambda row: (
        f"abort the connection of the receiver's key {row['receiver_key']:#018x}"
    ),
    Subtype.MP_TCPRST: _reset,
}
