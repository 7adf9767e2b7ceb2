"""From YAML text to dict, list and str that remember their places. Pure.

Only YAML's events are read, never a tag's meaning: no object is made but those three, and None
where nothing is written. A text stays as it is written, so that ``no`` or ``10:20`` mean what they
say. Aliases are refused, because a few of them can stand for millions of values.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import yaml

from lab.errors import Mistake
from lab.load.text import INVISIBLE, Source
from lab.model import KeyPath
from lab.model.names import shown

DEEPEST: Final = 20
"""levels of nesting; the format has seven."""

_KEY: Final = -1
"""The place of a key in the path to it, which no value has."""

Value = dict[str, "Value"] | list["Value"] | str | None

_START = yaml.Mark("", 0, 0, 0, None, 0)


class Place(NamedTuple):
    """Where a value stands; line and column count from 0."""

    key: tuple[int, int]
    """Line and column of its key; in a list, of the value itself."""
    value: tuple[int, int]
    """Line and column of the value."""
    source: Source
    """What it stands in."""


class Tree(NamedTuple):
    """What a file holds."""

    data: Value
    places: dict[KeyPath, Place]
    mistakes: list[Mistake]
    complete: bool
    """False if a part could not be read, without which others would seem to be wrong."""


def read(text: str, source: Source) -> Tree:
    """What the YAML in ``text`` holds; ``source`` has the same text."""
    reader = _Reader(text, source)
    try:
        data = reader.document()
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # PyYAML lets the last two escape: for "\UFFFFFFFF", and for a long number after %YAML.
        reader.refuse_rest(error)
        data = None
    return Tree(data, reader.places, reader.mistakes, reader.complete)


class _Reader:
    def __init__(self, text: str, source: Source) -> None:
        self._events: Any = yaml.SafeLoader(text)  # whose stubs leave these calls untyped
        self._source = source
        self.places: dict[KeyPath, Place] = {}
        self.mistakes: list[Mistake] = []
        self.complete = True

    def document(self) -> Value:
        """The only document."""
        data: Value = None
        self._events.get_event()
        if self._events.check_event(yaml.DocumentStartEvent):
            self._events.get_event()
            data = self._value(())
            self._events.get_event()
            if not self._events.check_event(yaml.StreamEndEvent):
                mark = self._events.peek_event().start_mark
                self._refuse(mark, "a second document begins; a file holds one")
        if data is None and self.complete:
            self._give_up(_START, "the file is empty")
        return data

    def refuse_rest(self, error: Exception) -> None:
        """Note what stopped the reading."""
        mark = getattr(error, "problem_mark", None) or self._events.get_mark()
        reason = getattr(error, "problem", None) or "a number or character is out of range"
        self._give_up(mark, f"this is not YAML: {reason}")

    def _give_up(self, mark: yaml.Mark, message: str) -> None:
        self._refuse(mark, message)
        self.complete = False

    def _refuse(self, mark: yaml.Mark, message: str) -> None:
        self.mistakes.append(self._source.mistake(mark.line, mark.column, message))

    def _value(self, path: KeyPath, key: yaml.Mark | None = None, earlier: Value = None) -> Value:
        """The next value; a mapping's keys are added to an ``earlier`` one."""
        event = self._events.get_event()
        mark = event.start_mark
        if len(path) > DEEPEST:
            reason = f"more than {DEEPEST} levels of nesting"
            raise yaml.MarkedYAMLError(problem=reason, problem_mark=mark)
        self._refuse_extras(event)
        self.places.setdefault(path, Place(_position(key or mark), _position(mark), self._source))
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, earlier if isinstance(earlier, dict) else {})
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._scalar(event) if isinstance(event, yaml.ScalarEvent) else None

    def _refuse_extras(self, event: Any) -> None:
        """Refuse what YAML can put instead of a value, or before it."""
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            self._give_up(mark, "aliases (*) are not allowed; write the value again")
        elif event.anchor is not None:
            self._refuse(mark, "anchors (&) are not allowed; write the value alone")
        elif event.tag is not None:
            self._refuse(mark, "tags (!) are not allowed; write the value alone")

    def _scalar(self, event: Any) -> str | None:
        text, mark = str(event.value), event.start_mark
        if escaped := INVISIBLE.search(text):
            self._give_up(mark, f"character U+{ord(escaped[0]):04X} is not allowed here")
        return text if text or event.style else None

    def _list(self, path: KeyPath) -> list[Value]:
        items: list[Value] = []
        while not self._events.check_event(yaml.SequenceEndEvent):
            items.append(self._value((*path, len(items))))
        self._events.get_event()
        return items

    def _mapping(self, path: KeyPath, values: dict[str, Value]) -> dict[str, Value]:
        while not self._events.check_event(yaml.MappingEndEvent):
            mark = self._events.peek_event().start_mark
            key = self._value((*path, _KEY))
            if not isinstance(key, str):
                self._refuse(mark, "a key must be a word")
                self._value((*path, _KEY))
                continue
            inner = (*path, key)
            if key in values:
                line = self.places[inner].key[0] + 1
                self._refuse(mark, f"{shown(key)} is repeated; line {line} has it already")
            value = self._value(inner, mark, values.get(key))
            values.setdefault(key, value)
        self._events.get_event()
        return values


def _position(mark: yaml.Mark) -> tuple[int, int]:
    return mark.line, mark.column
