"""A run's directory as one file, to be sent: packed with its hash, and unpacked with suspicion."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from lab.errors import InvalidRun
from lab.files import held

_CHUNK = 1 << 20


class Parcel(NamedTuple):
    """A packed directory."""

    path: str
    """where it lies, on the machine that packed it"""
    size: int
    """bytes"""
    sha256: str
    """of the whole, in hexadecimal"""


def pack(directory: Path, target: Path) -> Parcel:
    """Pack a directory by its name; what it holds besides files and directories is left out."""
    with tarfile.open(target, "w") as archive:
        archive.add(directory, directory.name, filter=_plain)
    return Parcel(str(target), **held(target))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return member if member.isreg() or member.isdir() else None


def unpack(file: Path, parcel: Parcel, target: Path) -> Path:
    """Unpack what was received as ``file`` below ``target``; give back the directory.

    :raises InvalidRun: it is not what was packed, or nothing that :func:`pack` makes. Nothing of it
        is left then.
    """
    came = Parcel(parcel.path, **held(file))
    if came != parcel:
        raise InvalidRun(
            f"{came.size} of {parcel.size} bytes came of a run, or others than were sent"
        )
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        try:
            with tarfile.open(file) as archive:
                for member in archive:
                    _extract(archive, member, Path(scratch))
        except (tarfile.TarError, FileExistsError, NotADirectoryError) as problem:
            raise InvalidRun(f"a run came that cannot be unpacked: {problem}") from problem
        made = [*Path(scratch).iterdir()]
        if len(made) != 1 or not made[0].is_dir():
            raise InvalidRun(f"{len(made)} files or directories came where one run belongs")
        return made[0].rename(target / made[0].name)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Put one member where it belongs."""
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or not parts or ".." in parts or "\0" in member.name:
        raise InvalidRun(f"a run came with a file outside of it: {member.name!r}")
    path = target.joinpath(*parts)
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
    elif member.isreg():
        path.parent.mkdir(parents=True, exist_ok=True)
        content = archive.extractfile(member)
        if content is not None:
            _write(path, content)
    else:
        raise InvalidRun(f"a run came with what is neither file nor directory: {member.name!r}")


def _write(path: Path, content: IO[bytes]) -> None:
    """Write a new file to the disk."""
    with path.open("xb") as file:
        shutil.copyfileobj(content, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())
