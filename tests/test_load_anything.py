"""Any content whatever is a topology or a list of mistakes, never an error of another kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.errors import Mistake, MistakenFile
from lab.load import load, loads
from lab.model import Topology

ROOT = Path(__file__).parent.parent
GOOD = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "topologies").glob("*.yaml"))]
FOREIGN = ("Input should", "Field required", "pydantic", "http", "Traceback", "validation")
PIECES = [
    *":[]{},#'\"\\|>%?~-\n\t\r\0\x85\ufeff\ud800\u7121\U0001f600",
    *(": ", "- ", "\n  ", "&a ", "*a", "!x ", "!!python/none ", "<<: ", "---\n", "...\n"),
    *("null", "0", "-1", "1e400", "nan", "Mbit/s", "ms", "rate: ", "there: ", "hosts:\n"),
    *("client", "gw:wifi", "10.0.1.0/24", "::/0"),
]
HARMFUL = re.compile("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]")
"""Characters that a terminal may take for commands, or that cannot be written."""


def ask_everything(topology: Topology) -> None:
    """See that a topology that was loaded can answer."""
    for node in topology.nodes:
        assert all(end.addresses for _, end in topology.ends_of(node))
    for link in topology.links.values():
        for direction in (link.there, link.back):
            assert direction.jitter <= direction.delay
            assert direction.rate or not direction.queue


def check(content: str | bytes) -> None:
    """See that every mistake in ``content`` is a good one."""
    found: list[Mistake] = []
    try:
        ask_everything(loads(content, "f.yaml"))
    except MistakenFile as error:
        found = list(error.mistakes)
    assert found == sorted(set(found))
    for mistake in found:
        assert mistake.line >= 1
        assert 1 <= mistake.column <= len(content) + 1
        assert not mistake.source or mistake.column <= len(mistake.source) + 1
        assert not HARMFUL.search(str(mistake))
        assert not any(word in mistake.message for word in FOREIGN)


@given(st.text() | st.binary() | st.lists(st.sampled_from(PIECES)).map("".join))
@settings(deadline=None, max_examples=300)
def test_any_content(content: str | bytes) -> None:
    check(content)


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """A good file with a few pieces put in, taken out, or put in place of others."""
    text = draw(st.sampled_from(GOOD))
    text = text[text.index("topology:") :]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.sampled_from([0, 0, 1, 3, 10, 30]))
        text = text[:start] + draw(st.sampled_from(["", *PIECES])) + text[end:]
    return text


@given(spoiled())
@settings(deadline=None, max_examples=500)
def test_spoiled_files(content: str) -> None:
    check(content)


@given(st.sampled_from(GOOD), st.data())
@settings(deadline=None, max_examples=200)
def test_files_with_lines_left_out_repeated_or_moved(text: str, data: st.DataObject) -> None:
    lines = text.splitlines(keepends=True)
    order = data.draw(st.lists(st.sampled_from(range(len(lines))), max_size=2 * len(lines)))
    left_out = data.draw(st.sets(st.sampled_from(range(len(lines))), max_size=3))
    check("".join(line for i, line in enumerate(lines) if i not in left_out))
    check("".join(lines[i] for i in order))


@given(st.text(max_size=20))
def test_any_path(name: str) -> None:
    with pytest.raises(MistakenFile) as caught:
        load(Path("/nonexistent", f"x{name}"))
    assert len(caught.value.mistakes) == 1
