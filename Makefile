# make demo   see it work           make test   check everything
# make setup  install what is missing  make lint   the quick checks, without running anything
# make bench  measure the speed of mptcpapi and of building networks, and write benchmarks/*.md
# make clean  remove what make made (results/ stays: remove runs as you like)

PYTHON ?= python3
venv := .venv
bin := $(venv)/bin

.PHONY: demo test setup lint bench clean help

help:
	@sed -n 's/^# make/make/p' Makefile

demo: setup
	@$(bin)/mptcp-lab demo

test: setup lint
	@$(bin)/pytest -n 2 --verify tests scenarios

lint: setup
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/mypy

setup: $(venv)/ready
	@PYTHON=$(PYTHON) .ci/install-system-packages

bench: setup
	@mkdir -p build
	@$(bin)/pytest benchmarks --keep failed --benchmark-json=build/benchmarks.json
	@$(bin)/python benchmarks/table.py build/benchmarks.json >benchmarks/README.md
	@$(bin)/python benchmarks/building_table.py build/benchmarks.json >benchmarks/building.md

# The stamp is newer than what it was made from, so an unchanged checkout installs nothing.
$(venv)/ready: pyproject.toml Makefile
	@PYTHON=$(PYTHON) .ci/install-system-packages
	@echo "preparing $(venv) (about a minute)"
	@$(PYTHON) -m venv $(venv)
	@$(bin)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(venv) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
