"""Makes the lab's markers, fixtures and sandbox available to every test below."""

import pytest

pytest_plugins = ["lab.plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="the soak scenario in its full size")
