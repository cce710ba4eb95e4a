# `make` lists what there is to do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow lint format docs wheel clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-test: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install --constraint constraints.txt --editable '.[test]'
	@touch $@ $(VENV)/.installed

install: $(VENV)/.installed ## install into .venv

demo: $(VENV)/.installed ## install, then make a workspace with invented news in digest-demo/ and show it
	@$(BIN)/digest demo digest-demo

test: lint ## install what tests need, then run ruff, mypy --strict and pytest
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

test-slow: $(VENV)/.installed-test ## the crash and load runs of minutes
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed-test ## ruff and mypy --strict
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: $(VENV)/.installed-test ## let ruff mend and format
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

docs: $(VENV)/.installed-test ## write the generated pages of docs/ anew
	$(BIN)/python docs/generate.py

wheel: $(VENV)/.installed-test ## build dist/*.whl
	$(BIN)/python -m build --wheel

clean: ## remove what the targets made
	rm -rf $(VENV) dist digest-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
