"""The types of the keys of middleboxes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from lab import units
from lab.errors import UsageError
from lab.middlebox import choice, options, reset, split
from lab.model import names
from lab.model.fields import kind, quantity, text, wrong

EXAMPLE = "[{strip: {option: 30}}]"

KINDS_OF_OPTIONS = (2, 254)
"""Kinds 0 and 1 end and pad the options (RFC 9293, section 3.1)."""

OCTETS = (2, 39)
"""What an option has behind its kind and length, in the 40 bytes that a header has for them."""

OFFSETS = (1, options.SPACE - 1)

SACK = {"translated": True, "untouched": False}

LONGEST_TEXT = 1000
"""bytes, which fit into any segment"""


def _boxes(value: object) -> object:
    if not isinstance(value, list) or not value:
        raise wrong(f"{kind(value)} where a list of middleboxes belongs: {EXAMPLE}")
    return value


def _number(what: str, span: tuple[int, int]) -> Callable[[str], int]:
    """What reads an integer within ``span``, written in digits."""
    least, most = span

    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,10}", text) or not least <= int(text) <= most:
            raise UsageError(f"{names.shown(text)} is not {what} ({least} to {most})")
        return int(text)

    return read


def _word(what: str, words: Iterable[str]) -> Callable[[str], str]:
    known = tuple(words)

    def read(text: str) -> str:
        if text not in known:
            raise UsageError(f"unknown {what} {names.shown(text)} ({names.hint(text, known)})")
        return text

    return read


def _offset(text: str) -> int | None:
    return None if text == "random" else _number("'random' or an offset", OFFSETS)(text)


def _sack(text: str) -> bool:
    return SACK[_word("treatment of SACK", SACK)(text)]


def _some_text(text: str) -> str:
    if not 1 <= len(text.encode()) <= LONGEST_TEXT:
        raise UsageError(
            f"the text has {len(text.encode())} bytes (1 to {LONGEST_TEXT} are possible)"
        )
    return text


def _integer(span: tuple[int, int]) -> dict[str, Any]:
    return {"type": "integer", "minimum": span[0], "maximum": span[1]}


def _words(what: str, words: Iterable[str], example: str) -> tuple[Any, Any]:
    """How one of ``words`` is read, and what an editor may know of it."""
    return text(_word(what, words), example), WithJsonSchema({"enum": list(words)})


_ORIGIN = _words("kind of segments", choice.SEGMENTS, "syn")
_SUBTYPE = _words("MPTCP subtype", options.SUBTYPES, "MP_JOIN")
_COPIES = _words("choice of pieces", split.OPTIONS, "first")
_TO = _words("addressee", reset.TO, "sender")

Listed = BeforeValidator(_boxes)
Option = Annotated[
    int,
    text(_number("a kind of TCP option", KINDS_OF_OPTIONS), "30"),
    WithJsonSchema(_integer(KINDS_OF_OPTIONS)),
]
Octet = Annotated[
    int,
    text(_number("an octet of an option's value", OCTETS), "4"),
    WithJsonSchema(_integer(OCTETS)),
]
Offset = Annotated[
    int | None,
    text(_offset, "random"),
    WithJsonSchema({"anyOf": [{"const": "random"}, _integer(OFFSETS)]}),
]
Sack = Annotated[bool, text(_sack, "untouched"), WithJsonSchema({"enum": list(SACK)})]
Origin = Annotated[str, *_ORIGIN]
Subtype = Annotated[str, *_SUBTYPE]
Copies = Annotated[str, *_COPIES]
To = Annotated[str, *_TO]
After = Annotated[
    units.Amount, text(units.amount, "20 packets"), quantity("amount", "20 packets", "100 kB")
]
Size = Annotated[int, text(units.size, "500 B"), quantity("size", "500 B")]
Wait = Annotated[float, text(units.duration, "5 ms"), quantity("duration", "5 ms")]
Text = Annotated[
    str,
    text(_some_text, "PORT 5000"),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}),
]
