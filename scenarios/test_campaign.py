"""Campaigns that are killed, whose workers are killed, and whose scenarios do not pass."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from lab.sandbox import libc

pytestmark = pytest.mark.topology("two_paths")

PROGRAMS = Path(__file__).parent / "programs"

PATIENCE = 300
"""seconds, on a machine that does much else"""

TOPOLOGY = """topology: 1
name: pair
hosts: {client: {}, server: {}}
links:
  wifi: {ends: [client:wifi, server:wifi], subnet: 10.0.1.0/24}
"""

SCENARIOS = """
import json
import os
import time

import pytest

from lab.errors import InvalidRun

pytestmark = pytest.mark.topology("pair")


def test_passes(net, parameter, result):
    (result.directory / "large").write_bytes(os.urandom(9_000_000))
    result.record("chosen", n=parameter("n", 0))


def test_fails(net):
    raise AssertionError("it always does")


def test_is_invalid_at_first(net, request):
    if json.loads(request.config.option.campaign)["attempt"] == 1:
        raise InvalidRun("not yet")


def test_hangs(net):
    time.sleep(3600)


def test_skips(net):
    pytest.skip("not here")


def test_ends_pytest(net):
    os._exit(3)


@pytest.mark.timing
def test_needs_the_machine(net):
    pass
"""


class Project(NamedTuple):
    """A project of its own, with a plan."""

    root: Path
    campaign: Path
    """the campaign's directory"""

    def write(self, **keys):
        """Write the plan."""
        plan = {"campaign": "1", "name": "tiny", **keys}
        (self.root / "plan.yaml").write_text(json.dumps(plan), encoding="utf-8")

    def start(self, *options):
        """Start the campaign."""
        command = [sys.executable, "-m", "lab.start", "campaign", "plan.yaml", *options]
        return subprocess.Popen(
            command, cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *options):
        """Start it, and wait for its end: status, output, errors."""
        with self.start(*options) as process:
            said, told = process.communicate(timeout=PATIENCE)
        return process.returncode, said, told

    @property
    def journal(self):
        """Its whole lines, in their order."""
        try:
            lines = (self.campaign / "journal.jsonl").read_text("utf-8").splitlines(keepends=True)
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def wait_for_lines(self, count):
        """Wait until so many attempts have ended."""
        deadline = time.monotonic() + PATIENCE
        while len(self.journal) < count:
            assert time.monotonic() < deadline, self.journal
            time.sleep(0.05)

    def require_whole(self):
        """See that all runs are there, whole, and no others."""
        runs = {path.name: path for path in (self.campaign / "runs").iterdir()}
        kept = [line for line in self.journal if line["run"]]
        assert sorted(runs) == sorted(line["run"] for line in kept)
        for line in kept:
            manifest = json.loads((runs[line["run"]] / "manifest.json").read_text("utf-8"))
            assert manifest["campaign"] == {
                key: line[key] if key != "name" else "tiny"
                for key in ("name", "point", "repetition", "attempt")
            }
            if "test_passes" in line["scenario"]:
                assert manifest["verdict"] == line["verdict"] == "passed"
                assert str(manifest["parameters"]["n"]) == line["parameters"]["n"]
                assert manifest["seed"] == line["seed"]
                assert (runs[line["run"]] / "large").stat().st_size == 9_000_000
        assert not any((self.campaign / "incoming").iterdir())


@pytest.fixture
def project(result):
    """A project with scenarios of all kinds."""
    root = result.directory / "project"
    (root / "topologies").mkdir(parents=True)
    for name, content in {
        "pytest.ini": "[pytest]\n",
        "conftest.py": 'pytest_plugins = ["lab.plugin"]\n',
        "topologies/pair.yaml": TOPOLOGY,
        "test_tiny.py": SCENARIOS,
    }.items():
        (root / name).write_text(content, encoding="utf-8")
    return Project(root, root / "campaigns" / "tiny")


def points(project):
    """How many attempts each point had."""
    return Counter((line["point"], line["repetition"]) for line in project.journal)


