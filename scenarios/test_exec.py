"""What runs in ``mptcp-lab exec`` can use the machine's files, and tidies up none of them."""

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.topology("two_paths")

MISTAKEN = "topology: 1\nname: mistaken\nhosts: {client: {}}\nlnks: {}\n"


@pytest.fixture
def execute(request):
    """Run ``mptcp-lab exec -- COMMAND`` and give what it printed."""

    def run(*command, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "lab.start", "exec", "--", *map(str, command)],
            cwd=request.config.rootpath, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False, env=os.environ | environment,
        )  # fmt: skip
        return done.stdout

    return run


@pytest.fixture
def shared_file():
    """A file of ours directly in /tmp, with a name that Mininet's cleanup looks for."""
    path = Path(f"/tmp/mptcp-lab-{secrets.token_hex(8)}.log")  # noqa: S108 - it is about /tmp
    path.write_text("precious", encoding="ascii")
    yield path
    path.unlink()


def test_a_file_in_tmp_can_be_used_but_not_removed(execute, shared_file, result):
    """An entry of /tmp can be read and written; removed and renamed it is not."""
    beside = shared_file.with_suffix(".new")

    said = execute(
        "bash", "-c", 'cat "$1"; rm -f "$1"; mv "$1" "$2"; echo " indeed" >> "$1"; echo > "$2"',
        "bash", shared_file, beside,
    )  # fmt: skip

    assert said.startswith("precious")
    assert said.count("Device or resource busy") == 2
    assert shared_file.read_text(encoding="ascii") == "precious indeed\n"
    assert not beside.exists(), "what is made directly in /tmp is the sandbox's own"


def test_a_directory_in_tmp_is_the_machines(execute, result):
    """What is written below a directory of /tmp, such as a checkout or results, stays."""
    kept = Path(f"/tmp/mptcp-lab-{secrets.token_hex(8)}")  # noqa: S108 - it is about /tmp
    kept.mkdir()
    try:
        execute("bash", "-c", 'cd "$1" && mkdir run && echo kept > run/manifest', "bash", kept)

        assert (kept / "run/manifest").read_text(encoding="ascii") == "kept\n"
    finally:
        subprocess.run(["rm", "-r", kept], check=True)


def test_mn_tidies_up_nothing_after_a_mistake(execute, shared_file, result):
    """A stock mn says what is wrong with a file, and runs no cleanup."""
    mistaken = result.directory / "mistaken.yaml"
    mistaken.write_text(MISTAKEN, encoding="ascii")

    said = execute(
        Path(sys.executable).with_name("mn"), "--custom", "lab/topo.py",
        "--topo", f"yaml,{mistaken}", "--controller", "none",
    )  # fmt: skip

    assert "unknown key 'lnks' (did you mean 'links'?" in said
    assert "Removing junk" not in said
    assert shared_file.exists()


@pytest.mark.skipif(not shutil.which("pkill"), reason="mn -c takes pkill: apt install procps")
def test_even_an_mn_that_tidies_up_removes_nothing(execute, shared_file, result):
    """``mn -c`` finds nothing of the machine in /tmp and ~/.ssh/mn that it could remove."""
    connection = result.directory / "home/.ssh/mn/connection"
    connection.parent.mkdir(parents=True)
    connection.touch()

    said = execute(Path(sys.executable).with_name("mn"), "-c", HOME=str(result.directory / "home"))

    assert "Cleanup complete" in said
    assert shared_file.exists()
    assert connection.exists()


def test_each_kind_of_namespace_is_its_own(execute, result):
    """Host name, message queues, processes, mounts and network are not those outside."""
    kinds = ("uts", "ipc", "pid", "mnt", "net")

    inside = execute("readlink", *(f"/proc/self/ns/{kind}" for kind in kinds)).split()

    outside = [str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in kinds]
    assert len(inside) == len(outside)
    assert not set(inside) & set(outside)
