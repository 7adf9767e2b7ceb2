"""From the bytes of a file to text that is fit for YAML. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lab.errors import Mistake, MistakenFile

LARGEST: Final = 2_000_000
"""bytes of a topology file; a thousand links take a tenth of it."""

_BYTE_ORDER_MARK = "\ufeff"

_LINE_END = re.compile("\r\n|[\r\n]")
"""The line ends that editors and YAML agree on."""

INVISIBLE = re.compile(
    "[^\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML forbids in a line, its further line ends, and byte order marks, which have no width."""

_TAB = re.compile("[^#\t]*\t")
"""A tab before any comment."""

_LONGEST_SOURCE = 200
"""characters of a line that is shown with its mistakes."""


@dataclass(frozen=True, slots=True)
class Source:
    """The lines of a file, which mistakes point into."""

    file: str
    """The name that messages give it."""
    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str, file: str) -> Source:
        """The lines of ``text``."""
        return cls(file, tuple(_LINE_END.split(text)))

    def mistake(self, line: int, column: int, message: str) -> Mistake:
        """A mistake at a line and a column, which count from 0."""
        source = self.lines[line] if line < len(self.lines) else ""
        if len(source) > _LONGEST_SOURCE:
            source = ""
        printable = INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", source).replace("\t", " ")
        return Mistake(self.file, line + 1, column + 1, message, printable)


def decode(content: str | bytes, file: str) -> str:
    """The text of a file, without a byte order mark.

    :raises MistakenFile: it is too large, not UTF-8, or has characters that YAML forbids.
    """
    if len(content) > LARGEST:
        message = f"the file is larger than {LARGEST:,} bytes, which is the limit"
        raise MistakenFile([Mistake(file, 1, 1, message)])
    text = _utf8(content, file) if isinstance(content, bytes) else content
    text = text.removeprefix(_BYTE_ORDER_MARK)
    mistakes = [*_unfit(Source.of(text, file))]
    if mistakes:
        raise MistakenFile(mistakes)
    return text


def _utf8(content: bytes, file: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = Source.of(content[: error.start].decode(), file).lines
        source = Source.of(content.decode(errors="replace"), file)
        message = f"the file is not UTF-8: byte 0x{content[error.start]:02x} does not belong here"
        raise MistakenFile([source.mistake(len(before) - 1, len(before[-1]), message)]) from error


def _unfit(source: Source) -> Iterator[Mistake]:
    """The first unfit character of each line."""
    for number, line in enumerate(source.lines):
        if found := INVISIBLE.search(line):
            message = f"character U+{ord(found[0]):04X} is not allowed here"
            yield source.mistake(number, found.start(), message)
        elif found := _TAB.match(line):
            yield source.mistake(number, found.end() - 1, "a tab is not allowed here; use spaces")
