"""What tshark says of the TCP packets and MPTCP options of a capture, and the same by columns."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.columns.capture import Capture
from lab.columns.mptcp import Field, Options, Subtype

needs_tshark = pytest.mark.skipif(
    shutil.which("tshark") is None,
    reason="tshark is not installed, which these columns are compared with: apt install tshark",
)

Row = dict[str, str]
"""The fields of one packet, those with a value."""

TCP = [
    *("frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport"),
    *("tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.window_size_value"),
    "tcp.len",
]

DSS, CAPABLE = Subtype.DSS, Subtype.MP_CAPABLE
_BACKUP = (Subtype.MP_JOIN, Subtype.MP_PRIO)
_HALF = (*_BACKUP, Subtype.MP_TCPRST)


def _has(field: Field, *subtypes: Subtype) -> Callable[[Options], Any]:
    """Options that have a field, of these subtypes or of any."""

    def condition(options: Options) -> Any:
        of = np.isin(options.subtype, subtypes) if subtypes else True
        return options.has(field) & of

    return condition


def _hex(digits: int) -> Callable[[int], str]:
    return lambda value: f"{value:#0{digits + 2}x}"


def _version_of_ip(options: Options) -> Any:
    of = (options.subtype == Subtype.ADD_ADDR) & options.has(Field.flags)
    return of & np.isin(options.flags, (4, 6))


def _echo(options: Options) -> Any:
    of = (options.subtype == Subtype.ADD_ADDR) & options.has(Field.flags)
    return of & ~np.isin(options.flags, (4, 6))


def _address(family: int) -> Callable[[Options], Any]:
    long = (20, 22, 28, 30)
    return lambda o: o.has(Field.address) & (np.isin(o.length, long) == (family == 6))


def _octet(options: Options) -> Any:
    return np.where(
        np.isin(options.subtype, _HALF), options.subtype << 4 | options.flags, options.flags
    )


def _bit(number: int) -> Callable[[Options], Any]:
    return lambda options: options.flags >> number & 1


def _reserved(options: Options) -> Any:
    """In version 0, the flag C is one of them."""
    return options.flags >> 1 & np.where(options.version == 0, 0x1F, 0x0F)


def _version(number: int) -> Callable[[Options], Any]:
    return lambda o: _has(Field.flags, CAPABLE)(o) & (o.version == number)


def _column(name: str) -> Callable[[Options], Any]:
    return lambda options: getattr(options, name)


Spec = tuple[Callable[[Options], Any], Callable[[Options], Any], Callable[[Any], str]]

MPTCP: dict[str, Spec] = {
    "subtype": (lambda o: o.subtype >= 0, _column("subtype"), str),
    "version": (_has(Field.version), _column("version"), str),
    "reserved": (_has(Field.reserved), _column("reserved"), _hex(4)),
    "flags": (_has(Field.flags, CAPABLE, DSS, *_HALF), _octet, _hex(2)),
    "backup.flag": (_has(Field.flags, *_BACKUP), _bit(0), str),
    "checksumreq.flags": (_has(Field.flags, CAPABLE), _bit(7), str),
    "extensibility.flag": (_has(Field.flags, CAPABLE), _bit(6), str),
    "nomoresubflows.flag": (_version(1), _bit(5), str),
    "reserved.flag": (_has(Field.flags, CAPABLE), _reserved, _hex(2)),
    "sha1.flag": (_version(0), _bit(0), str),
    "sha256.flag": (_version(1), _bit(0), str),
    "datafin.flag": (_has(Field.flags, DSS), _bit(4), str),
    "dseqn8.flag": (_has(Field.flags, DSS), _bit(3), str),
    "dseqnpresent.flag": (_has(Field.flags, DSS), _bit(2), str),
    "dataack8.flag": (_has(Field.flags, DSS), _bit(1), str),
    "dataackpresent.flag": (_has(Field.flags, DSS), _bit(0), str),
    "flag_U.flag": (_has(Field.flags, Subtype.MP_TCPRST), _bit(3), str),
    "flag_V.flag": (_has(Field.flags, Subtype.MP_TCPRST), _bit(2), str),
    "flag_W.flag": (_has(Field.flags, Subtype.MP_TCPRST), _bit(1), str),
    "flag_T.flag": (_has(Field.flags, Subtype.MP_TCPRST), _bit(0), str),
    "rst_reason": (_has(Field.reason), _column("reason"), _hex(2)),
    "sendkey": (_has(Field.sender_key), _column("sender_key"), str),
    "recvkey": (_has(Field.receiver_key), _column("receiver_key"), str),
    "recvtok": (_has(Field.token), _column("token"), str),
    "sendrand": (_has(Field.nonce), _column("nonce"), str),
    "sendtrunchmac": (
        _has(Field.truncated_hmac, Subtype.MP_JOIN), _column("truncated_hmac"), str
    ),
    "addaddrtrunchmac": (
        _has(Field.truncated_hmac, Subtype.ADD_ADDR), _column("truncated_hmac"), str
    ),
    "sendhmac": (_has(Field.hmac), _column("hmac"), lambda octets: octets.tobytes().hex()),
    "rawdataack": (_has(Field.data_ack), _column("data_ack"), str),
    "rawdataseqno": (_has(Field.dsn), _column("dsn"), str),
    "subflowseqno": (_has(Field.ssn), _column("ssn"), str),
    "datalvllen": (_has(Field.data_level_length), _column("data_level_length"), str),
    # tshark 4.0 asks for four octets behind a mapping where a checksum has two: it never shows it.
    "checksum": (_has(Field.checksum, CAPABLE), _column("checksum"), _hex(4)),
    "ipver": (_version_of_ip, _column("flags"), str),
    "echo": (_echo, _bit(0), str),
    "ipv4": (_address(4), _column("address"), lambda halves: text(halves, 4)),
    "ipv6": (_address(6), _column("address"), lambda halves: text(halves, 6)),
    "port": (_has(Field.port), _column("port"), str),
}  # fmt: skip
"""Which options have a field of tshark's tcp.options.mptcp, its values, and how it writes them."""

