"""From a kept run to the command line that repeats it; and manifests that somebody has changed."""

import os
from hashlib import sha256
from types import SimpleNamespace

import pytest

from lab.errors import UsageError
from lab.rerun.again import Again, _reason, checks
from lab.rerun.plan import plan
from lab.rerun.words import outcome
from lab.result import Result
from lab.result import open as open_run
from lab.run import Run, Verdict

TEST = "scenarios/test_it.py::test_it[a b-1]"
TOPOLOGY = b"topology: 1\n"


@pytest.fixture
def project(tmp_path):
    """A project with a scenario."""
    file = tmp_path / "project" / "scenarios" / "test_it.py"
    file.parent.mkdir(parents=True)
    file.touch()
    return tmp_path / "project"


@pytest.fixture
def kept(tmp_path):
    """Keep a run; give it back as it is read."""

    def keep(scenario=TEST, **described):
        run = Run(tmp_path / "results", scenario, seed=7)
        (tmp_path / "topology.yaml").write_bytes(TOPOLOGY)
        run.keep_topology("it", tmp_path / "topology.yaml")
        run.describe(backend=None, stack=None, **described)
        run.end(Verdict.PASSED)
        return open_run(run.directory)

    return keep


def changed(result, **values):
    return Result(result.directory, {**result.manifest, **values})


def test_everything_that_the_run_was_given_is_given_again(kept, project):
    run = kept(
        parameters={"backup": True, "amount": -3},
        overrides={"links.wifi.rate": "2 Mbit/s"},
        options={"verify": True, "measure": False},
    )

    planned = plan(changed(run, backend="wirefilter", stack="netns"), project)

    assert planned.options == (
        "--seed=7", "--backend=wirefilter", "--stack=netns", "--verify", "--no-measure",
        "--parameter=backup=true", "--parameter=amount=-3", "--override=links.wifi.rate=2 Mbit/s",
    )  # fmt: skip
    assert planned.test == f"{project}/{TEST}"
    assert planned.topology == run.directory / "topology.yaml"
    command = planned.command(project / "results", project / "junit.xml")
    assert command[-1] == planned.test
    assert f"--rootdir={project}" in command


def test_an_older_run_implies_its_options(kept, project):
    run = kept(fidelity={"measured": False, "reason": "--no-measure"}, verification={})

    assert plan(run, project).options == ("--seed=7", "--verify", "--no-measure")
    assert plan(kept(fidelity={"measured": "scenario"}), project).options == ("--seed=7",)


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ("mptcp-lab demo", "'mptcp-lab demo' is no test of pytest"),
        ("../outside.py::test_it", "is not below"),
        ("/etc/outside.py::test_it", "is not below"),
        ("scenarios/link.py::test_it", "is not below"),
        ("scenarios/test_gone.py::test_it", "its scenario is gone: there is no .*test_gone.py"),
        ("-p evil.py::test_it", "its scenario is gone"),
        ("@evil.py::test_it", "its scenario is gone"),
        ("scenarios/test_it.py::test_it\n-p evil", "is no test of pytest"),
        ("scenarios/test_it.py", "is no test of pytest"),
        ("scenarios::x.py::test_it", "is no test of pytest"),
    ],
)
def test_only_a_test_below_the_project_is_run(kept, project, scenario, message):
    (project.parent / "outside.py").touch()
    (project / "scenarios" / "link.py").symlink_to(project.parent / "outside.py")

    with pytest.raises(UsageError, match=message):
        plan(changed(kept(), scenario=scenario), project)


def test_an_id_is_never_an_option(kept, project):
    """Whatever its file is called, pytest gets a path that begins with a slash."""
    for name in ("-p evil.py", "@evil.py"):
        (project / name).touch()
        assert plan(changed(kept(), scenario=f"{name}::t"), project).test == f"{project}/{name}::t"


@pytest.mark.parametrize(
    "damage",
    [
        {"seed": "7"},
        {"seed": True},
        {"seed": -1},
        {"seed": None},
        {"backend": "netem --results=/"},
        {"backend": []},
        {"stack": "net ns"},
        {"stack": 3},
        {"parameters": ["a"]},
        {"parameters": {"a=b": 1}},
        {"parameters": {"a": [1]}},
        {"parameters": {"a\nb": 1}},
        {"overrides": {"links.wifi": None}},
        {"overrides": "x"},
    ],
    ids=str,
)
def test_a_damaged_manifest_is_one_message(kept, project, damage):
    (name,) = damage

    with pytest.raises(UsageError, match=rf"manifest\.json: {name}\b"):
        plan(changed(kept(), **damage), project)


@pytest.mark.parametrize("options", [None, [], {"verify": "yes", "measure": 1}, {}])
def test_odd_options_ask_for_nothing_unseen(kept, project, options):
    assert set(plan(changed(kept(), options=options), project).options) <= {
        "--seed=7", "--no-measure",
    }  # fmt: skip


def test_another_topology_than_the_run_had_is_refused(kept, project):
    run = kept()
    found = sha256(TOPOLOGY).hexdigest()

    for manifest in ({"topology": {"name": "it", "sha256": "0"}}, {"topology": 3}):
        with pytest.raises(UsageError, match=f"not the file that the run had: .* {found}"):
            plan(changed(run, **manifest), project)
    (run.directory / "topology.yaml").unlink()
    with pytest.raises(UsageError, match="No such file or directory: without it nothing"):
        plan(run, project)
    os.mkfifo(run.directory / "topology.yaml")
    with pytest.raises(UsageError, match="not a regular file: without it nothing"):
        plan(run, project)


def verified(verdict, *severities):
    findings = [{"severity": each, "section": "3.1", "sentence": "x"} for each in severities]
    return {"verdict": verdict, "connections": [{"findings": findings}]}


def test_checks_are_compared(kept):
    clean = kept(verification=verified("verified"))
    dirty = kept(verification=verified("violated", "violation", "violation"))

    assert checks(dirty) == {"violated": 1, "violation of section 3.1": 2}
    assert Again(clean, clean).same
    assert not Again(clean, dirty).same
    text = "\n".join(outcome(Again(clean, dirty), []))
    assert "checks: verified -> violated, 2 violation of section 3.1\n" in text
    assert text.endswith("Not the same: the verifier finds something else.")
    assert checks(kept()) == {}


@pytest.mark.parametrize(
    ("out", "err", "reason"),
    [
        (
            "no tests ran",
            "ERROR: not found: /p/t.py::x\n(no match)",
            "ERROR: not found: /p/t.py::x",
        ),
        ("E   SyntaxError: x\n1 error", "", "E   SyntaxError: x"),
        ("", "", "pytest ended with 4"),
    ],
)
def test_pytest_says_why_there_is_no_run(out, err, reason):
    assert _reason(SimpleNamespace(stdout=out, stderr=err, returncode=4)) == reason
