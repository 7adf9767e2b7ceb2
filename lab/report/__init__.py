"""A kept run, shown as tables."""

from lab.report.text import add_row, how_to_look
from lab.report.whole import tables

__all__ = ["add_row", "how_to_look", "tables"]
