"""Whether the files of a run are those that it ended with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.files import held
from lab.result.kept import Result


def damages(result: Result) -> Iterator[str]:
    """A sentence for each file that is missing, or holds something else than at the run's end."""
    files = result.manifest.get("files")
    for name, said in files.items() if isinstance(files, dict) else ():
        yield from _damage(result, name, said)


def _damage(result: Result, name: str, said: Any) -> Iterator[str]:
    path = result.directory / name.replace("\0", "")
    if not path.resolve().is_relative_to(result.directory.resolve()):
        yield f"{name}: not a file of this run"
    elif not path.is_file():
        yield f"{name} is missing"
    elif held(path) != said:
        yield f"{name} is not what it was when the run ended"
