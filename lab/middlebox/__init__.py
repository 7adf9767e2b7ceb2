"""Middleboxes: what networks do to TCP between its two ends (RFC 8684, sections 3.7 and 6).

A *box* takes a segment and says which segments go on in its place, and which are sent back. Boxes
are pure: no I/O, and of each flow they remember values. There is one file for each kind, and
``kinds.KINDS`` finds it by the name that topology files use. A :class:`~lab.middlebox.line.Line`
is what both directions of a link pass through: frames in, frames out. ``relay`` is the process at
the edge: it reads frames of one interface and writes them to the other.

The process starts without site-packages, so that it is ready soon: only the standard library here.
"""
