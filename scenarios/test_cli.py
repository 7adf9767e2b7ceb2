"""``mptcp-lab`` with a network: the demonstration, Mininet's prompt, a stock ``mn``."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.topology("two_paths")

FRACTION = """
topology: 1
name: fraction
hosts: {client: {}, server: {}}
links:
  wifi: {ends: [client:wifi, server:wifi], subnet: 10.0.1.0/24, delay: 500 us}
"""
"""Less than the millisecond that wirefilter counts in."""


@pytest.fixture
def lab(request, result):
    """Run ``mptcp-lab`` in the present sandbox."""

    def run(*arguments, said="", status=0):
        done = subprocess.run(
            [sys.executable, "-m", "lab.start", *map(str, arguments)],
            cwd=request.config.rootpath, input=said, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done

    return run


def test_the_demonstration(lab, result):
    """Five steps, each with what the API, the kernel and the wire said, and a run that passed."""
    shown = json.loads(lab("demo", "--json", "--results", result.directory).stdout)

    assert [step["done"].split()[0] for step in shown["steps"]] == [
        "connect,", "open_subflow", "set_backup", "set_backup", "close_subflow",
    ]  # fmt: skip
    assert "both HMACs follow" in shown["steps"][1]["wire"]
    assert "MP_PRIO with B=1" in shown["steps"][2]["wire"]
    manifest = Path(shown["run"], "manifest.json").read_text(encoding="utf-8")
    assert json.loads(manifest)["verdict"] == "passed"


def test_a_demonstration_that_cannot_be_emulated(lab, result):
    """Its run was skipped, for nothing failed; and nothing was shown."""
    topology = result.directory / "fraction.yaml"
    topology.write_text(FRACTION, encoding="utf-8")

    done = lab("demo", "--topology", topology, "--backend", "wirefilter",
               "--results", result.directory / "demo", status=1)  # fmt: skip

    assert re.fullmatch(r"error: link 'wifi' declares a delay of 500 us, and .*\n", done.stderr)
    (manifest,) = (result.directory / "demo").glob("*/manifest.json")
    assert json.loads(manifest.read_text(encoding="utf-8"))["verdict"] == "skipped"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("/etc/passwd", 126, "error: /etc/passwd: Permission denied\n"),
        ("no-such-command", 127, "error: no-such-command: command not found\n"),
        ("", 127, "error: '': command not found\n"),
    ],
)
def test_a_command_that_cannot_be_executed(lab, command, status, said):
    """``exec`` ends with the status that a shell gives."""
    assert lab("exec", "--", command, status=status).stderr == said


def test_the_prompt_of_mininet(lab):
    """``up --cli`` ends in Mininet's prompt, where hosts reach each other by name.

    Before it come the lines that open shells at the nodes from another terminal.
    """
    done = lab("up", "two_paths", "--cli", said="client ping -c1 server\nexit\n")

    assert "1 packets transmitted, 1 received" in done.stderr  # where Mininet prints
    entrances = re.findall(r"^  nsenter .*# (\w+)$", done.stdout, re.MULTILINE)
    assert entrances == ["client", "gw", "server"]


@pytest.mark.parametrize(
    ("name", "answers"),
    [("two_paths", "0% dropped (6/6 received)"), ("shared_bottleneck", "0% dropped (20/20 rec"),
     ("behind_nat", "30% dropped (14/20 received)")],
)  # fmt: skip
def test_a_stock_mn(request, result, name, answers):
    """``mn --custom`` builds the same network from the same file."""
    done = subprocess.run(
        ["mn", "--custom", "lab/topo.py", "--topo", f"yaml,topologies/{name}.yaml",
         "--controller", "none", "--test", "pingall"],
        cwd=request.config.rootpath, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip

    assert answers in done.stderr + done.stdout
