# Each target sets up what it needs, so `make demo` works in a fresh clone.
# With another interpreter: make clean, then make setup PYTHON=python3.13

PYTHON ?= python3
BIN := .venv/bin
# Twice quiet: warnings about the user's own pip configuration are not ours to show. Errors stay.
INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup demo test check format bench bench-quick bench-growth proof lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.setup-stamp ## Create .venv with Recado in it
	@:

demo: setup ## Run Recado with a chat page on this machine, no credentials needed
	@exec $(BIN)/recado demo

test: .venv/.test-stamp ## Run the tests
	$(BIN)/python -m pytest -m "not alone" --numprocesses auto --dist loadscope
	$(BIN)/python -m pytest -m alone

check: .venv/.test-stamp .venv/.check-stamp .venv/.bench-stamp ## Check format, lint, types and architecture
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: .venv/.check-stamp ## Format the code and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/.bench-stamp ## Run the benchmarks: other senders beside Recado, a million schedules, 100,000 watches
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.schedules
	$(BIN)/python -m benchmarks.watches

bench-quick: .venv/.bench-stamp ## Run the benchmarks in small
	$(BIN)/python -m benchmarks --quick

bench-growth: .venv/.bench-stamp ## See what a million references and deliveries cost (half an hour)
	$(BIN)/python -m benchmarks.growth

PROOFS := pace many soak races kills killed database network

proof: .venv/.test-stamp ## Prove pace and durability at length, in real time (about an hour)
	@failed=0; \
	for each in $(PROOFS); do $(BIN)/python -m proofs.$$each || failed=1; done; \
	exit $$failed

# Keeps the versions already locked; `make lock UPGRADE=1` moves to the newest.
COMPILE = "$$tmp/bin/uv" pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header $(if $(UPGRADE),--upgrade)

lock: ## Write the requirements*.lock files anew
	@set -e; tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT INT TERM; \
	$(PYTHON) -m venv "$$tmp"; \
	"$$tmp/bin/python" -m pip install --quiet --quiet --disable-pip-version-check uv; \
	$(COMPILE) pyproject.toml requirements.in --output-file requirements.lock; \
	pinned="--constraints requirements.lock"; \
	for kind in test check bench; do \
		$(COMPILE) requirements-$$kind.in $$pinned --output-file requirements-$$kind.lock; \
		pinned="$$pinned --constraints requirements-$$kind.lock"; \
	done

clean: ## Remove everything these targets made (databases are yours and stay)
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# venv writes pip last, so pip there means the environment is whole; a half-made one is started anew.
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Recado needs Python 3.11 or newer: name one with make PYTHON=python3.12 (or wherever yours is)." >&2; \
		exit 1; }
	@$(PYTHON) -m venv --clear .venv

.venv/.setup-stamp: requirements.lock pyproject.toml | .venv/bin/pip
	@echo "Installing Recado into .venv ..."
	@$(INSTALL) --require-hashes --requirement requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.%-stamp: requirements-%.lock .venv/.setup-stamp
	@echo "Installing what make $* needs ..."
	@$(INSTALL) --require-hashes --requirement $<
	@touch $@
