# Verbs for people. `make` alone lists them; every one can be called again at any time.

PYTHON ?= python3
VENV := .venv
FLOOR := .venv-floor
BIN := $(VENV)/bin
PIP := -m pip install --quiet --disable-pip-version-check
# The oldest libraries that are supported: those of Debian 12. pyyaml 6.0 cannot be built for newer Pythons.
OLDEST := prometheus-client==0.16.0 psutil==5.9.4 pyyaml==6.0
FLOOR_TESTS = $(wildcard tests/metrics tests/web tests/test_config.py)
DEPENDENCIES = 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"], sep="\n")'
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-floor check lint promtool golden bench bench-servers docs accuracy servers clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

run: $(VENV)/installed ## start the exporter on :10125; with no mail server here, on a simulated one (ARGS="..." adds flags)
	@exec $(BIN)/smtpq-exporter --demo=if-none $(ARGS)

test: $(VENV)/developer servers test-floor ## run all tests, with everything they need (ARGS="-k name" selects)
	@echo "== tests"
	@$(BIN)/python -m pytest $(ARGS)

test-floor: $(FLOOR)/installed ## run the tests that meet the libraries, with the oldest ones that are supported
	@echo "== tests with the oldest libraries"
	@if [ -n "$(FLOOR_TESTS)" ]; then $(FLOOR)/bin/python -m pytest -p no:cacheprovider $(FLOOR_TESTS); fi

check: $(VENV)/developer lint promtool test ## what CI runs: lint, types, rules, tests

lint: $(VENV)/developer ## ruff and mypy
	@echo "== ruff"
	@$(BIN)/ruff check --quiet .
	@echo "== mypy"
	@$(BIN)/mypy --no-error-summary

promtool: $(VENV)/bin/python ## check and test the Prometheus rules
	@echo "== promtool"
	@if command -v promtool > /dev/null; then \
	    promtool check rules dashboards/prometheus/alerts.yml dashboards/prometheus/records.yml > $(VENV)/promtool.out \
	    && promtool test rules $(wildcard dashboards/prometheus/tests/*.yml) >> $(VENV)/promtool.out \
	    || { cat $(VENV)/promtool.out; exit 1; }; \
	else echo "promtool is not here (Debian package prometheus): rules are not checked"; [ -z "$$CI" ]; fi

golden: $(VENV)/developer ## write the expected files of the golden tests anew; look at the difference before you commit
	@UPDATE_GOLDEN=1 $(BIN)/python -m pytest -k golden
	@git --no-pager diff --stat -- tests/golden

bench: $(VENV)/developer servers ## measure against peers, write docs/benchmarks.md (ARGS="--sizes 1000,10000": a part of the queues)
	@$(BIN)/python -m compileall -q smtpq_exporter
	@$(BIN)/python -m benchmarks.queue $(ARGS)
	@if [ -z "$(ARGS)" ]; then mkdir -p benchmarks/results && $(BIN)/python -m benchmarks.logs --write --json benchmarks/results/logs.json; fi
	@if [ -z "$(ARGS)" ]; then $(BIN)/python -m benchmarks.checks --write; fi

bench-servers: $(VENV)/developer servers ## the same for the queues of Exim, Sendmail and OpenSMTPD
	@for name in exim sendmail opensmtpd; do $(BIN)/python -m benchmarks.$$name --write || exit 1; done

docs: $(VENV)/installed ## write what is generated anew: parts of the documentation, tables
	@$(BIN)/python -m smtpq_exporter.metrics.reference > docs/metrics.md
	@$(BIN)/python -m smtpq_exporter.reasons.reference > docs/reasons.md
	@$(BIN)/python -m smtpq_exporter.reasons.needle_table > smtpq_exporter/reasons/needle_data.py
	@$(BIN)/python -m dashboards.build
	@$(BIN)/python -m checks.zabbix.build

accuracy: $(VENV)/installed ## make accuracy FILE=texts.jsonl: how well reply texts are classified
	@$(BIN)/python -m benchmarks.accuracy $(FILE)

servers: ## install the real servers that the tests use (Debian, as root; otherwise says so)
	@sh tests/servers/install.sh

clean: ## remove what was made, but no virtual environment
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find smtpq_exporter tests benchmarks dashboards -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@echo "== virtual environment $(VENV)"
	@sh tests/servers/python.sh $(PYTHON) $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	@echo "== installing smtpq_exporter"
	@$(BIN)/python $(PIP) --editable .
	@touch $@

$(VENV)/developer: pyproject.toml $(VENV)/installed
	@echo "== installing what the tests need"
	@$(BIN)/python -c $(DEPENDENCIES) > $(VENV)/developer.txt
	@$(BIN)/python $(PIP) --requirement $(VENV)/developer.txt bcrypt
	@touch $@

$(FLOOR)/installed: pyproject.toml
	@echo "== virtual environment $(FLOOR): $(OLDEST)"
	@sh tests/servers/python.sh $(PYTHON) $(FLOOR)
	@$(FLOOR)/bin/python $(PIP) --only-binary :all: $(OLDEST) 'pytest>=8' 'hypothesis>=6.100' bcrypt \
	    || $(FLOOR)/bin/python $(PIP) $(subst pyyaml==6.0,pyyaml,$(OLDEST)) 'pytest>=8' 'hypothesis>=6.100' bcrypt
	@$(FLOOR)/bin/python $(PIP) --no-deps --editable .
	@touch $@
