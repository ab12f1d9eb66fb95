# `make run` sets everything up and runs the main job; `make test` sets everything up and runs every check and test.
#
#   VENV         virtual environment; one outside the tree can serve many checkouts, and .venv then points to it
#   PYTHON       interpreter that makes it: 3.11 to 3.13
#   TORCH_INDEX  package index to take torch from, in place of PyPI. On Linux PyPI's torch brings gigabytes of CUDA;
#                https://download.pytorch.org/whl/cpu has it without
#   JOBS         how many processes run the tests

VENV ?= .venv
PYTHON ?= python3
TORCH_INDEX ?=
JOBS ?= 2
RECIPE ?= llama3-8b-text-to-sql

REQUIREMENTS := requirements.txt requirements-rehearsal.txt requirements-dev.txt
BIN := $(VENV)/bin
# named after what they stand for, so that a fresh checkout finds a finished environment, and a changed list does not
INSTALLED := $(VENV)/.trainyard-requirements-$(shell cat $(REQUIREMENTS) constraints.txt | cksum | cut -d ' ' -f 1)
SCANNER := $(VENV)/scanner
SCANS := $(SCANNER)/.trainyard-requirements-$(shell cksum requirements-scanner.txt | cut -d ' ' -f 1)
LINKED := $(VENV)/.trainyard-project-$(shell echo "$(CURDIR)" | cat - pyproject.toml | cksum | cut -d ' ' -f 1)

# what is unpacked, with what pip keeps meanwhile
ROOM_GIB := $(if $(TORCH_INDEX),5,12)

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench clean

help: ## show what there is to make
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 10

setup: $(LINKED) ## make the virtual environment with all that is needed (about 3 minutes)

run: setup ## the main job: rehearse a recipe on this machine's CPU, from data to a tested model
	$(BIN)/python -m stacks rehearse $(RECIPE)

test: check $(SCANS) ## all checks and tests
	TRAINYARD_CHECKOV="$(abspath $(SCANNER))/bin/checkov" $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile

check: setup ## style, types, and which way imports point
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

bench: setup ## speed and memory, as a table
	$(BIN)/python -m benchmarks

clean: ## remove what rehearsals left and the virtual environment's link
	rm -rf shared build *.egg-info

$(INSTALLED):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "$(PYTHON) is $$($(PYTHON) --version); Trainyard needs Python 3.11 to 3.13: make PYTHON=python3.12 …"; exit 1; }
	@test -x $(BIN)/python || df -Pk "$(dir $(abspath $(VENV)))" | awk 'NR == 2 && $$4 < $(ROOM_GIB) * 1048576 \
	  { print "$(VENV) needs $(ROOM_GIB) GiB while it is made, and " $$6 " has " int($$4 / 1048576) " free:" \
	    " make room, name another place (make VENV=…), or leave CUDA out (make TORCH_INDEX=…)"; exit 1 }'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check setuptools wheel
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --index-url $(TORCH_INDEX) $(shell grep '^torch==' requirements-rehearsal.txt))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(addprefix -r ,$(REQUIREMENTS))
	@rm -f $(VENV)/.trainyard-requirements-* && touch $@

$(SCANS): $(INSTALLED)
	$(PYTHON) -m venv $(SCANNER)
	$(SCANNER)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-scanner.txt
	@rm -f $(SCANNER)/.trainyard-requirements-* && touch $@

# Pulumi.yaml names .venv: when VENV is elsewhere, .venv leads there, so that `pulumi up` finds the same interpreter
$(LINKED): $(INSTALLED)
	@test "$(abspath $(VENV))" = "$(CURDIR)/.venv" || { test -L .venv || test ! -e .venv; } \
	  || { echo ".venv is a folder, but VENV=$(VENV): remove one of them"; exit 1; }
	@test "$(abspath $(VENV))" = "$(CURDIR)/.venv" || ln -sfn "$(abspath $(VENV))" .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.trainyard-project-* && touch $@
