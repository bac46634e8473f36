# Needs Python >= 3.11, git and make; everything else is installed into .venv.
.DEFAULT_GOAL := help
.PHONY: help setup repro publish report test test-all campaign bench lint format lock

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: $(BIN)/.ready  ## Create .venv with every package pinned by hash

$(BIN)/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else f"error: PYTHON is {sys.version.split()[0]}; allowed: 3.11 to 3.13")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

repro: setup  ## Rebuild the study in params.yaml; STUDY=<name> switches to studies/<name> first, JOBS=<n> runs n stages at a time
	@$(if $(STUDY),python -m softcifar.pipeline.studies --switch '$(STUDY)')
	@python -m stages.plan --check --tidy
	@python -m softcifar.pipeline.jobs $(if $(JOBS),--jobs $(JOBS))
	@$(MAKE) --no-print-directory report

publish: setup  ## Store the finished run in studies/<its name>, and write the index of studies/README.md; NOTE='<what else to know>'
	@python -m softcifar.pipeline.publish $(if $(NOTE),--note "$$NOTE")

report:  ## Open the report, or name the page where there is no screen
	@test -f reports/index.html || { echo "error: reports/index.html is not there; run make repro" >&2; exit 2; }
	@echo "report: $(CURDIR)/reports/index.html"
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ]; then $(PYTHON) -m webbrowser "file://$(CURDIR)/reports/index.html"; fi

test: setup  ## Run the quick tests, one worker per core (they include the smoke study, from params to page); about 13 minutes on 2 cores
	pytest -n auto --dist worksteal -m "not slow"

test-all: setup  ## Run every test, also those with real dvc, Ray and a browser; over 20 minutes on 2 cores
	pytest -n auto --dist worksteal

campaign: setup  ## Spoil 1,000 params and 100 data files of every kind, kill 20 runs, and count; 28 minutes on 2 cores; test-all does a tenth
	CAMPAIGN_SHARE=1 pytest -n auto --dist worksteal tests/campaign

bench: setup  ## Measure speed, parity, memory and scaling into bench/results; about 35 minutes on 2 idle cores
	@python -m bench

lint: setup  ## Check style and formatting
	ruff check .
	ruff format --check .

format: setup  ## Fix what lint finds, where possible
	ruff check --fix .
	ruff format .

lock: setup  ## Pin the packages of pyproject.toml anew
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --extra dev --extra ray --output-file requirements.lock pyproject.toml
