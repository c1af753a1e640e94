# Few verbs; the work itself sits in `python -m services`. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first of these that is new enough. PYTHON=… names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& { echo "$$p"; break; }; done)
UV := $(shell uv --version 2>/dev/null | grep -q '^uv 0\.13\.' && echo uv || echo .tools/bin/uv)
RUN := .venv/bin/python
CODE := services shared tests
PYTEST := $(RUN) -m pytest -n logical --dist loadgroup
QUICK := not kafka and not postgres and not connected and not failures and not browser and not slow and not campaign
ARGS ?=

export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE ?= copy

# $(call synchronise,LOCK): makes .venv hold exactly what LOCK lists. The copy of the lock that
# stays in .venv tells the next call that there is nothing to do.
define synchronise
	@[ -n "$(PYTHON)" ] || { echo "Andan needs Python 3.11 to 3.14, and found none." >&2; exit 1; }
	@[ "$(UV)" = uv ] || [ -x .tools/bin/uv ] || { echo "Fetching uv ..."; \
		"$(PYTHON)" -m pip install --quiet --disable-pip-version-check \
			--root-user-action=ignore --target .tools 'uv>=0.13,<0.14'; }
	@[ -x $(RUN) ] || $(UV) venv --quiet --clear --python "$$("$(PYTHON)" -c 'import sys; print(sys.executable)')" .venv
	@echo "Installing what $(1) lists ..."; rm -f .venv/installed.lock; \
		$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(RUN) $(1); \
		cp $(1) .venv/installed.lock
endef

.PHONY: help
help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: install
install: ## Install everything for development into .venv
	@cmp -s requirements-dev.lock .venv/installed.lock || $(MAKE) .install-dev

.PHONY: .install-dev .install-run .runtime
.install-dev:
	$(call synchronise,requirements-dev.lock)
.install-run:
	$(call synchronise,requirements.lock)
# What running needs: satisfied by the development install too.
.runtime:
	@cmp -s requirements-dev.lock .venv/installed.lock || cmp -s requirements.lock .venv/installed.lock \
		|| $(MAKE) .install-run

.PHONY: demo
demo: $(if $(filter distributed,$(MODE)),install,.runtime) ## Live the year 2023 and show its figures (PORT=8000 EXIT=1 MODE=embedded|distributed)
	@$(RUN) -m services demo $(if $(PORT),--port "$(PORT)") $(if $(filter 1 yes true,$(EXIT)),--exit) \
		$(if $(MODE),--mode "$(MODE)")

.PHONY: up
up: install ## Run all services as processes of their own on real Kafka and PostgreSQL (PORT=8000 REPLICAS=events=2)
	@$(RUN) -m services up $(if $(PORT),--port "$(PORT)") $(if $(REPLICAS),--replicas "$(REPLICAS)")

.PHONY: test
test: install ## Run every test that this machine can run; campaigns as a seeded sample (ARGS=…)
	@ANDAN_PROFILE=full $(PYTEST) $(ARGS)

.PHONY: test-fast
test-fast: install ## Run the tests that need no server and little time (ARGS=…)
	@ANDAN_PROFILE=fast $(PYTEST) -m '$(QUICK)' $(ARGS)

.PHONY: campaign
campaign: install ## Run the long campaigns whole: every race, every kill (ARGS=…)
	@ANDAN_PROFILE=campaign $(RUN) -m pytest -m 'campaign' --timeout=7200 $(ARGS)

.PHONY: check
check: install ## Check format, lint, types, imports, dependencies and generated documents
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy $(CODE)
	@$(RUN) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo
	@$(RUN) -m deptry .
	@$(RUN) -m shared.contracts --check
	@$(RUN) -m services documents --check

.PHONY: format
format: install ## Put the code in order
	@$(RUN) -m ruff check --fix-only --exit-zero --quiet .
	@$(RUN) -m ruff format .

.PHONY: bench
bench: install ## Measure beside the machine's own limit, into var/bench (STORE=postgresql BUS=kafka ONLY=…)
	@$(RUN) -m tests.bench

.PHONY: lock
lock: install ## Resolve the dependencies anew and write both locks
	@$(UV) pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-find-links --upgrade \
		--python-version 3.11 pyproject.toml --output-file requirements.lock
	@$(UV) pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-find-links \
		--python-version 3.11 --constraint requirements.lock pyproject.toml --group dev \
		--output-file requirements-dev.lock

.PHONY: clean
clean: ## Remove the environment and what the tools keep; data in var/ stays
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
