# Everything runs from .venv, which `setup` makes and keeps in step with the lock.
# Needs Python 3.11 or newer, git and make.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP_INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input
PYTEST_ARGS ?=
# As many processes as there are cores, each with a Postgres of its own; a run that names its tests is one process.
PYTEST_CORES ?= $(if $(PYTEST_ARGS),,--numprocesses=auto --maxprocesses=4 --dist=worksteal)
BENCH_ARGS ?=
FUZZ_ARGS ?=
# Which uv writes the locks, and what it is told: `make lock LOCK_ARGS=--upgrade`.
UV_VERSION := 0.13.9
LOCK_ARGS ?=
# pyright is the locked one; it need not ask whether there is a newer.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test check format format-check lint types layers wheel-check soak fuzz bench bench-peers schemas lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r name what; do printf '%-18s %s\n' "$$name" "$$what"; done

setup: $(STAMP) ## Make .venv with the locked dependencies and this checkout

$(STAMP): requirements/dev.lock requirements/npm/package-lock.json pyproject.toml
	@set -e; \
	if ! $(BIN)/python -c '' 2>/dev/null; then \
		for python in $(PYTHON) python3.13 python3.12 python3.11 python3 none; do \
			if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
			then break; fi; \
		done; \
		if [ "$$python" = none ]; then \
			echo 'setup: no Python 3.11 or newer found; install one, or name it: make PYTHON=...' >&2; \
			exit 1; \
		fi; \
		echo "Making $(VENV) with $$("$$python" --version)"; \
		rm -rf $(VENV); \
		"$$python" -m venv $(VENV) || { \
			rm -rf $(VENV); \
			echo 'setup: this Python has no venv module; on Debian, install python3-venv' >&2; \
			exit 1; \
		}; \
	fi
	@echo 'Installing the locked dependencies (the first time takes a minute)'
	@$(PIP_INSTALL) --require-hashes --requirement requirements/dev.lock
	@$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@if command -v npm >/dev/null 2>&1; then \
		cp requirements/npm/package.json requirements/npm/package-lock.json $(VENV)/; \
		npm ci --prefix $(VENV) --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null || \
			echo 'setup: no MCP server from npm, so its test is skipped' >&2; \
	fi
	@touch $@

demo: $(STAMP) ## Watch one session live, die, resume and fork (no key, no network)
	@$(BIN)/turnlog demo

test: $(STAMP) ## Run the tests, on a Postgres they start themselves (PYTEST_ARGS=...)
	@$(BIN)/pytest $(PYTEST_CORES) $(PYTEST_ARGS)

check: format-check lint types layers wheel-check test ## Everything CI runs

format: $(STAMP) ## Format the code and apply the safe fixes
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

format-check: $(STAMP)
	@$(BIN)/ruff format --check .

lint: $(STAMP) ## Run ruff
	@$(BIN)/ruff check .

types: $(STAMP) ## Run mypy and pyright, both strict
	@$(BIN)/mypy
	@$(BIN)/pyright

layers: $(STAMP) ## Check who imports whom, and what is shipped
	@$(BIN)/pytest --quiet tests/test_architecture.py tests/test_packaging.py

wheel-check: $(STAMP) ## Build the wheel, install it elsewhere, run the demo from it
	@scripts/wheel_check.sh

soak: $(STAMP) ## Run the tests that take minutes
	@$(BIN)/pytest -m soak --timeout=3600 $(PYTEST_ARGS)

fuzz: $(STAMP) ## Compare what permission rules make of commands with what bash runs (FUZZ_ARGS='--seed 2')
	@$(BIN)/python -m tests.permissions.fuzz $(FUZZ_ARGS)

bench: $(STAMP) ## Measure turnlog beside stock recorders and raw SQL (BENCH_ARGS=--quick)
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)

bench-peers: .venv-peers/.installed ## Measure turnlog beside other agent frameworks, in .venv-peers
	@.venv-peers/bin/python -m benchmarks.peers $(BENCH_ARGS)

.venv-peers/.installed: requirements/peers.lock pyproject.toml | $(STAMP)
	@echo 'Installing the peers (the first time takes a few minutes)'
	@$(BIN)/python -m venv .venv-peers
	@set -e; install='.venv-peers/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input'; \
	if $$install --require-hashes --requirement requirements/peers.lock; then touch $@.all; else \
		echo 'bench-peers: the peers could not be installed, so turnlog runs alone' >&2; rm -f $@.all; \
		$$install --require-hashes --requirement requirements/dev.lock; \
	fi; \
	$$install --no-build-isolation --no-deps --editable .; \
	if [ -e $@.all ]; then mv $@.all $@; fi

schemas: $(STAMP) ## Write docs/schemas again: the JSON Schema of every event
	@$(BIN)/python scripts/schemas.py

lock: ## Write both lock files again (LOCK_ARGS=--upgrade for newer versions)
	@UV_VERSION=$(UV_VERSION) scripts/lock.sh $(LOCK_ARGS)

clean: ## Remove .venv and everything tools left behind
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
