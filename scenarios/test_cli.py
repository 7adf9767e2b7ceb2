"""``mptcp-lab`` with a network: the demonstration, Mininet's prompt, a stock ``mn``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.topology("two_paths")


@pytest.fixture
def lab(request, result):
    """Run ``mptcp-lab`` in the present sandbox."""

    def run(*arguments, said=""):
        done = subprocess.run(
            [sys.executable, "-m", "lab.start", *map(str, arguments)],
            cwd=request.config.rootpath, input=said, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
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


def test_the_prompt_of_mininet(lab):
    """``up --cli`` ends in Mininet's prompt, where hosts reach each other by name."""
    done = lab("up", "topologies/two_paths.yaml", "--cli", said="client ping -c1 server\nexit\n")

    assert "1 packets transmitted, 1 received" in done.stderr  # where Mininet prints


def test_a_stock_mn(request, result):
    """``mn --custom`` builds the same network from the same file."""
    done = subprocess.run(
        ["mn", "--custom", "lab/topo.py", "--topo", "yaml,topologies/two_paths.yaml",
         "--controller", "none", "--test", "pingall"],
        cwd=request.config.rootpath, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip

    assert "0% dropped (6/6 received)" in done.stderr + done.stdout
