"""What was measured of a topology, for a manifest and for people, and whether it is as declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from lab import units
from lab.errors import InvalidRun
from lab.fidelity.bench import alike, declares
from lab.fidelity.budget import Budget
from lab.fidelity.figures import Figure
from lab.fidelity.load import Load
from lab.fidelity.measuring import Figures, Place, measure
from lab.model import Topology


@dataclass(frozen=True, slots=True)
class Verdict:
    """The figures of every link that declares something, in both directions."""

    budget: Budget
    figures: Figures
    load: str
    """how busy the machine was"""

    def as_dict(self) -> dict[str, Any]:
        """For a manifest or JSON: links, directions, figures."""
        links: dict[str, Any] = {}
        for (link, way), found in self.figures.items():
            shown = {name: _shown(figure) for name, figure in found.items()}
            links.setdefault(link, {})[way] = shown
        return {"measured": self.budget.name, "load": self.load, "links": links}

    def misses(self) -> Iterator[str]:
        """A sentence for each figure that is not as declared."""
        for (link, way), found in self.figures.items():
            for name, figure in found.items():
                if not figure.kept:
                    yield f"link '{link}', {way}: {name} {_miss(figure)}"

    def require_kept(self) -> None:
        """See that all is as declared.

        :raises InvalidRun: something is not, in as many attempts as the budget has.
        """
        misses = [*self.misses()]
        if misses:
            raise InvalidRun(
                "links do not do what their file declares, measured "
                f"{self.budget.attempts} times:\n    "
                + "\n    ".join(misses)
                + f"\nthe machine meanwhile: {self.load}"
            )


class Known:
    """What was measured already: a link is measured once, whichever topologies have such a one.

    ``backend`` is what emulates impairments; None takes what works here. What missed is measured
    again for the next one who asks: the machine may have been too busy.
    """

    def __init__(self, backend: str | None) -> None:
        self._backend = backend
        self._known: dict[str, dict[str, dict[str, Figure]]] = {}
        self._load = ""

    def of(self, topology: Topology, budget: Budget) -> Verdict:
        """Measure what is not known yet.

        :raises Unsupported: a link cannot be emulated here.
        """
        links = {name: link for name, link in topology.links.items() if declares(link)}
        keys = {name: alike(link) for name, link in links.items()}
        unknown = {name: link for name, link in links.items() if keys[name] not in self._known}
        fresh: dict[str, dict[str, dict[str, Figure]]] = {}
        if unknown:
            with Load() as load:
                figures = measure(
                    topology.model_copy(update={"links": unknown}), budget, self._backend
                )
            self._load = load.text
            for place, found in figures.items():
                fresh.setdefault(keys[place.link], {})[place.way] = found
        all_known = self._known | fresh
        verdict = Verdict(
            budget,
            {
                Place(name, way): found
                for name, key in keys.items()
                for way, found in all_known[key].items()
            },
            self._load,
        )
        self._known |= {key: ways for key, ways in fresh.items() if _kept(ways)}
        return verdict


def _kept(ways: dict[str, dict[str, Figure]]) -> bool:
    return all(figure.kept for found in ways.values() for figure in found.values())


def _shown(figure: Figure) -> dict[str, Any]:
    values = asdict(figure)
    del values["name"]
    if not figure.judged:
        del values["least"], values["most"]
    return values | {"kept": figure.kept}


def _miss(figure: Figure) -> str:
    declared, least, most = (
        text(figure.name, value) for value in (figure.declared, figure.least, figure.most)
    )
    if figure.measured is None:
        return f"could not be measured ({figure.note}); {declared} is declared"
    note = f"; {figure.note}" if figure.note else ""
    measured = text(figure.name, figure.measured)
    return f"{measured} measured, {declared} declared ({least} to {most} is tolerated{note})"


def text(name: str, value: float) -> str:
    """A value of the figure of that name, for people."""
    match name:
        case "rate":
            return f"{value / 1e6:.6g} Mbit/s"
        case "queue":
            return units.size_text(max(1, round(value)))
        case "delay" | "jitter":
            return f"{value * 1e3:.4g} ms"
        case _:
            return f"{value * 100:.4g} %"
