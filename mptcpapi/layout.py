"""The layout of a C struct that has grown at its end from kernel to kernel."""

from __future__ import annotations

from struct import Struct, calcsize, unpack_from
from typing import NamedTuple


class _Field(NamedTuple):
    name: str
    offset: int
    format: str
    """Of the ``struct`` module, in the machine's byte order."""


class Layout:
    """The fields of a struct in the order of its header, aligned as C does it.

    ``rows``: each a format of the ``struct`` module and the names of the fields that have it.
    """

    def __init__(self, *rows: str) -> None:
        fields: list[_Field] = []
        formats = "@"
        for kind, *names in map(str.split, rows):
            for name in names:
                formats += kind
                fields.append(_Field(name, calcsize(formats) - calcsize(f"={kind}"), f"={kind}"))
        self._fields = tuple(fields)
        self.size = Struct(formats).size
        """Bytes, all of these fields included."""

    def unpack(self, data: bytes) -> dict[str, int]:
        """The fields by name, without those that ``data`` is too short for."""
        return {
            field.name: unpack_from(field.format, data, field.offset)[0]
            for field in self._fields
            if field.offset + calcsize(field.format) <= len(data)
        }