def test_a_campaign_that_is_killed_goes_on(project, result):
    """Killed at random moments, it neither loses nor repeats what was finished."""
    project.write(scenarios="test_tiny.py::test_passes", parameters={"n": ["1", "2"]},
                  repetitions="2", slots="2")  # fmt: skip
    before = []
    for lines in (1, 2):
        process = project.start()
        with process:
            project.wait_for_lines(lines)
            time.sleep(result.random.uniform(0, 1))
            process.kill()
        assert project.journal[: len(before)] == before, "what was finished is finished"
        before = project.journal

    status, said, told = project.run("--json")

    assert status == 0, told
    assert json.loads(said)["verdicts"] == {"passed": 4}
    assert project.journal[: len(before)] == before
    assert sorted(points(project).values()) == [1] * 4
    project.require_whole()
    page = (project.campaign / "report.html").read_text("utf-8")
    assert "4 of 4 points have run." in page
    assert project.run("--json")[0] == 0
    assert len(project.journal) == 4, "nothing is run again"


def test_workers_without_a_common_file_system(project, result):
    """One of two is killed in mid-run; the other makes what remains, and all arrives whole."""
    project.write(scenarios="test_tiny.py::test_passes", parameters={"n": ["1", "2"]},
                  repetitions="2")  # fmt: skip
    project.campaign.mkdir(parents=True)
    scratches = [result.directory / f"scratch-{number}" for number in (1, 2)]
    for scratch in scratches:
        scratch.mkdir()
    with ExitStack() as held:
        address = held.enter_context(scheduler(result.directory))
        workers = []
        for mine, others in (scratches, scratches[::-1]):
            workers.append(worker(held, address, mine, others, project))
        campaign = held.enter_context(project.start("--scheduler", address, "--json"))
        project.wait_for_lines(1)
        os.killpg(workers[0].pid, signal.SIGKILL)
        said, told = campaign.communicate(timeout=PATIENCE)

    assert campaign.returncode == 0, told
    assert json.loads(said)["verdicts"] == {"passed": 4}
    assert sorted(points(project)) == sorted(
        (f"test_tiny.py::test_passes n={n}", repetition) for n in "12" for repetition in (1, 2)
    )
    project.require_whole()


