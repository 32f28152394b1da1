# What a person types. Everything here sets up what it needs first, and does that once.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := pulumi pulumi-language-python etcd
CACHE := $(or $(GREENFIELD_CACHE_DIR),$(HOME)/.cache/greenfield)
export PATH := $(CURDIR)/$(BIN):$(PATH):/usr/sbin:/sbin:$(CACHE)/tools/chrony/bin
export PYTHON

# Tests must end within a time that counts from here, set-up included.
export GREENFIELD_BEGAN := $(or $(GREENFIELD_BEGAN),$(shell date +%s))

# The lab makes namespaces, mounts and cgroups. Its files stay where this user's are.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo env HOME="$$HOME" PATH="$$PATH" CI="$${CI:-}" GREENFIELD_BEGAN="$$GREENFIELD_BEGAN")

.PHONY: help setup packages compiled toolchain demo test prove changed lint unit bench down clean

help: ## Show this.
	@printf 'Greenfield: from a spec of a new data-centre cluster to accepted capacity.\n\n'
	@printf '  make demo     first: boots a small IDC on this machine, delivers a cluster on it, accepts it\n'
	@printf '  make test     second: checks, all unit tests, and events of life on real hosts\n\n'
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## (.*)/  \1\t\2/' | expand -t 12
	@printf '\nAfter the demo: greenfield lab status | greenfield lab shell r1-h1 | make down\n'
	@printf 'The command line is %s/greenfield.\n' '$(BIN)'

setup: packages ## Install what is missing: packages, Python environment, tools.
	@$(MAKE) -j2 compiled toolchain

packages:
	@.ci/packages

# A stamp, so that it is done once, and again when the lock changes.
$(VENV)/.locked: requirements.lock | packages
	@$(PYTHON) -c 'import sys; sys.exit(f"error: Python 3.11 or later is needed, {sys.version.split()[0]} is there; make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'installing the locked Python packages (once, a minute or two)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	@# By all cores; a few files are no Python of this version, and pip would pass over them too.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Once, and not at each start where Python was told to write no bytecode: a second of the shortest `greenfield up`.
compiled: $(VENV)/.installed
	@$(BIN)/python -m compileall -qq -j 0 greenfield

toolchain: | packages
	@$(PYTHON) greenfield/artifacts/toolchain.py build $(TOOLS) >/dev/null

demo: setup ## Boot the lab, deliver examples/lab on it with pulumi up, accept it, show the report.
	@$(AS_ROOT) $(BIN)/greenfield demo

test: setup ## Lint, types, contracts, unit tests, then life on real lab hosts: a fixed part, and what is most due.
	@$(AS_ROOT) env PYTHONDONTWRITEBYTECODE=1 $(BIN)/python -m prove test

# What follows prove on the command line are names: make prove etcd/lose redis
ifeq (prove,$(firstword $(MAKECMDGOALS)))
NAMES := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
ifneq (,$(NAMES))
.PHONY: $(NAMES)
$(NAMES): prove ; @:
endif
endif

prove: setup ## Everything on hosts, or KIND[/EVENT]...; STALE=1 FOR=60m TIMES=20 AGAIN=1 GO_ON=1 METER=1 LIST=1 DOWN=1
	@$(AS_ROOT) env PYTHONDONTWRITEBYTECODE=1 $(BIN)/python -m prove \
	  $(if $(DOWN),down,$(if $(LIST),list,run $(if $(STALE),--stale) $(if $(FOR),--for $(FOR)) $(if $(TIMES),--times $(TIMES)) \
	  $(if $(AGAIN),--again) $(if $(GO_ON),--go-on) $(if $(METER),--meter))) $(if $(DOWN),,$(NAMES))

changed: $(VENV)/.installed ## What the changes since the last commit touch, which tests to run for them, and how long they take.
	@$(BIN)/python -m prove changed

lint: $(VENV)/.installed ## Only the checks that run nothing: ruff, mypy, import contracts, ansible-lint, yamllint.
	@.ci/lint

unit: $(VENV)/.installed ## Only the tests that need no host.
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/unit

bench: setup ## Measure against the plain tools; writes docs/performance.md.
	@$(AS_ROOT) $(BIN)/python -m bench

down: $(VENV)/.installed ## Take the lab down. What the mirror holds stays.
	@$(AS_ROOT) $(BIN)/greenfield lab down

clean: ## Remove the environment and what tests and checks left in this folder; caches in the home folder stay.
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
