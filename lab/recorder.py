"""Record every packet of the present network namespace in a pcap file, with libpcap.

A program of its own, started inside a host: ``python recorder.py FILE SNAP_LENGTH``. It prints one
JSON object a line: first ``{"ready": …}``, when no later packet can be missed; ``{"synced": …}``
for each line that it reads, when every packet before that line is in the file, with the number of
packets in it; and at the end of its input ``{"received": …, "dropped": …, "written": …}``: the
kernel's counters (pcap_stats(3PCAP)), and the packets in the file. When it can record no more, it
prints ``{"error": …}`` and ends.

Not tcpdump: it gives up its privileges by setgroups(2), which a user namespace refuses, so that it
records nothing for an ordinary user. The capturing itself is the same library's.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import sys
from typing import Any

DLT_LINUX_SLL2 = 276
"""<pcap/dlt.h>: the cooked header that names the interface and the direction of each packet."""

BUFFER = 16 << 20
"""bytes of the kernel's ring: seconds of a full link while this program waits for a processor."""

ERROR_SIZE = 256
"""PCAP_ERRBUF_SIZE, <pcap/pcap.h>"""


class Statistics(ctypes.Structure):
    """``struct pcap_stat``, <pcap/pcap.h>."""

    _fields_ = (
        ("received", ctypes.c_uint),
        ("dropped", ctypes.c_uint),
        ("interface_dropped", ctypes.c_uint),
    )


def load_libpcap() -> ctypes.CDLL:
    """The library, with the types of the functions that return pointers."""
    library = ctypes.CDLL("libpcap.so.0.8", use_errno=True)
    for name in ("pcap_create", "pcap_dump_open", "pcap_dump_file"):
        getattr(library, name).restype = ctypes.c_void_p
    library.pcap_geterr.restype = ctypes.c_char_p
    return library


class Recorder:
    """One capture of the pseudo-device ``any`` into ``path``."""

    def __init__(self, path: str, snap_length: int) -> None:
        self._pcap = load_libpcap()
        reason = ctypes.create_string_buffer(ERROR_SIZE)
        self._handle = ctypes.c_void_p(self._pcap.pcap_create(b"any", reason))
        if not self._handle:
            raise OSError(reason.value.decode())
        self._pcap.pcap_set_snaplen(self._handle, snap_length)
        self._pcap.pcap_set_buffer_size(self._handle, BUFFER)
        # Each packet is readable when it has crossed, not when a block of packets is full.
        self._pcap.pcap_set_immediate_mode(self._handle, 1)
        self._check(self._pcap.pcap_activate(self._handle) < 0)
        self._pcap.pcap_set_datalink(self._handle, DLT_LINUX_SLL2)
        self._check(self._pcap.pcap_setnonblock(self._handle, 1, reason) < 0)
        self._path = path
        self._file = ctypes.c_void_p(self._pcap.pcap_dump_open(self._handle, os.fsencode(path)))
        self._check(not self._file)
        self._stream = ctypes.c_void_p(self._pcap.pcap_dump_file(self._file))
        self.written = 0
        """packets in the file"""
        self._flush()

    def _check(self, failed: bool) -> None:
        if failed:
            raise OSError(self._pcap.pcap_geterr(self._handle).decode())

    def fileno(self) -> int:
        """What becomes readable when there are packets."""
        descriptor: int = self._pcap.pcap_get_selectable_fd(self._handle)
        return descriptor

    def drain(self) -> None:
        """Write all the packets that have crossed until now."""
        # The tap puts a packet into the ring before the packet goes on, so an empty ring means all.
        while (count := self._pcap.pcap_dispatch(
            self._handle, -1, self._pcap.pcap_dump, self._file
        )) > 0:  # fmt: skip
            self.written += count
        self._check(count < 0)
        self._flush()

    def _flush(self) -> None:
        failed = self._pcap.pcap_dump_flush(self._file) < 0
        # pcap_dump() tells nobody what it could not write; the stream remembers that it failed.
        if failed or ctypes.CDLL(None).ferror(self._stream):
            reason = os.strerror(ctypes.get_errno()) if failed else "a write failed"
            raise OSError(f"cannot write {self._path}: {reason}")

    def counters(self) -> dict[str, int]:
        """How many packets the kernel had, how many of them were lost, and how many are kept.

        They do not add up: a packet on ``lo`` crosses twice, and is kept once.
        """
        statistics = Statistics()
        self._check(self._pcap.pcap_stats(self._handle, ctypes.byref(statistics)) < 0)
        return {
            "received": statistics.received,
            "dropped": statistics.dropped + statistics.interface_dropped,
            "written": self.written,
        }


def say(**values: Any) -> None:
    """Print one line for the lab."""
    print(json.dumps(values), flush=True)  # noqa: T201


def record(path: str, snap_length: int) -> None:
    """Record until the input ends."""
    recorder = Recorder(path, snap_length)
    say(ready=True)
    requests = sys.stdin.fileno()
    while True:
        readable, _, _ = select.select([recorder, requests], [], [])
        # Read the request before draining: what crossed before it was made is then in the file.
        asked = os.read(requests, 1024) if requests in readable else None
        recorder.drain()
        if asked == b"":
            break
        for _ in range((asked or b"").count(b"\n")):
            say(synced=recorder.written)
    say(**recorder.counters())


def main() -> int:
    """Record, or say why not."""
    try:
        record(sys.argv[1], int(sys.argv[2]))
    except OSError as problem:
        say(error=str(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
