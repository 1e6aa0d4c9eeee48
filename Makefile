# Everything happens in .venv, which each target sets up for itself.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq

# Debian packages of `make test-system`, installed where they are missing.
SYSTEM_PACKAGES := nginx chromium wrk
INSTALL_SYSTEM = { dpkg -s $(SYSTEM_PACKAGES) >/dev/null 2>&1 || { test "$$(id -u)" = 0 && apt-get -qq update \
	&& DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(SYSTEM_PACKAGES) >/dev/null; } \
	|| { echo "Please install: $(SYSTEM_PACKAGES)" >&2; exit 1; }; }

.PHONY: help demo test test-system check bench soak clean .venv
.DEFAULT_GOAL := help

help:
	@echo "make demo         a tour of the four clients; ONLY=kinto, keystone, sequoia or rest for one"
	@echo "make test         all tests that need nothing but pip"
	@echo "make test-system  tests with nginx, Chromium, and schemathesis"
	@echo "make check        ruff, mypy, pyright, import-linter"
	@echo "make bench        measure, and write docs/benchmarks.md; or some parts: ONLY='sequoia sync'"
	@echo "make soak         a server under load and rolling restarts, for MINUTES=4"
	@echo "make clean        remove .venv and caches"

demo: .venv/demo
	@$(BIN)/python examples/tour $(if $(ONLY),--only $(ONLY)) $(if $(COUNT),--count $(COUNT))

test: .venv/run
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4

test-system: .venv/run
	@if ls tests/system/test_*.py >/dev/null 2>&1; then $(INSTALL_SYSTEM) && PATH="$$PATH:/usr/sbin" $(BIN)/python -m pytest tests/system; \
	else echo "No system tests yet."; fi

check: .venv/check
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy $(wildcard src tests/typing)
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	@$(BIN)/lint-imports --no-cache

bench: .venv/run
	@$(BIN)/python -m benchmarks.run $(if $(ONLY),--only $(ONLY))

MINUTES := 4
soak: .venv/run
	@$(BIN)/python -m benchmarks.soak --minutes $(MINUTES)

clean:
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
	@find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# The whole environment, for an editor or a shell.
.venv: .venv/run .venv/check

# Stamps: what a target needs is installed again when pyproject.toml changes.
.venv/demo: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("restwright needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.11")'
	@echo "Setting up .venv ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install -e '.[kinto,sandbox,sequoia]'
	@touch $@

.venv/run: .venv/demo
	@$(PIP) install -e '.[test]'
	@touch $@

.venv/check: .venv/run
	@$(PIP) install -e '.[check]'
	@touch $@