class scheduler:
    """A scheduler of Dask on the loopback; its address."""

    def __init__(self, directory):
        self._file = directory / "scheduler.json"

    def __enter__(self):
        dask = Path(sys.executable).with_name("dask")
        self._process = subprocess.Popen(
            [dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
             "--dashboard-address", "127.0.0.1:0", "--scheduler-file", self._file],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with suppress(FileNotFoundError, ValueError):
                return json.loads(self._file.read_text("utf-8"))["address"]
            time.sleep(0.05)
        raise AssertionError("the scheduler did not come up")

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()


def worker(held, address, scratch, other, project):
    """A worker that sees neither the campaign's directory nor the other's."""
    line = [sys.executable, PROGRAMS / "lonely_worker.py"]
    with (scratch / "said").open("wb") as said:
        process = subprocess.Popen(
            [*line, address, scratch, other, project.campaign],
            cwd=project.root, start_new_session=True, stderr=said,
        )  # fmt: skip

    @held.callback
    def end():
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    return process


def test_every_end_of_an_attempt_is_kept(project):
    """Failed once, invalid until it is valid, hanging until its deadline, skipped."""
    project.write(
        scenarios=[f"test_tiny.py::test_{name}" for name in
                   ("fails", "is_invalid_at_first", "hangs", "skips", "ends_pytest")],
        retries="1", deadline="20 s", slots="2",
    )  # fmt: skip

    status, said, told = project.run("--json")

    assert status == 1, told
    verdicts = {}
    for line in project.journal:
        verdicts.setdefault(line["scenario"].rpartition("_")[2], []).append(line["verdict"])
    assert verdicts == {
        "fails": ["failed"],
        "first": ["invalid", "passed"],
        "hangs": ["invalid"] * 2,
        "skips": ["skipped"],
        "pytest": ["invalid"] * 2,
    }, told
    hung = next(line for line in project.journal if "hangs" in line["scenario"])
    assert hung["reason"] == "it did not end within 20 s, and was killed"
    failed = next(line for line in project.journal if "fails" in line["scenario"])
    log = project.campaign / "runs" / failed["run"] / "logs" / "pytest.txt"
    assert "AssertionError: it always does" in log.read_text("utf-8")
    assert not still_running(str(project.campaign)), "what hung is gone"
    assert json.loads(said)["verdicts"] == {"passed": 1, "failed": 1, "invalid": 2, "skipped": 1}


def still_running(text):
    """Command lines of processes that name ``text``."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found += [line] if text in line else []
    return found


def test_ctrl_c_stops_and_says_how_to_go_on(project):
    """What is under way is killed, and is not counted; a second campaign is kept out meanwhile."""
    project.write(scenarios=["test_tiny.py::test_hangs", "test_tiny.py::test_skips"], slots="2")
    with project.start() as process:
        project.wait_for_lines(1)
        refused = project.run()
        process.send_signal(signal.SIGINT)
        said, told = process.communicate(timeout=PATIENCE)

    assert refused[0] == 1
    assert "campaigns/tiny is in use: another mptcp-lab campaign runs there" in refused[2]
    assert process.returncode == 130, told
    assert "Interrupted. Go on with: mptcp-lab campaign plan.yaml" in told
    assert "1 skipped" in said
    assert [line["verdict"] for line in project.journal] == ["skipped"]
    assert not still_running(str(project.campaign))


def test_a_full_disk_is_told_and_the_campaign_goes_on_when_there_is_room(project):
    """Nothing is run that could not be kept."""
    project.write(scenarios="test_tiny.py::test_skips")
    project.campaign.mkdir(parents=True)
    libc.mount("tmpfs", str(project.campaign), "tmpfs", options="size=20m")
    try:
        status, _, told = project.run()
        libc.mount("none", str(project.campaign), flags=libc.MS_REMOUNT, options="size=200m")
        again = project.run()
    finally:
        subprocess.run(["umount", "--lazy", project.campaign], check=True)

    assert status == 1
    assert "the disk is full (only 21 MB are free, of 67 MB that are needed)" in told
    assert "make room, then go on with: mptcp-lab campaign plan.yaml" in told
    assert again[0] == 0, again[2]


def test_a_dry_run_says_what_would_be_run_and_mistakes_are_told_by_their_lines(project):
    """Nothing is made, and nothing is run."""
    project.write(scenarios=["test_tiny.py::test_passes"], parameters={"n": ["1", "2"]},
                  repetitions="3", slots="2", deadline="60 s")  # fmt: skip

    status, said, told = project.run("--dry-run")
    assert status == 0, told
    assert "2 combinations x 3 = 6 points, 2 at the same time" in said
    assert "at most 3 min, by deadlines" in said.replace("\n", " ")
    assert said == project.run("--dry-run")[1]
    assert not project.campaign.exists()

    project.write(scenarios=["test_tiny.py::test_pases", "test_x.py", "test_tiny.py::test_fails"],
                  parameters={"n": "1"}, overrides={"links.wfi.rate": "1 Mbit/s"})  # fmt: skip
    status, _, told = project.run("--dry-run")
    assert status == 1
    for expected in (
        "no scenario 'test_tiny.py::test_pases' (did you mean 'test_passes'?",
        "no file 'test_x.py' in ",
        "test_tiny.py::test_fails asks for no parameters",
    ):
        assert any(
            line.partition("plan.yaml:1:")[2].partition(": ")[2].startswith(expected)
            for line in told.splitlines()
        ), f"{expected!r} is not in:\n{told}"
    project.write(scenarios="test_tiny.py::test_fails", overrides={"links.wfi.rate": "1 Mbit/s"})
    assert ": this topology has no link 'wfi' (did you mean 'wifi'?" in project.run()[2]
