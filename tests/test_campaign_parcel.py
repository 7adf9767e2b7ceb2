"""Runs on their way from a worker: whole, and nothing but runs."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.campaign.parcel import Parcel, pack, unpack
from lab.errors import InvalidRun
from lab.files import held


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "incoming").mkdir()
    return tmp_path / "incoming"


def packed(tmp_path: Path) -> tuple[Path, Parcel]:
    run = tmp_path / "run-1"
    (run / "captures").mkdir(parents=True)
    (run / "manifest.json").write_text("{}", encoding="utf-8")
    (run / "captures" / "client.pcap").write_bytes(os.urandom(100_000))
    return run, pack(run, tmp_path / "run.tar")


def test_a_run_arrives_as_it_was(tmp_path: Path, place: Path) -> None:
    run, parcel = packed(tmp_path)

    arrived = unpack(Path(parcel.path), parcel, place)

    assert arrived == place / "run-1"
    for file in ("manifest.json", "captures/client.pcap"):
        assert (arrived / file).read_bytes() == (run / file).read_bytes()


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b[:5000] + b"x" + b[5001:]])
def test_what_was_cut_or_altered_is_refused(
    tmp_path: Path, place: Path, change: Callable[[bytes], bytes]
) -> None:
    _, parcel = packed(tmp_path)
    received = tmp_path / "received"
    received.write_bytes(change(Path(parcel.path).read_bytes()))

    with pytest.raises(InvalidRun, match="bytes came of a run, or others than were sent"):
        unpack(received, parcel, place)
    assert not any(place.iterdir())


def member(name: str, **values: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in values.items():
        setattr(made, key, value)
    return made


FILE = member("run/manifest.json", size=2)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([FILE, member("run/../../out", size=2)], "a file outside of it: 'run/../../out'"),
        ([FILE, member("/tmp/out", size=2)], "a file outside of it: '/tmp/out'"),  # noqa: S108
        ([FILE, member("run/link", type=tarfile.SYMTYPE, linkname="/etc")], "neither file nor"),
        ([FILE, member("run/link", type=tarfile.LNKTYPE, linkname="/etc/passwd")], "neither file"),
        ([FILE, member("run/fifo", type=tarfile.FIFOTYPE)], "neither file nor directory"),
        ([FILE, member("run/null", type=tarfile.CHRTYPE)], "neither file nor directory"),
        ([FILE, FILE], "cannot be unpacked"),
        ([FILE, member("run/manifest.json/x", size=2)], "cannot be unpacked"),
        ([FILE, member("other/manifest.json", size=2)], "2 files or directories came"),
        ([member("manifest.json", size=2)], "1 files or directories came"),
        ([], "0 files or directories came"),
    ],
)
def test_what_is_no_run_is_refused_and_nothing_remains(
    tmp_path: Path, place: Path, members: list[tarfile.TarInfo], reason: str
) -> None:
    file = tmp_path / "bad.tar"
    with tarfile.open(file, "w") as archive:
        for each in members:
            archive.addfile(each, io.BytesIO(b"{}") if each.isreg() else None)
    parcel = Parcel(str(file), **held(file))

    with pytest.raises(InvalidRun, match=reason):
        unpack(file, parcel, place)

    assert not any(place.iterdir())
    assert not (tmp_path / "out").exists()


def test_links_of_a_run_are_not_sent(tmp_path: Path, place: Path) -> None:
    run, _ = packed(tmp_path)
    (run / "secret").symlink_to("/etc/passwd")

    parcel = pack(run, tmp_path / "again.tar")

    assert not (unpack(Path(parcel.path), parcel, place) / "secret").is_symlink()
