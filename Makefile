# Two commands: `make demo` shows the product, `make test` proves it. Both set up all that they need in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SLOW_TESTS := tests/integration tests/faults
TIMED_TESTS := tests/faults/test_worker_restarted.py
QUICK_TESTS := $(filter-out $(SLOW_TESTS),$(patsubst %/,%,$(wildcard tests/[a-z]*/)))

# Tests start many processes, which load the program a fifth faster when it is kept compiled, whatever the caller sets.
test: export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo dev test breaking holding check lint types floors replay bench contract lock clean install

demo: $(STAMP)  ## Run the demo; pass arguments on with ARGS='--json'
	@$(BIN)/surehand demo $(ARGS)

dev: $(STAMP)  ## Run everything on this machine until Ctrl-C
	@$(BIN)/surehand dev $(ARGS)

test:  ## Lint, types, floors and every test; ARGS='tests/unit -k redaction' runs some
ifdef ARGS
test: check
	$(BIN)/pytest $(ARGS)
else
test: $(STAMP)
	@# Two lanes, since what breaks processes mostly waits for that to be noticed; how soon it is, is measured alone.
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line breaking holding
	$(BIN)/pytest $(TIMED_TESTS)
endif

breaking: $(STAMP)
	@$(MAKE) --no-print-directory check
	$(BIN)/pytest $(addprefix --ignore=,$(TIMED_TESTS)) tests/faults

holding: $(STAMP)
	@# One after the other: with more processes than processors, tests would time each other out.
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(QUICK_TESTS)
	$(BIN)/pytest --numprocesses 3 --dist loadfile tests/integration

check: lint types floors

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

floors: $(STAMP)
	$(BIN)/lint-imports

bench: $(STAMP)  ## Measure the cost beside a bare workflow
	$(BIN)/python -m bench $(ARGS)

contract: $(STAMP)  ## All of schemathesis against the HTTP service; ARGS='100 7' for examples and seed
	$(BIN)/python -m tests.service.deep_contract $(ARGS)

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Surehand needs Python 3.11 or newer: run make PYTHON=python3.11")'
	@echo "Installing Surehand into $(VENV) (once)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

lock:  ## Renew the exact versions; needs uv
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--extra dev --extra test --extra build pyproject.toml -o requirements.lock
	$(BIN)/python compose/lock.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