NAMES = [*TCP, *(f"tcp.options.mptcp.{name}" for name in MPTCP), "tcp.options.mptcp.addrid"]


def text(halves: Any, family: int) -> str:
    value = int(halves[0]) << 64 | int(halves[1])
    return str(ipaddress.ip_address(value & 0xFFFFFFFF if family == 4 else value))


def command(path: Path, *options: str) -> list[str]:
    """How tshark is asked for all fields of the TCP packets, one line each."""
    names = [word for name in ("frame.number", *NAMES) for word in ("-e", name)]
    return ["tshark", "-n", *options, "-r", str(path), "-T", "fields", "-E", "occurrence=a",
            "-Y", "tcp && !icmp && !icmpv6", *names]  # fmt: skip


def by_tshark(path: Path) -> dict[int, Row]:
    """The fields of each TCP packet, by its number."""
    done = subprocess.run(command(path), capture_output=True, text=True, check=True)
    return dict(rows(done.stdout))


def rows(output: str) -> Iterator[tuple[int, Row]]:
    for line in output.splitlines():
        number, *values = line.split("\t")
        yield int(number), {name: value for name, value in zip(NAMES, values, strict=True) if value}


def by_columns(capture: Capture) -> dict[int, Row]:
    """The same fields, written as tshark writes them."""
    found = dict(_tcp(capture))
    for name, number, value in _mptcp(capture.options):
        row = found[number]
        row[name] = f"{row[name]},{value}" if name in row else value
    return found


def _tcp(capture: Capture) -> Iterator[tuple[int, Row]]:
    p = capture.packets
    for at, number in enumerate(p.number.tolist()):
        family = int(p.family[at])
        ip = "ip" if family == 4 else "ipv6"
        seconds, fraction = divmod(int(p.time[at]), 10**9)
        yield (
            number,
            {
                "frame.time_epoch": f"{seconds}.{fraction:09}",
                f"{ip}.src": text(p.source[at], family),
                f"{ip}.dst": text(p.destination[at], family),
                "tcp.srcport": str(p.source_port[at]),
                "tcp.dstport": str(p.destination_port[at]),
                "tcp.seq_raw": str(p.seq[at]),
                "tcp.ack_raw": str(p.ack[at]),
                "tcp.flags": f"0x{p.flags[at]:04x}",
                "tcp.window_size_value": str(p.window[at]),
                "tcp.len": str(p.payload[at]),
            },
        )


def _mptcp(options: Options) -> Iterator[tuple[str, int, str]]:
    for name, (condition, values, write) in MPTCP.items():
        chosen = np.flatnonzero(condition(options))
        for number, value in zip(
            options.number[chosen].tolist(), values(options)[chosen], strict=True
        ):
            yield f"tcp.options.mptcp.{name}", number, write(value)
    for at in np.flatnonzero(options.has(Field.address_id) | options.has(Field.removed)):
        one = options.subtype[at] != Subtype.REMOVE_ADDR
        ids = [options.address_id[at]] if one else options.removed[at][: options.length[at] - 3]
        for each in ids:
            yield "tcp.options.mptcp.addrid", int(options.number[at]), str(each)
