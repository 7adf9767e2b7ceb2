"""Topology files: YAML in, a checked :class:`~lab.model.Topology` out."""

from __future__ import annotations

from pathlib import Path

from lab import files
from lab.errors import Mistake, TopologyError
from lab.load.editors import schema
from lab.load.finding import find
from lab.load.text import LARGEST, Source, decode
from lab.load.tree import Place, read
from lab.model import KeyPath, Problem, Topology, problems

__all__ = ["find", "load", "loads", "schema"]


def load(path: Path) -> Topology:
    """The topology in a file.

    :raises TopologyError: the file cannot be read, or has mistakes; all of them are listed.
    """
    try:
        content = files.read(path, LARGEST + 1)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        raise TopologyError([Mistake(str(path), 1, 1, reason)]) from error
    return loads(content, str(path))


def loads(content: str | bytes, name: str = "topology") -> Topology:
    """The topology in the content of a file that messages call ``name``.

    :raises TopologyError: it has mistakes; all of them are listed.
    """
    text = decode(content, name)
    source = Source.of(text, name)
    tree = read(text, source)
    mistakes = tree.mistakes
    if tree.complete:
        mistakes += [_placed(problem, tree.places, source) for problem in problems(tree.data)]
    if mistakes:
        raise TopologyError(sorted(set(mistakes)))
    return Topology.model_validate(tree.data)


def _placed(problem: Problem, places: dict[KeyPath, Place], source: Source) -> Mistake:
    """The mistake at the place of a problem, or of the closest part around it that is written."""
    path = problem.path
    while path and path not in places:
        path = path[:-1]
    line, column = places[path].key if problem.at_key else places[path].value
    return source.mistake(line, column, problem.message)
