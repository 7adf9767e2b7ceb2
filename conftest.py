"""Makes the lab's markers, fixtures and sandbox available to every test below."""

import pytest

pytest.register_assert_rewrite("contract_cases", "contract_sockets", "contract_worlds")
pytest_plugins = ["lab.plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="the soak scenario in its full size")
    parser.addoption(
        "--fuzz", action="store_true", help="100,000 changed packets, and every bit of each option"
    )
