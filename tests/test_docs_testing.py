"""The example on the page about testing works, run as a reader would run it."""

import re
import subprocess
import sys
from pathlib import Path

from mptcpapi.testing import FakeStack

PAGE = (Path(__file__).parent.parent / "docs" / "testing.md").read_text(encoding="utf-8")


def test_the_example_passes(tmp_path: Path) -> None:
    for name, code in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL):
        (tmp_path / name).write_text(code, encoding="utf-8")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "4 passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == 0


def test_the_page_names_what_the_stack_can_do() -> None:
    calls = {name for name in vars(FakeStack) if not name.startswith("_")}
    assert calls == calls & set(re.findall(r"`(\w+)\(", PAGE))
