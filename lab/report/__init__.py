"""A kept run, shown as tables."""

from lab.report.records import Row, row_of
from lab.report.text import add_row, how_to_look
from lab.report.whole import tables

__all__ = ["Row", "add_row", "how_to_look", "row_of", "tables"]
