# make run    the page          make train NAME=vae-mnist    train a recipe
# make test   all tests         make check                   the quick ones, and the style
# make bench  measure           make load                    a lecture hall of visitors
# make tables those of pretrained/README.md
# make lint   style check       make format                  style fix
#
# Every target makes its own set-up: a virtual environment in .venv with pinned versions. It is made
# once; later runs start at once. ARGS reaches the program: make run ARGS="--port 8000".

# The browser's tests run last, for they are about time; one that fails is tried again, since a busy
# machine can hold any page back, and the summary says so.

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

# A process takes a file at a time, the long ones first: tests/conftest.py has their order.
TWO := --numprocesses=2 --dist=loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help run test check bench train load tables lint format setup

help:
	@sed -n 's/^# //p' Makefile | head -5

run: $(RUNTIME)
	$(BIN)/python app.py $(ARGS)

setup: $(RUNTIME)

test: $(DEV)
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest tests --ignore=tests/browser $(TWO) $(ARGS)
	$(BIN)/python -m pytest tests/browser $(TWO) --reruns=2 -rR $(ARGS)

# What a change can be held against while it is made: no browser, no shipped model, nothing slow.
check: lint
	$(BIN)/python -m pytest tests --ignore=tests/browser -m "not shipped and not slow" \
	  $(TWO) $(ARGS)

bench: $(DEV)
	@$(BIN)/python -m tests.browser.chromium
	@for bench in tests/bench/bench_*.py; do \
	  module=$$(echo $${bench%.py} | tr / .); echo "== $$module"; \
	  $(BIN)/python -m $$module $(ARGS) || exit 1; \
	done

load: $(DEV)
	$(BIN)/python -m tests.load.hall $(ARGS)

train: $(RUNTIME)
	@test -n "$(NAME)" || { echo "Say what to train: make train NAME=vae-mnist"; \
	  ls models/training/recipes | sed 's/.toml$$//; s/^/  /'; exit 2; }
	$(BIN)/python -m models train $(NAME) $(ARGS)

tables: $(RUNTIME)
	$(BIN)/python -m models list --into pretrained/README.md $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	@for python in python3.11 python3.12 python3.13 python3; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making a virtual environment in $(VENV) with $$($$python --version)"; \
	    $$python -m venv $(VENV) && exit 0; \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed, with its venv module; none was found."; exit 1

$(RUNTIME): requirements.txt | $(BIN)/python
	@echo "Installing the pinned packages of requirements.txt into $(VENV) (some minutes, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# With the pins of requirements.txt as constraints: what is tested and measured is what runs.
$(DEV): requirements-dev.txt $(RUNTIME)
	@echo "Installing the pinned packages of requirements-dev.txt into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -r requirements-dev.txt -c requirements.txt
	@touch $@
