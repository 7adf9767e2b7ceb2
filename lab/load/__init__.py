"""Files of YAML: topologies, in and out as checked :class:`~lab.model.Topology`.

``checked`` is what every such file has in common: mistakes with line and column, all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lab import files
from lab.errors import Mistake, MistakenFile
from lab.load.editors import schema
from lab.load.finding import find
from lab.load.overrides import override
from lab.load.text import LARGEST, Source, decode
from lab.load.tree import Place, Value, read
from lab.model import KeyPath, Problem, Topology, problems

__all__ = ["checked", "content_of", "find", "load", "loads", "schema"]


def load(path: Path, overrides: Sequence[str] = ()) -> Topology:
    """The topology in a file, with ``overrides``, each as ``links.wifi.rate=2 Mbit/s``.

    :raises MistakenFile: the file cannot be read, or has mistakes; all of them are listed.
    """
    return loads(content_of(path), str(path), overrides)


def loads(content: str | bytes, name: str = "topology", overrides: Sequence[str] = ()) -> Topology:
    """The topology in the content of a file that messages call ``name``, with ``overrides``.

    :raises MistakenFile: it or they have mistakes; all of them are listed.
    """
    return Topology.model_validate(checked(content, name, problems, overrides))


def content_of(path: Path) -> bytes:
    """The content of a file, or a little more of it than may be.

    :raises MistakenFile: it cannot be read.
    """
    try:
        return files.read(path, LARGEST + 1)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        raise MistakenFile([Mistake(str(path), 1, 1, reason)]) from error


def checked(
    content: str | bytes,
    name: str,
    problems: Callable[[object], Iterable[Problem]],
    overrides: Sequence[str] = (),
) -> Value:
    """The data in the content of a file that messages call ``name``, if it has no ``problems``.

    :raises MistakenFile: it has; all of them are listed.
    """
    text = decode(content, name)
    tree = override(read(text, Source.of(text, name)), overrides)
    mistakes = tree.mistakes
    if tree.complete:
        mistakes += [_placed(problem, tree.places) for problem in problems(tree.data)]
    if mistakes:
        raise MistakenFile(sorted(set(mistakes)))
    return tree.data


def _placed(problem: Problem, places: dict[KeyPath, Place]) -> Mistake:
    """The mistake at the place of a problem, or of the closest part around it that is written."""
    path = problem.path
    while path and path not in places:
        path = path[:-1]
    place = places[path]
    line, column = place.key if problem.at_key else place.value
    return place.source.mistake(line, column, problem.message)
