# make demo    install, index the example podcasts, find what was said in them
# make test    install what the tests need, run them all
# make check   ruff and mypy, as CI runs them
# make lint    let ruff repair and format
# make lock    resolve the newest versions that pyproject.toml allows into constraints.txt and constraints-pyctcdecode.txt
# make docs    build the site of docs/ into site/; a broken link fails
# make bench   the benchmarks that need nothing but the repository
# make clean   delete everything that was installed or made
#
# A stamp in .venv stands for an installation; it is made anew when pyproject.toml, constraints.txt or a source of the compiled
# core changes. Several Pythons live side by side: make test VENV=.cache/python3.13 PYTHON=python3.13

VENV := .venv
BIN := $(VENV)/bin
DEMO := $(VENV)/demo.db
ORACLE := $(VENV)/oracle
CORE := setup.py $(wildcard audiosearch/core/*.cpp audiosearch/core/*.hpp)

# The first of these that this project runs on; override with make PYTHON=/path/to/python3.13
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$name && break; done)

INSTALL := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --constraint constraints.txt
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-annotate --upgrade \
	--custom-compile-command "make lock"

.PHONY: demo test oracle check lint lock docs bench clean
.NOTPARALLEL:

demo: $(VENV)/installed
	$(BIN)/audiosearch index examples/podcasts --store $(DEMO)
	$(BIN)/audiosearch query "human things" --store $(DEMO)
	$(BIN)/audiosearch query "my mother never measured" --store $(DEMO)
	$(BIN)/audiosearch query "night train" --store $(DEMO)

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then $(MAKE) --no-print-directory oracle; else \
		echo "Without the tests against pyctcdecode, which does not install on Python 3.13 or later."; fi

oracle: $(ORACLE)/installed
	$(ORACLE)/bin/python -m pytest -rs tests/audiosearch/decoding/test_pyctcdecode_engine.py

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lint: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(VENV)/installed-dev
	$(LOCK) --extra dev --extra play --extra keyring --extra bench --extra docs pyproject.toml --output-file constraints.txt
	$(LOCK) --group oracle --output-file constraints-pyctcdecode.txt

docs: $(VENV)/installed-docs
	rm -rf site
	$(BIN)/zensical build --strict

bench: $(VENV)/installed
	$(BIN)/python benchmarks/index_speed.py --hours 0.3
	$(BIN)/python benchmarks/network_speed.py --minutes 3

clean:
	rm -rf $(VENV) .cache build site *.egg-info audiosearch/core/*.so .pytest_cache .mypy_cache .ruff_cache

$(VENV)/installed: pyproject.toml constraints.txt $(CORE) | $(VENV)/made
	@echo "Installing into $(VENV): about 6 GB, some minutes."
	$(INSTALL) --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt $(CORE) | $(VENV)/made
	@echo "Installing into $(VENV): about 6 GB, some minutes."
	$(INSTALL) --editable '.[dev]'
	@touch $(VENV)/installed $@

$(VENV)/installed-docs: pyproject.toml constraints.txt $(CORE) | $(VENV)/made
	$(INSTALL) --editable '.[docs]'
	@touch $(VENV)/installed $@

# pyctcdecode, the oracle of the decoder's tests, wants another NumPy than everything else; the core is the one of $(VENV)
$(ORACLE)/installed: pyproject.toml constraints-pyctcdecode.txt | $(VENV)/installed-dev
	@rm -rf $(ORACLE)
	$(BIN)/python -m venv $(ORACLE)
	$(ORACLE)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	PYTHONWARNINGS=ignore $(ORACLE)/bin/python -m pip install --quiet --constraint constraints-pyctcdecode.txt --group oracle
	@touch $@

$(VENV)/made:
	@test -n "$(PYTHON)" || $(call missing,Python 3.10 or newer is missing: install it or name it with make PYTHON=...)
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || $(call missing,$(PYTHON) has no venv module: install python3-venv.)
	@{ command -v c++ || command -v g++; } >/dev/null || $(call missing,A C++ compiler is missing: install g++; the core of audiosearch is built with it.)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@touch $@

missing = { echo "$(1)" >&2; exit 1; }
