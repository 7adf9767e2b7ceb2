"""A capture of half a million packets: tshark's fields of all of them, and the same as columns.

Every round is a program of its own, and the processor time of it counts, with its start. What the
start takes is no part of the comparison: of tshark it is measured beside it, with one packet; the
other program tells what reading alone took. All fields of all packets are compared.
"""

import resource
import statistics
import subprocess
import sys

import pytest
from large_capture import write
from tshark_fields import by_columns, command, needs_tshark, rows

from lab import columns

PACKETS, FEW = 500_000, 2_000
"""In the capture; and where nothing is measured (`--benchmark-disable`)."""
ROUNDS = 3


def processor_time():
    """Of all child processes that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


pytestmark = pytest.mark.benchmark(group="columns", timer=processor_time)

PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, used)"
READ = (
    "from time import process_time; from lab import columns; began = process_time(); "
    "capture = columns.read({!r}); used = process_time() - began; "
)
CHUNKS = (
    "import re; from lab import columns; used = 0.0; "
    "own = [int(re.search(r'RssAnon:\\s+(\\d+)', open('/proc/self/status').read())[1]) "
    "for part in columns.chunks({!r})]; "
)
OWN_PEAK = "print(max(own) * 1024, used)"
SERIES = (
    "from lab.columns.analysis import Analysis; from lab.columns.series import series; "
    "series(Analysis.of(capture).sent, 10**8); "
)


@pytest.fixture(scope="module")
def capture(request, tmp_path_factory):
    """The large capture."""
    path = tmp_path_factory.mktemp("columns") / "large.pcap"
    write(path, FEW if request.config.getoption("benchmark_disable") else PACKETS)
    return path


@pytest.fixture(scope="module")
def first_packet(capture):
    """A capture that ends after the first packet of the large one."""
    path = capture.with_name("first.pcap")
    write(path, 1)
    return path


def tshark(path):
    """Write the fields of all packets to a file, as one does with them."""
    with path.with_suffix(".tsv").open("w") as out:
        subprocess.run(command(path), stdout=out, stderr=subprocess.DEVNULL, check=True)


def python(program, said, peak=PEAK):
    """Run a program in a fresh interpreter; append its peak of memory, and the time to read."""
    done = subprocess.run([sys.executable, "-c", program + peak], capture_output=True, check=True)
    octets, used = done.stdout.split()
    said.append((int(octets), float(used)))


@needs_tshark
def test_tshark(benchmark, capture):
    """tshark: the fields of TCP and MPTCP of half a million packets."""
    benchmark.pedantic(tshark, [capture], rounds=ROUNDS)


@needs_tshark
def test_tshark_start(benchmark, first_packet):
    """The same of one packet."""
    benchmark.pedantic(tshark, [first_packet], rounds=ROUNDS)


def test_read(benchmark, capture):
    """The same fields of half a million packets as columns."""
    said = []
    benchmark.pedantic(python, [READ.format(str(capture)), said], rounds=3 * ROUNDS)
    benchmark.extra_info.update(file=capture.stat().st_size, packets=PACKETS, **figures(said))


def test_chunks(benchmark, capture):
    """The same in parts: the interpreter's own memory, without what of the file is mapped."""
    said = []
    benchmark.pedantic(python, [CHUNKS.format(str(capture)), said, OWN_PEAK], rounds=ROUNDS)
    benchmark.extra_info.update(own=max(said)[0])


def test_series(benchmark, capture):
    """Reading, and the figures of all subflows every 100 ms."""
    said = []
    benchmark.pedantic(python, [READ.format(str(capture)) + SERIES, said], rounds=ROUNDS)
    benchmark.extra_info.update(figures(said))


def figures(said):
    """The highest peak of memory; the least processor time that reading took, and its median."""
    used = [seconds for _, seconds in said]
    return {"peak": max(said)[0], "read": min(used), "read_median": statistics.median(used)}


@needs_tshark
def test_all_fields_are_equal(capture):
    """Packet by packet; after `test_tshark`, whose output this is."""
    if not capture.with_suffix(".tsv").exists():
        tshark(capture)
    with capture.with_suffix(".tsv").open() as file:
        theirs = (row for line in file for row in rows(line))
        for part in columns.chunks(capture):
            for number, ours in by_columns(part).items():
                assert next(theirs) == (number, ours)
        assert next(theirs, None) is None
