# Every task of the project in one line; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# How many processes share the tests, which wait more than they work; those of a file
# stay together, for its server's sake, and long files come first.
SHARED = -n 4 --dist loadfile --no-loadscope-reorder
SERVED = -n 3 --dist loadfile --no-loadscope-reorder
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test lint types services bench screenshots wheel lock format changelog clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed: on Debian, apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install -q --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.run: $(BIN)/uv requirements/run.txt pyproject.toml
	@$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements/run.txt
	@$(BIN)/uv pip install -q -p $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	@$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

run: $(VENV)/.run ## install, migrate, seed and start TrainerHub with Spotter
	@$(BIN)/python manage.py serve

test: $(VENV)/.dev ## install and run the whole suite; options: make test ARGS=-x
	@$(BIN)/python -m pytest tests $(SHARED) $(ARGS)
	@DJANGO_SETTINGS_MODULE=trainerhub.settings_test $(BIN)/python -m pytest trainerhub acceptance $(SERVED) $(ARGS)

lint: $(VENV)/.dev ## ruff, formatting, import contracts, docstrings of tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache | tail -n 12

types: $(VENV)/.dev ## mypy, strict
	@$(BIN)/mypy

format: $(VENV)/.dev ## let ruff mend and format everything
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

services: ## install the servers that tests start: PostgreSQL, Redis, Prometheus, Chromium …
	@./deploy/install-services.sh

bench: $(VENV)/.dev ## what watching costs, against bare Django and the peers
	@$(BIN)/python -m benchmarks $(ARGS)

screenshots: $(VENV)/.dev ## take the dashboard's pictures in docs/images/ anew
	@$(BIN)/python -m scripts.screenshots $(ARGS)

wheel: $(VENV)/.dev ## build the wheel into dist/
	@$(BIN)/uv build -q --wheel --no-build-isolation -p $(BIN)/python

lock: $(BIN)/uv ## resolve the dependency groups anew into requirements/
	@./requirements/lock.sh

changelog: $(VENV)/.dev ## preview the fragments of changelog.d/
	@$(BIN)/towncrier build --draft --version next

clean: ## remove what the tools made; never the data
	@rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
