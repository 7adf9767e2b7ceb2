"""Annotations and summaries for continuous integration, from what is known of each test."""

import re

from hypothesis import given
from hypothesis import strategies as st

from lab.summary import github
from lab.summary.case import Case, Ending
from lab.summary.markdown import code, page, text

TESTS = [
    Case("s/t.py::test_a", Ending.PASSED, "", "s/t.py", 3, 1.5,
           {"lab.run": "/r/results/20260131-a", "lab.kernel": "6.18"}),
    Case("s/t.py::test_b[x,1]", Ending.FAILED, "expected 1,\nsaw 100 %", "s/t.py", 9, 0.5,
           {"lab.run": "/r/results/20260131-b", "lab.kernel": "6.18"}),
    Case("s/t.py::test_c", Ending.INVALID, "2 packets are missing", "s/t.py", 20, 2.5),
    *(Case(f"s/u.py::test_{n}", Ending.SKIPPED, "no netem here", "s/u.py", n, 0)
      for n in range(1, 8)),
    Case("s/u.py::test_i", Ending.SKIPPED, "no ioth here", "s/u.py", 40, 0),
]  # fmt: skip


def test_annotations_are_those_that_github_reads():
    lines = list(github.lines(TESTS, "lab/"))

    assert lines[0] == (
        "::error file=lab/s/t.py,line=9,title=failed%3A s/t.py%3A%3Atest_b[x%2C1]::"
        "expected 1,%0Asaw 100 %25%0AThe run is kept: /r/results/20260131-b"
    )
    assert lines[1].startswith("::error file=lab/s/t.py,line=20,title=invalid%3A s/t.py")
    assert lines[2].endswith("s/u.py::test_4, s/u.py::test_5, and 2 more")
    assert lines[3] == (
        "::notice file=lab/s/u.py,line=40,title=skipped::no ioth here%0As/u.py::test_i"
    )
    assert len(lines) == 4, "one notice for each reason"


anything = st.text(st.characters(codec="utf-8"), max_size=40)


@given(anything, anything)
def test_nothing_from_outside_ends_an_annotation(name, reason):
    (line,) = github.lines([Case(name, Ending.FAILED, reason, "t.py", 1, 0)])

    assert re.fullmatch(r"::error file=t\.py,line=1,title=[^\r\n:,]*::[^\r\n]*", line)


def test_a_summary_has_what_is_asked_first():
    told = page(TESTS, title="lab", results="/r/results")

    assert told.startswith("# lab: 1 failed, 1 invalid, 8 skipped, 1 passed\n")
    assert "| 8 | skipped |" in told
    assert "| `s/t.py::test_b[x,1]` | expected 1,<br>saw 100 % | `20260131-b` |" in told
    assert "| `s/t.py::test_c` | 2 packets are missing |  |" in told
    assert told.index("no netem here") < told.index("no ioth here"), "the frequent reason first"
    assert re.search(r"## Slowest.*\n\n.*\n.*\n\| 2\.5 s \| `s/t\.py::test_c`", told)
    assert "| kernel | `6.18` |" in told
    assert told.endswith("Runs are kept in `/r/results`: `mptcp-lab show RUN` prints one.\n")


def test_a_summary_of_nothing():
    assert (
        page([], title="lab", results="r") == "# lab: no tests\n\n| tests |  |\n| --- | --- |\n\n"
    )


@given(anything)
def test_nothing_from_outside_leaves_its_cell(words):
    """No line ends, no bar outside an escape; and code is closed by its own fence only."""
    for cell in (text(words), code(words)):
        assert len(f"{cell}.".splitlines()) == 1
        assert not re.search(r"(?<!\\)\|", cell)
    assert not re.search(r"(?<!\\)[<`\[]", text(words).replace("<br>", ""))
    fence = re.match("`+", code(words))[0]
    inside = code(words)[len(fence) : -len(fence)]
    assert fence not in re.findall("`+", inside)


def test_what_a_terminal_would_act_on_is_left_out():
    assert text("\x1b[31mred\u202e <b>") == r"\[31mred \<b\>"
