"""Captures of millions of packets as columns: one NumPy array for each field.

``read(path)`` and, for files larger than memory, ``chunks(path)`` decode the same fields as
``lab.trace`` and Scapy's MPTCP layer do, for all packets at once.
"""

from lab.columns.capture import Capture, chunks, read
from lab.columns.mptcp import Options
from lab.columns.packets import Packets

__all__ = ["Capture", "Options", "Packets", "chunks", "read"]
