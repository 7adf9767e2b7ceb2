"""How a set of one processor is written."""

import pytest

from lab import receiving


@pytest.mark.parametrize(
    ("processor", "written"),
    [(0, "1"), (1, "2"), (31, "80000000"), (32, "1,00000000"), (70, "40,00000000,00000000")],
)
def test_a_processor_as_a_mask(processor: int, written: str) -> None:
    assert receiving.mask(processor) == written
