"""A run whose evidence is gone proves nothing: it is invalid, whatever its scenario found."""

import re
import subprocess

import pytest

from lab.sandbox import libc

pytestmark = pytest.mark.topology("two_paths")

DAMAGE = {
    "cut": (
        "os.truncate(path, 1000)",
        r"server\.pcap: (\d+ packets were recorded|record \d+, at byte)",
    ),
    "cut-to-nothing": ("os.truncate(path, 0)", "server.pcap: "),
    "unlinked": ("path.unlink()", r"server\.pcap: no capture to read: No such file"),
    "overwritten": (
        "path.write_bytes(path.read_bytes()[:24] + b'garbage' * 99)",
        r"server\.pcap: record 1, at byte 24 of \d+, is none: the file was altered",
    ),
}


@pytest.mark.parametrize(("damage", "expected"), DAMAGE.values(), ids=DAMAGE)
def test_a_capture_file_that_was_damaged(inner_pytest, damage, expected):
    """Whether the scenario looks at it again or not."""
    said = inner_pytest(f"""
        @pytest.mark.parametrize("looks", [True, False])
        def test_it(flow, capture, result, looks):
            flow.wait_delivered("50 kB")
            assert capture.at("server").payload() > 0
            path = result.captures / "server.pcap"
            {damage}
            if looks:
                assert capture.at("server").payload() >= 0
    """)

    assert said.status == 1
    assert sorted(said.runs) == ["test_it[False]", "test_it[True]"]
    for run in said.runs.values():
        assert run["verdict"] == "invalid"
        assert re.search(expected, run["reason"])


def test_a_recorder_that_cannot_write(inner_pytest):
    """As with a full disk: each write fails from some size on."""
    said = inner_pytest("""
        def test_it(flow, capture, result):
            flow.wait_delivered("20 kB")
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                if b"server.pcap" in process.read_bytes():
                    resource.prlimit(int(process.parent.name), resource.RLIMIT_FSIZE, (9999, 9999))
            flow.wait_delivered_more("100 kB")
    """)

    assert "INVALID" in said.text
    assert re.search("the capture at server .*: cannot write .*pcap: ", said.text)
    assert said.status == 1


def test_a_recorder_that_does_not_answer(inner_pytest):
    """It is invalid also when the capture is asked again, and stopped, after it was killed."""
    said = inner_pytest("""
        from lab import capture as module

        def test_it(flow, capture, monkeypatch):
            monkeypatch.setattr(module, "PATIENCE", 0.3)
            flow.wait_delivered("20 kB")
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                if b"server.pcap" in process.read_bytes():
                    os.kill(int(process.parent.name), signal.SIGSTOP)
            capture.at("server")
    """)

    assert "the capture at server did not answer for 0.3 s" in said.text
    assert said.runs["test_it"]["verdict"] == "invalid"
    assert "ValueError" not in said.text


def test_events_that_could_not_be_recorded(inner_pytest):
    """A log of events that ended early says nothing about what did not happen."""
    said = inner_pytest("""
        def test_absence(flow, capture, result):
            flow.wait_delivered("20 kB")
            size = (result.directory / "records.jsonl").stat().st_size
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
            lte = mptcpapi.open_subflow(flow.connection, local=flow.address("client", "lte"))
            mptcpapi.set_backup(flow.connection, lte, True)
            capture.until("server", lambda seen: seen.arrived().all(MpPrio))
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            told = flow.events["server"]._events
            assert EventKind.SUB_PRIORITY not in [event.kind for event in told]
    """)

    assert re.search(r"the events of \w+ are not complete: the run cannot be written", said.text)
    assert said.runs["test_absence"]["verdict"] == "invalid"


@pytest.fixture
def small_disk(result):
    """A file system with room for a few pages."""
    place = result.directory / "small"
    place.mkdir()
    libc.mount("tmpfs", str(place), "tmpfs", 0, "size=64k")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk(inner_pytest, small_disk):
    """Each run says that it cannot be kept; pytest goes on to the next."""
    said = inner_pytest(
        """
        def test_that_fills_it(client, result):
            with pytest.raises(OSError, match="No space"):
                (result.directory / "large").write_bytes(bytes(1 << 17))

        def test_that_finds_it_full(client):
            raise AssertionError("it was run")
        """,
        results=small_disk,
    )

    text = r"the run cannot be written to \S+-test-that-{}-\w+: No space left on device"
    assert re.search(text.format("fills-it"), said.text), said.text
    assert re.search(text.format("finds-it-full"), said.text), said.text
    assert said.status == 1
