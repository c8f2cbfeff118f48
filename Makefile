# Two commands do everything: `make demo` and `make test`. Both install what they
# need into .venv; what only the system can provide is installed as root on
# Debian, and named otherwise.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KERNELS := $(wildcard core/_*.pyx core/_*.pxd drivers/_*.pyx drivers/_*.pxd)
# cython-lint looks for its helpers on the path.
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: demo test check lint types cover checked bench wheel clean annotate

demo: $(VENV)/.run
	$(BIN)/zerometer demo

test: $(VENV)/.dev
	$(BIN)/pytest

check: lint types test checked wheel
	@echo "check: all of it passed"

lint: $(VENV)/.dev build/ns
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/cython-lint core drivers
	$(BIN)/lint-imports

types: $(VENV)/.dev build/ns
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml \
	    --allowlist tests/stubtest.txt \
	    $(foreach kernel,$(basename $(wildcard core/_*.pyx drivers/_*.pyx)),zerometer.$(subst /,.,$(kernel)))

# The tree in which the import names are real, for the tools that only read it.
build/ns: | $(VENV)/.build
	$(BIN)/python setup.py -q build_ext --inplace

# The suite once more, on kernels with bounds checks.
checked: $(VENV)/.dev
	packaging/checked-build.sh $(BIN)/pytest -m "not system"

# Tracing takes its time. The report reads the traced objects' C files, so it must
# come before they go.
cover: $(VENV)/.dev
	packaging/checked-build.sh sh -c '$(BIN)/coverage run $(BIN)/pytest -m "not system" --timeout 120 \
	    && $(BIN)/coverage report --show-missing --skip-covered'

bench: $(VENV)/.bench
	$(BIN)/python -m bench

# Built once, then tried in a clean environment with the sources out of reach.
wheel: $(VENV)/.dev
	rm -rf dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/python packaging/compare_contents.py dist
	packaging/try-wheel.sh $(BIN)/python dist/*.whl

annotate: $(VENV)/.dev
	ZEROMETER_ANNOTATE=1 $(BIN)/python setup.py -q build_ext --inplace --force

clean:
	rm -rf build dist .venv *.egg-info
	rm -f core/*.so core/*.c drivers/*.so drivers/*.c

$(VENV)/bin/python:
	packaging/system-packages.sh demo $(PYTHON)
	$(PYTHON) -m venv $(VENV)

# The build's own requirements stand in pyproject.toml; they are installed here so
# that kernels are rebuilt in place, without an environment made for each build.
$(VENV)/.build: $(VENV)/bin/python pyproject.toml
	$(BIN)/python packaging/build_requires.py >$(VENV)/build-requires.txt
	$(BIN)/python -m pip install --quiet --requirement $(VENV)/build-requires.txt
	touch $@

$(VENV)/.run: $(VENV)/.build setup.py $(KERNELS)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.run packaging/system-packages.sh packaging/node_modules.py
	packaging/system-packages.sh test $(PYTHON)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[dev]"
	$(BIN)/python packaging/node_modules.py $(VENV)
	touch $@

# What is compared with; nothing that is shipped needs it.
$(VENV)/.bench: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[bench]"
	touch $@
