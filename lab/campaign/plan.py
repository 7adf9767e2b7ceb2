"""What a plan says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from lab import units
from lab.errors import UsageError
from lab.load import checked, content_of
from lab.model import fields, names
from lab.model.keys import Keys
from lab.model.problem import KeyPath, Problem
from lab.model.reading import mapping, texts
from lab.model.wording import Form, keys_of

FORMAT = 1
"""Of a plan, and of campaign.json."""

RUNNING = "running"


def _format(text: str) -> int:
    if text != str(FORMAT):
        raise UsageError(f"format {names.shown(text)} is unknown; this version reads {FORMAT}")
    return FORMAT


def _kernel(text: str) -> str:
    if text != RUNNING:
        raise UsageError(
            f"kernel {names.shown(text)} cannot be had: this version runs scenarios on the kernel "
            f"that runs now, which is written {RUNNING!r}; for another, start the campaign there"
        )
    return text


def _deadline(text: str) -> float:
    seconds = units.duration(text)
    if seconds < 1:
        raise UsageError(f"{names.shown(text)} is less than 1 s")
    return seconds


def _name(text: str) -> str:
    if not text.strip() or "=" in text:
        raise UsageError(f"{names.shown(text)} is not a name: it is empty, or has '=' in it")
    return text


_Text = Annotated[str, fields.text(str, "a text"), WithJsonSchema({"type": ["string", "number"]})]
_Name = Annotated[str, fields.text(_name, "backup")]
_Values = Annotated[
    tuple[_Text, ...],
    BeforeValidator(fields.listed),
    WithJsonSchema({"type": ["array", "string", "number", "boolean"]}),
]
_Scenarios = Annotated[
    tuple[Annotated[str, fields.text(str, "scenarios/test_x.py::test_y")], ...],
    BeforeValidator(fields.listed),
]
_Kernels = Annotated[
    tuple[Annotated[str, fields.text(_kernel, RUNNING)], ...],
    BeforeValidator(fields.listed),
    WithJsonSchema({"const": RUNNING}),
]


_Deadline = Annotated[float, fields.text(_deadline, "60 s"), fields.quantity("duration", "60 s")]


def _counted(least: int, most: int) -> Any:
    return fields.text(fields.number(least, most), str(least)), fields.between(least, most)


class Chosen(Keys):
    """One value for each parameter and override."""

    parameters: Mapping[_Name, _Text] = Field(default={}, description="Values by parameter.")
    overrides: Mapping[_Name, _Text] = Field(
        default={}, description="Values by place in the topology: links.wifi.rate."
    )


class Plan(Keys):
    """A campaign."""

    campaign: Annotated[int, fields.text(_format, "1"), WithJsonSchema({"const": FORMAT})] = Field(
        description="Number of the format."
    )
    name: fields.Label = Field(description="Name of the campaign.")
    question: _Text = Field(default="", description="What it is to answer.")
    figures: _Values = Field(
        default=(), description="Figures of runs that its table shows; else the first one."
    )
    scenarios: _Scenarios = Field(description="Tests by their ids; * and ? stand for more.")
    parameters: Mapping[_Name, _Values] = Field(
        default={}, description="Values of each parameter; all combinations are run."
    )
    overrides: Mapping[_Name, _Values] = Field(
        default={}, description="Values of each place in the topology; all combinations are run."
    )
    points: tuple[Chosen, ...] = Field(
        default=(), description="Combinations, one by one, instead of all of them."
    )
    repetitions: Annotated[int, *_counted(1, 10_000)] = Field(
        default=1, description="Runs of each combination."
    )
    seed: Annotated[int, *_counted(0, 999_999_999)] = Field(
        default=1, description="Gives the order, and the seeds of runs."
    )
    retries: Annotated[int, *_counted(0, 100)] = Field(
        default=2, description="How often a run that was invalid is tried again."
    )
    slots: Annotated[int | None, *_counted(1, 1000)] = Field(
        default=None, description="Runs at the same time on this machine; else one a processor."
    )
    deadline: _Deadline = Field(default=300.0, description="After this time an attempt is killed.")
    kernels: _Kernels = Field(default=(RUNNING,), description="Kernels: the running one.")


def load_plan(path: Any) -> Plan:
    """The plan in a file.

    :raises MistakenFile: the file cannot be read, or has mistakes; all of them are listed.
    """
    return Plan.model_validate(checked(content_of(path), str(path), problems))


def problems(data: object) -> Iterator[Problem]:
    """Everything that is wrong with the data of a plan by itself, in no particular order."""
    yield from Form(Plan, "a plan", _keys).misfits(data)
    whole = mapping(data)
    yield from _both(whole)
    for section in ("parameters", "overrides"):
        for name, values in mapping(whole.get(section)).items():
            yield from _repeated((section, name), values)
    yield from _repeated(("scenarios",), whole.get("scenarios"))


def _keys(path: KeyPath) -> list[str]:
    return keys_of(Chosen if path else Plan)


def _both(whole: Mapping[str, object]) -> Iterator[Problem]:
    for section in ("parameters", "overrides"):
        if "points" in whole and section in whole:
            message = f"beside 'points', {section} belong into each of these"
            yield Problem((section,), message, at_key=True)
    if "points" in whole and not whole["points"]:
        yield Problem(("points",), "no points; without the key there is one, with all defaults")


def _repeated(path: KeyPath, values: object) -> Iterator[Problem]:
    seen: set[str] = set()
    for place, text in texts(path, values):
        if text in seen:
            yield Problem(place, f"{names.shown(text)} is repeated")
        seen.add(text)
