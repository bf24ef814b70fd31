# Needs nothing but make and Python 3.11 to 3.14 with venv.

PYTHON ?= python3
ARGS ?=
SEEDS ?= 1000
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup rehearse run test check faults bench simulate messages lock

help:
	@echo "make rehearse   see a couple's 72 hours on three phones; ARGS=\"--headless\" for a verdict only"
	@echo "make run        the real bot; needs BOT_TOKEN in the environment or in .env"
	@echo "make test       all tests, on SQLite and on PostgreSQL; ARGS=\"-k name\" for some"
	@echo "make check      style, types and the order of imports"
	@echo "make faults     real processes against everything that can go wrong, and a ledger of what became of each message"
	@echo "make simulate   the post office through 1000 seeded lives; SEEDS=5000 for more"
	@echo "make bench      how fast it is, beside others"
	@echo "make messages   collect the sentences of the code into the catalogues in bot/locales"
	@echo "make setup      install into $(VENV); the others do it when it is needed"
	@echo "make lock       choose the versions in requirements/ again; needs uv"

setup: $(READY)

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 15) else "Understory needs Python 3.11 to 3.14. Name one: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@echo "Setting up in $(VENV), once; this takes a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

rehearse: $(READY)
	@$(BIN)/understory rehearse $(ARGS)

run: $(READY)
	@$(BIN)/understory run

test: $(READY)
	$(BIN)/pytest -n auto --dist loadfile $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

faults: $(READY)
	$(BIN)/pytest -n 2 --dist loadfile --faults tests/faults $(ARGS)

simulate: $(READY)
	SIMULATED_SEEDS=$(SEEDS) $(BIN)/pytest tests/simulation/test_simulated_lives.py $(ARGS)

bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

messages: $(READY)
	@mkdir -p build
	@PYTHONPATH=tests/house $(BIN)/pybabel --quiet extract --mapping-file tests/house/babel.cfg --add-location file --width 120 --output-file build/understory.pot bot handlers
	@$(BIN)/pybabel --quiet update --domain understory --input-file build/understory.pot --output-dir bot/locales --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 120

lock:
	$(COMPILE) pyproject.toml --group test --group check -o requirements/dev.txt
	$(COMPILE) pyproject.toml -c requirements/dev.txt -o requirements/run.txt
	echo "setuptools" | $(COMPILE) - -c requirements/dev.txt -o requirements/build.txt
