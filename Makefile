# Two commands: `make demo` shows a model, `make test` checks everything that CI checks. Both set up .venv first.
# Another Python: make PYTHON=python3.12 demo. Without CUDA's libraries, several gigabytes on Linux: make TORCH=cpu demo.
# pip's own settings (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL, ...) apply.

PYTHON ?= python3
TORCH ?= default
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready
ORACLES := tests/cells/oracles/requirements.txt
LINTED := zoo tests plugins docs
CPU_WHEELS := https://download.pytorch.org/whl/cpu
# The pinned torch; on Linux the wheels without CUDA say so in their version, elsewhere there are no others.
CPU_TORCH := sed -n "s/^torch==.*/&$(if $(filter Linux,$(shell uname)),+cpu)/p" constraints.txt

.PHONY: help demo setup test test-all lint types unit docs format clean

help:
	@echo "make demo    set up .venv and print the summary of specs/lstm.yaml"
	@echo "make test    lint, formatting, types and all tests: what CI runs"
	@echo "make test-all    the long run, for releases: every Python found here, every engine, more outside implementations"
	@echo "make lint | types | unit    one part of make test;  make format    mend the formatting;  make clean    start afresh"
	@echo "make docs    write the pages that are made from the code"

demo: $(READY)
	$(BIN)/zoo summary specs/lstm.yaml

setup: $(READY)

test: lint types unit

test-all: lint types
	.ci/test-all

lint: $(READY)
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)

types: $(READY)
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/pytest -n auto --dist worksteal

docs: $(READY)
	$(BIN)/python docs/generate.py

format: $(READY)
	$(BIN)/ruff check --fix $(LINTED)
	$(BIN)/ruff format $(LINTED)

clean:
	rm -rf $(VENV) $(VENV)-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The set-up is redone when what it installs has changed, and only then.
$(READY): pyproject.toml constraints.txt $(ORACLES)
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "zoo: no $(PYTHON) here: install Python 3.11 or newer, or name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "zoo: needs Python 3.11 or newer; $(PYTHON) is `"$(PYTHON)" -V 2>&1`. Name another: make PYTHON=python3.12 ..." >&2; \
	  exit 1; }
	@case "$(TORCH)" in default|cpu) ;; *) echo "zoo: TORCH is cpu or default, not '$(TORCH)'" >&2; exit 1;; esac
	"$(PYTHON)" -m venv $(VENV)
	@if [ "$(TORCH)" = cpu ]; then set -x; $(PIP) --extra-index-url $(CPU_WHEELS) "`$(CPU_TORCH)`"; fi
	$(PIP) --constraint constraints.txt --editable '.[dev]'
	$(PIP) --no-deps --requirement $(ORACLES)
	@touch $@
