# Shelfsort. `make` lists the targets; every target does its own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Both are for stacks/choose: it takes the newest stack that this machine can run.
export PYTHON STACK
# Many tests start a process, which would compile our modules again.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
DEMO ?= demo-output
# Processes that share the tests, file by file: a file's costly fixtures are made once.
WORKERS ?= 2
# Quick tests wait as much as they compute.
QUICK_WORKERS ?= 3
SPREAD := --dist loadfile --no-loadscope-reorder -n

# pip's own words go to a log, and to the screen when it fails. Python compiles what it imports; most
# of what is installed it never does.
pip_install = $(BIN)/python -m pip install --disable-pip-version-check $(1) >>$(VENV)/install.log 2>&1 \
	|| { tail -20 $(VENV)/install.log >&2; echo "Set-up failed: the whole log is $(VENV)/install.log" >&2; exit 1; }

.PHONY: help setup demo demo-catalog test test-quick test-slow coverage test-environments lint docs docs-config lambdas attack lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(RUNTIME): stacks/choose $(wildcard stacks/*/requirements.lock) pyproject.toml $(wildcard distributions/*/pyproject.toml)
	@chosen=$$(stacks/choose); IFS=$$'\t' read -r stack python why <<<"$$chosen"; \
	echo "Set-up: $$stack on $$("$$python" --version): $$why"; \
	"$$python" stacks/check_compiler.py; \
	echo "Set-up: installing the locked packages into $(VENV) (2 to 6 minutes, once)"; \
	started=$$SECONDS; whole=$$([ ! -f $@ ] || cat $(VENV)/stack); rm -f $@; \
	[ "$$whole" = "$$stack" ] || "$$python" -m venv --clear $(VENV); echo "$$stack" >$(VENV)/stack; \
	$(call pip_install,--no-compile --no-deps --require-hashes -r stacks/$$stack/requirements.lock); \
	$(call pip_install,--no-deps --no-build-isolation -e . -e distributions/serving -e distributions/pipeline); \
	touch $@; echo "Set-up: done in $$((SECONDS - started)) s"

$(DEVELOPMENT): $(RUNTIME) $(wildcard stacks/*/requirements-dev.lock)
	@echo "Set-up: installing the test tools"
	@$(call pip_install,--no-compile --no-deps --require-hashes -r stacks/$$(cat $(VENV)/stack)/requirements-dev.lock)
	@touch $@

setup: $(DEVELOPMENT) ## Install everything into .venv

demo: $(RUNTIME) ## Make a small catalogue, train, check and push a model, ask it over gRPC
	@started=$$SECONDS; $(BIN)/shelfsort demo --output $(DEMO); \
	echo "make demo: $$((SECONDS - started)) s after set-up"

demo-catalog: $(RUNTIME) ## The same from a shop's tables and links to pictures, some of them slow or dead
	@started=$$SECONDS; $(BIN)/shelfsort demo --catalog --output $(DEMO)-catalog; \
	echo "make demo-catalog: $$((SECONDS - started)) s after set-up"

test: lint ## Run the linters and all tests (COVERAGE=1: say what the quick ones cover)
ifdef COVERAGE
	@$(MAKE) --no-print-directory coverage test-slow
else
	@started=$$SECONDS; $(BIN)/python -m pytest $(SPREAD) $(WORKERS) --durations=10; \
	echo "make test: $$((SECONDS - started)) s after set-up"
endif

test-quick: $(DEVELOPMENT) ## Run the quick tests (under 2 minutes)
	@started=$$SECONDS; $(BIN)/python -m pytest $(SPREAD) $(QUICK_WORKERS) -m "not slow"; \
	echo "make test-quick: $$((SECONDS - started)) s after set-up"

test-slow: $(DEVELOPMENT) ## Run the tests that test-quick leaves out
	@started=$$SECONDS; $(BIN)/python -m pytest $(SPREAD) $(WORKERS) -m slow --durations=10; \
	echo "make test-slow: $$((SECONDS - started)) s after set-up"

coverage: $(DEVELOPMENT) ## Run the quick tests and measure what they cover (half as long again)
	@$(BIN)/python -m pytest $(SPREAD) $(WORKERS) -m "not slow" --cov

test-environments: $(DEVELOPMENT) ## Test in environments of their own; record the results in docs/tested.md
	@$(BIN)/python -m pytest tests/environments

docs: $(DEVELOPMENT) ## Build the documentation site into site/
	@NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict --quiet

docs-config: $(DEVELOPMENT) ## Write the tables of settings and limits into the pages
	@PYTHONPATH=. $(BIN)/python docs/settings_tables.py
	@PYTHONPATH=. $(BIN)/python docs/limits_table.py

lambdas: $(RUNTIME) ## Write the archive of the Lambda functions of a Ground Truth job
	@$(BIN)/shelfsort labels lambdas --output build/shelfsort-lambdas.zip

attack: $(DEVELOPMENT) ## Attack a running model server over loopback, and watch its bystanders
	@$(BIN)/python -m pytest tests/serving/server/attack

lint: $(DEVELOPMENT) ## Check style, layers, types, dependencies and spelling
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint-types lint-others

.PHONY: lint-types lint-others
lint-types: $(DEVELOPMENT)
	@$(BIN)/mypy

lint-others: $(DEVELOPMENT)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/codespell
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/deptry --no-ansi .

release-check: $(DEVELOPMENT) ## Demand images by digest (PYTHON_IMAGE=, BEAM_IMAGE=, kustomizations)
	@PYTHON_IMAGE="$(PYTHON_IMAGE)" BEAM_IMAGE="$(BEAM_IMAGE)" $(BIN)/python .ci/release_check.py

lock: ## Resolve the ranges of pyproject.toml into the lock files of both stacks (needs uv)
	@stacks/lock

clean: ## Remove the environment and the demo's output
	rm -rf $(VENV) $(DEMO) $(DEMO)-catalog
