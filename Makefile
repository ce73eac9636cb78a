# Shelfsort. `make` lists the targets; every target does its own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.10
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
DEMO ?= demo-output
# Processes that share the tests, file by file: a file's costly fixtures are made once.
WORKERS ?= 2
SPREAD := -n $(WORKERS) --dist loadfile

# pip's own words go to a log, and to the screen when it fails.
pip_install = $(BIN)/python -m pip install --disable-pip-version-check $(1) >>$(VENV)/install.log 2>&1 \
	|| { tail -20 $(VENV)/install.log >&2; echo "Set-up failed: the whole log is $(VENV)/install.log" >&2; exit 1; }

.PHONY: help setup demo test test-quick test-environments lint docs lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(RUNTIME): requirements.lock pyproject.toml $(wildcard distributions/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null || { \
	  echo "Shelfsort needs Python 3.10, and '$(PYTHON)' is not it: install it, or name it with 'make PYTHON=/path/to/python3.10 ...'" >&2; exit 2; }
	@echo "Set-up: installing the locked packages into $(VENV) (2 to 6 minutes, once)"
	@started=$$SECONDS; $(PYTHON) -m venv --clear $(VENV); \
	$(call pip_install,--no-deps --require-hashes -r requirements.lock); \
	$(call pip_install,--no-deps --no-build-isolation -e . -e distributions/serving -e distributions/pipeline); \
	touch $@; echo "Set-up: done in $$((SECONDS - started)) s"

$(DEVELOPMENT): $(RUNTIME) requirements-dev.lock
	@echo "Set-up: installing the test tools"
	@$(call pip_install,--no-deps --require-hashes -r requirements-dev.lock)
	@touch $@

setup: $(DEVELOPMENT) ## Install everything into .venv

demo: $(RUNTIME) ## Make a small catalogue, train, check and push a model, ask it over gRPC
	@started=$$SECONDS; $(BIN)/shelfsort demo --output $(DEMO); \
	echo "make demo: $$((SECONDS - started)) s after set-up"

test: lint ## Run the linters and all tests (under 15 minutes)
	@started=$$SECONDS; $(BIN)/python -m pytest $(SPREAD) --durations=10; \
	echo "make test: $$((SECONDS - started)) s after set-up"

test-quick: $(DEVELOPMENT) ## Run the quick tests (under 3 minutes)
	@started=$$SECONDS; $(BIN)/python -m pytest $(SPREAD) -m "not slow"; \
	echo "make test-quick: $$((SECONDS - started)) s after set-up"

test-environments: $(DEVELOPMENT) ## Test in environments of their own; record the results in docs/tested.md
	@$(BIN)/python -m pytest tests/environments

lint: $(DEVELOPMENT) ## Check style, layers, types, dependencies and spelling
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/codespell
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/deptry --no-ansi .
	@$(BIN)/mypy

compile = uv pip compile pyproject.toml --extra pipeline --python-version 3.10 --generate-hashes --no-emit-index-url -q

lock: ## Resolve the ranges of pyproject.toml into the lock files (needs uv)
	$(compile) --custom-compile-command "make lock" -o requirements.lock
	$(compile) --extra dev -c requirements.lock --custom-compile-command "make lock" -o requirements-dev.lock
	@# Only what the GPU adds: the image has the rest already.
	{ echo "# What tensorflow[and-cuda] adds to requirements.lock: NVIDIA's libraries, for the GPU image."; \
	  $(compile) --extra gpu -c requirements.lock --no-annotate --no-header \
	  | awk '/^[a-z]/ { keep = /^nvidia-/ } keep'; } >requirements-gpu.lock.part
	mv requirements-gpu.lock.part requirements-gpu.lock

clean: ## Remove the environment and the demo's output
	rm -rf $(VENV) $(DEMO)
