"""Numbers of the command line: in ASCII digits, though Python reads those of every script."""

from __future__ import annotations

import re
from typing import Any

import click

_A_DAY = 86_400


def is_plain(text: object) -> bool:
    """Whether it is as numbers are written in a shell: Python takes much else, '1_0' and ' 1'."""
    return not isinstance(text, str) or re.fullmatch(r"[0-9A-Za-z.+-]+", text) is not None


class Whole(click.IntRange):
    """A whole number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does, or refuse it."""
        if not is_plain(value):
            self.fail(f"{value!r} is not a valid integer.", param, ctx)
        return super().convert(value, param, ctx)


class Seconds(click.FloatRange):
    """A time, of at most a day."""

    def __init__(self) -> None:
        super().__init__(0, _A_DAY)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """As a float, or refuse it."""
        try:
            seconds = float(value if is_plain(value) else "nan")
        except ValueError:
            seconds = float("nan")
        if not 0 <= seconds <= _A_DAY:
            self.fail(f"{value!r}: expected a number from 0 to {_A_DAY} (a day)", param, ctx)
        return seconds
