"""The reference names every public thing, and draws the tree of errors as it is."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import mptcpapi
from mptcpapi import aio, draft, errors

ROOT = Path(__file__).parent.parent
PAGES = {
    name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("mptcpapi", "options", "porting")
}
PAGE = PAGES["mptcpapi"]


def defined_in(module: ModuleType) -> list[str]:
    """The public functions and classes of a module, without what it imports."""
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
    ]


def own_methods(owner: type) -> list[str]:
    return [name for name, _ in vars(owner).items() if not name.startswith("_")]


@pytest.mark.parametrize("name", mptcpapi.__all__)
def test_every_name_of_the_package(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)


@pytest.mark.parametrize("name", [name for name in defined_in(aio) if name not in {"T"}])
def test_every_name_of_aio(name: str) -> None:
    section = PAGE[PAGE.index("\n## asyncio") :]

    assert re.search(rf"\b{name}\b", section)


@pytest.mark.parametrize("name", defined_in(draft))
def test_every_name_of_the_draft(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGES["porting"])


@pytest.mark.parametrize(
    "name", sorted({*own_methods(mptcpapi.Socket), *own_methods(mptcpapi.EventStream)})
)
def test_every_method(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)


def fields(owner: type) -> list[str]:
    return list(owner.__annotations__)


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            *fields(mptcpapi.Subflow),
            *fields(mptcpapi.Endpoint),
            *fields(mptcpapi.Event),
            *fields(mptcpapi.ManagedAddress),
            *fields(mptcpapi.Limits),
            *mptcpapi.EventKind.__members__,
        }
    ),
)
def test_every_field(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)


def tree_in(text: str) -> dict[str, str | None]:
    """The base of each class in a drawing of the tree; ``None`` for the root."""
    bases: dict[str, str | None] = {}
    path: list[str] = []
    for line in text.splitlines():
        if drawn := re.match(r"([│├└─ ]*)([A-Z]\w+)(?: |$)", line):
            depth = len(drawn[1]) // 4
            del path[depth:]
            if depth == len(path):
                bases.setdefault(drawn[2], path[-1] if path else None)
                path.append(drawn[2])
    return bases


def tree_that_is() -> dict[str, str | None]:
    found = inspect.getmembers(errors, inspect.isclass)
    return {
        name: None if thing is errors.MptcpError else thing.__bases__[0].__name__
        for name, thing in found
        if issubclass(thing, errors.MptcpError)
    }


@pytest.mark.parametrize("where", ["the reference", "the module"])
def test_the_tree_of_errors(where: str) -> None:
    text = PAGE.split("## Errors")[1] if where == "the reference" else str(errors.__doc__)
    drawn = text[text.index("\nMptcpError") :].partition("```")[0].strip()

    assert tree_in(drawn) == tree_that_is()


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("NoPrivilege", PermissionError),
        ("InvalidArgument", ValueError),
        ("SubflowTimeout", TimeoutError),
    ],
)
def test_errors_that_are_builtin_ones_too(name: str, builtin: type[Exception]) -> None:
    (row,) = (line for line in PAGE.splitlines() if f"── {name} " in line)

    assert f"also a {builtin.__name__}" in row
    assert issubclass(getattr(errors, name), builtin)


def test_the_errnos_in_the_tree() -> None:
    """Each class whose row names one errno is raised with no other, wherever it is raised."""
    rows = dict(re.findall(r"── (\w+) .*?\b(E[A-Z]{3,})\b", PAGE))
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "mptcpapi").rglob("*.py")
        if path.name != "draft.py"  # has the draft's errnos, which the porting page lists,
        and path.parent.name != "run"  # and so has what answers with them
    )
    raised = re.findall(r"\b([A-Z]\w+)\(\s*(E[A-Z]{3,}),", source)
    wrong = {(name, code) for name, code in raised if name in rows and rows[name] != code} - {
        ("KernelRefused", code) for _, code in raised
    }

    assert wrong == set()
    assert len(rows) >= 10
