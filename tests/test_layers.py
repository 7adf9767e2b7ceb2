"""A module imports only from lower rows of the table in ARCHITECTURE.md."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("lab", "mptcpapi")
PUBLIC = ("mptcpapi", "mptcpapi.stacks")
"""What an application imports of the library."""


def read_rows() -> dict[str, int]:
    """Module names by their row in the table."""
    rows = {}
    for line in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"\| (\d+) \|", line):
            for name in re.findall(r"`((?:lab|mptcpapi)[\w.]*)`", line):
                rows[name] = int(match[1])
    return rows


ROWS = read_rows()
MODULES = [
    path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))
]  # fmt: skip


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def row_of(module: str) -> int | None:
    """The row of the module, or of the nearest package around it that has one."""
    while module and module not in ROWS:
        module = module.rpartition(".")[0]
    return ROWS.get(module)


def imported(path: Path) -> set[str]:
    """The project's modules that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if is_module(name) else node.module for name in inside}
    return {name for name in found if name.partition(".")[0] in PACKAGES}


def is_module(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def package_in_table(module: str) -> str:
    while module not in ROWS and "." in module:
        module = module.rpartition(".")[0]
    return module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    module = name_of(path)
    mine = row_of(module)
    assert mine is not None, f"{module} has no row in ARCHITECTURE.md"
    for other in imported(path):
        if package_in_table(other) == package_in_table(module):
            continue  # within one entry of the table, the parts may know each other
        if module.startswith("lab") and other.startswith("mptcpapi"):
            assert other in PUBLIC, f"{module} imports {other}, which is not public"
            continue
        theirs = row_of(other)
        assert theirs is not None, f"{other} has no row in ARCHITECTURE.md"
        assert theirs < mine, f"{module} (row {mine}) imports {other} (row {theirs})"


def test_the_library_does_not_know_the_lab() -> None:
    users = [name_of(path) for path in (ROOT / "mptcpapi").rglob("*.py")
             if any(name.startswith("lab") for name in imported(path))]  # fmt: skip

    assert not users


def test_every_entry_of_the_table_exists() -> None:
    missing = [name for name in ROWS if name not in PACKAGES and not is_module(name)]

    assert not missing
