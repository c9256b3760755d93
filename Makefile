# make demo   install, index the example podcasts, find what was said in them
# make test   install what the tests need, run them all
# make check  ruff and mypy, as CI runs them
#
# A stamp in .venv stands for an installation; it is made anew when pyproject.toml changes.

VENV := .venv
BIN := $(VENV)/bin
DEMO := .cache/demo.db

# The first of these that this project runs on; override with make PYTHON=/path/to/python3.12
PYTHON ?= $(shell for name in python3 python3.12 python3.11 python3.10; do \
	$$name -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null && echo $$name && break; done)

.PHONY: demo test check lint clean
.NOTPARALLEL:

demo: $(VENV)/installed
	@mkdir -p $(dir $(DEMO))
	$(BIN)/audiosearch index examples/podcasts --store $(DEMO)
	$(BIN)/audiosearch query "human things" --store $(DEMO)
	$(BIN)/audiosearch query "my mother never measured" --store $(DEMO)
	$(BIN)/audiosearch query "night train" --store $(DEMO)

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict

lint: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .cache build *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(VENV)/installed: pyproject.toml | $(VENV)/made
	@echo "Installing into $(VENV): about 6 GB, some minutes."
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/made
	@echo "Installing into $(VENV): about 6 GB, some minutes."
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(VENV)/installed $@

$(VENV)/made:
	@test -n "$(PYTHON)" || $(call missing,Python 3.10 to 3.12 is missing: install one or name it with make PYTHON=...)
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || $(call missing,$(PYTHON) has no venv module: install python3-venv.)
	@{ command -v c++ || command -v g++; } >/dev/null || $(call missing,A C++ compiler is missing: install g++; kenlm is built with it.)
	@command -v cmake >/dev/null || $(call missing,cmake is missing: install it; kenlm is built with it.)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

missing = { echo "$(1)" >&2; exit 1; }
