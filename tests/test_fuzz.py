"""A seeded mutator over the corpus: any file ends with a result or a typed error.

1,000 packets in every run; 100,000 with ``--fuzz`` (minutes). tests/data/fuzzed has small files
that a fuzzer guided by coverage made: each reaches code that no other had reached before.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from fuzzing import DATA, examine, mutants

SEED = 8684
FOUND = sorted((DATA / "fuzzed").glob("*"))


def test_changed_files_end_with_a_result_or_a_typed_error(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    enough = 100_000 if request.config.getoption("fuzz") else 1_000
    packets = 0
    for number, data in enumerate(mutants(SEED)):
        try:
            packets += examine(data)
        except Exception as error:
            kept = tmp_path / "found"
            kept.write_bytes(data)
            pytest.fail(f"mutant {number} of seed {SEED}, kept as {kept}: {error!r}")
        if packets >= enough:
            break


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_files_that_reach_other_code(path: Path) -> None:
    examine(path.read_bytes())


def test_the_same_seed_gives_the_same_files() -> None:
    """So that a number and a seed are enough to find a mutant again."""
    one, other = (list(islice(mutants(SEED), 20)) for _ in range(2))

    assert one == other
    assert one != list(islice(mutants(SEED + 1), 20))
