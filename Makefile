# Start with `make demo` and `make test`. Each target installs what it needs into .venv.

# The first supported Python. It is run to test it, because version managers install names that do not work.
PYTHON ?= $(firstword $(foreach name,python3 python3.12 python3.11 python3.13,$(shell \
	$(name) -c 'import sys; print("$(name)" if (3, 11) <= sys.version_info < (3, 14) else "")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: help demo up example test test-google-adk test-servers lint format client typescript docs reference picture bench chaos clean

help:
	@echo 'make demo       replay a conversation and see what is remembered (no services, no key)'
	@echo 'make up         start everything on this machine, until Ctrl-C'
	@echo 'make example NAME=chatbot  run an example on servers of its own; without NAME, list them'
	@echo 'make test       run all tests, with their own Redis and Postgres'
	@echo 'make test-google-adk  install Google ADK in a folder of its own, and test its memory service'
	@echo 'make test-servers  run the fundamentals on each kind of servers that is installed (PgBouncer, PostgreSQL 16, ...)'
	@echo 'make lint       run ruff, mypy --strict and import-linter'
	@echo 'make format     format the code with ruff'
	@echo 'make client     generate AsyncMemoryClient from MemoryClient'
	@echo 'make typescript  generate and build the TypeScript client (needs node and npm)'
	@echo 'make docs       build the documentation; a broken link or reference fails'
	@echo 'make reference  generate parts of docs/reference from the code'
	@echo 'make picture    run the demo and draw its output for the README'
	@echo 'make bench      measure the hot path and the pipeline'
	@echo 'make chaos      kill processes, stop servers, lose and repeat messages (about 8 minutes)'
	@echo 'make clean      remove .venv and caches'

$(VENV)/created:
	@test -n '$(PYTHON)' || { echo 'afterturn needs Python 3.11, 3.12 or 3.13 on PATH (or: make PYTHON=/path/to/python)'; exit 1; }
	@echo 'Setting up $(VENV) (once, about a minute) ...'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed-run: $(VENV)/created pyproject.toml setup.py constraints.txt
	@$(INSTALL) '.[embedded,http,worker]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/created pyproject.toml setup.py constraints.txt
	@$(INSTALL) '.[all,dev,docs]'
	@touch $@ $(VENV)/installed-run

demo: $(VENV)/installed-run
	@$(BIN)/afterturn demo

up: $(VENV)/installed-run
	@$(BIN)/afterturn up

example: $(VENV)/installed-dev
	@$(BIN)/python -m tools.example $(NAME)

test: $(VENV)/installed-dev
	@$(BIN)/python -m pytest --numprocesses auto

test-google-adk: $(VENV)/installed-dev
	@test -d $(VENV)/google-adk || $(BIN)/pip install --quiet --disable-pip-version-check --target $(VENV)/google-adk google-adk==2.13.0
	@TEST_GOOGLE_ADK_PATH=$(abspath $(VENV)/google-adk) $(BIN)/python -m pytest tests/integration/adapters/test_google_adk.py

test-servers: $(VENV)/installed-dev
	@$(BIN)/python -m tools.test_servers

lint: $(VENV)/installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/installed-dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

client: $(VENV)/installed-dev
	@$(BIN)/python -m tools.async_client

typescript:
	@cd clients/typescript && npm install --silent && npm run --silent generate && npm run --silent build

# -W: warnings are errors. -E: read all pages again, because a page from the cache causes no warnings.
docs: $(VENV)/installed-dev
	@$(BIN)/python -m sphinx -W --keep-going -E -q -c docs -b html . build/docs
	@echo 'build/docs/docs/index.html'

reference: $(VENV)/installed-dev
	@$(BIN)/python docs/generate.py

picture: $(VENV)/installed-dev
	@$(BIN)/python docs/picture.py docs/demo.svg

bench: $(VENV)/installed-dev
	@$(BIN)/python -m bench.hot_path
	@$(BIN)/python -m bench.pipeline --turns 5000 --users 50

chaos: $(VENV)/installed-dev
	@$(BIN)/python -m bench.chaos

clean:
	rm -rf $(VENV) build clients/typescript/dist clients/typescript/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
