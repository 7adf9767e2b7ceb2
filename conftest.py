"""Makes the lab's markers, fixtures and sandbox available to every test below."""

import pytest

pytest.register_assert_rewrite("contract_cases", "contract_worlds")

pytest_plugins = ["lab.plugin"]
