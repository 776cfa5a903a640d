# The district on this machine. `make help` lists what there is.

PYTHON ?= python3
VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help venv prepare run stop status logs test lint generate schema bench replay clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: # The project's own Python environment, made from the lock file
	@$(PYTHON) deploy/local/bootstrap.py

prepare: venv ## Fetch the servers into the cache (run does so by itself)
	@$(VENV)/python -m deploy.local prepare

run: venv ## Run the whole district; ctrl-C stops it
	@$(VENV)/district run $(ARGS)

stop: venv ## Stop the district that runs in another terminal
	@$(VENV)/district stop

status: venv ## Print the state of servers, services and feeds once
	@$(VENV)/district status $(ARGS)

logs: venv ## Print the logs: make logs ARGS=kafka
	@$(VENV)/district logs $(ARGS)

test: lint ## Prove everything: lint, types, architecture, all tests against the real servers
	$(VENV)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: venv ## Check style, types and who may import whom
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy --num-workers 2
	$(VENV)/lint-imports

generate: venv ## Write again what is made from code: JSON Schemas, boards and the like
	$(VENV)/python -m schemas.generate
	$(VENV)/python -m services.stream_processors.emergency
	$(VENV)/python -m services.dashboards
	$(VENV)/python -m services.operations_api.generate
	$(VENV)/python -m deploy.compose generate
	$(VENV)/python -m deploy.web

schema: venv ## Write again schema.sql and docs/views.md from a database that the migrations made
	WRITE_SCHEMA=1 $(VENV)/python -m pytest -q tests/integration/test_schema_files.py

bench: venv ## Measure the whole path on this machine
	$(VENV)/python -m tests.benchmarks $(ARGS)

replay: venv ## Replay measurements: make replay ARGS="water FILE --speed 0"
	@$(VENV)/district replay $(ARGS)

clean: venv ## Delete this checkout's data, credentials and logs (asks nothing); the fetched servers stay
	@$(VENV)/python -m deploy.local clean
