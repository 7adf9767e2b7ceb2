"""What pydantic finds wrong with the data of a file, in the words of its author."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from lab.model import names
from lab.model.fields import kind
from lab.model.problem import KeyPath, Problem


class Form(NamedTuple):
    """What a file is read as."""

    model: type[BaseModel]
    whole: str
    """What messages call it: ``a topology``."""
    keys: Callable[[KeyPath], list[str]]
    """The keys that are known at a place."""

    def misfits(self, data: object) -> Iterator[Problem]:
        """What is wrong with single keys and values; ``data`` is dict, list, str and None."""
        try:
            self.model.model_validate(data)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                yield self._problem(detail)

    def _problem(self, detail: Mapping[str, Any]) -> Problem:
        """In our words: pydantic's are about Python, not about the file."""
        path: KeyPath = detail["loc"]
        match detail["type"]:
            case "mistake":
                return Problem(path, detail["msg"])
            case "extra_forbidden":
                word = str(path[-1])
                hint = names.hint(word, self.keys(path[:-1]))
                return Problem(path, f"unknown key {names.shown(word)} ({hint})", at_key=True)
            case "missing":
                message = f"{self._whose(path[:-1])} needs the key {path[-1]!r}"
                return Problem(path[:-1], message, at_key=True)
            case _:
                return Problem(path, self._not_a_mapping(path, detail["input"]), at_key=True)

    def _whose(self, path: KeyPath) -> str:
        if path and isinstance(path[-1], int):
            return f"entry {path[-1] + 1} of {names.shown(path[-2])}"
        return names.shown(path[-1]) if path else self.whole

    def _not_a_mapping(self, path: KeyPath, value: object) -> str:
        if value is None and path:
            return f"{self._whose(path)} has no value; a mapping without keys is written {{}}"
        return f"{self._whose(path)} is a mapping (key: value), not {kind(value)}"


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys of a mapping, as they are written."""
    return [field.alias or name for name, field in model.model_fields.items()]
