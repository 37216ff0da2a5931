# lendportal: `make run` and open the address that it prints; `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV ?= .venv
export VENV
PY := $(VENV)/bin/python
# LightGBM needs libgomp.so.1; where the system has none, one from a wheel is linked and put on the loader's path
WITH_OPENMP = gomp=$$($(PY) -m lendportal.embedded.openmp); [ -z "$$gomp" ] || export LD_LIBRARY_PATH="$$gomp$${LD_LIBRARY_PATH:+:$$LD_LIBRARY_PATH}";
TESTS ?= tests
WORKERS ?= 2

.PHONY: help run test test-deep lint bench check reset psql shell messages pins setup setup-dev

help:  ## list what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

setup:
	@./lendportal/setup.sh run

setup-dev:
	@./lendportal/setup.sh dev

run: setup  ## set up and start everything; PORT=8001 moves it; Ctrl-C stops it
	@$(if $(PORT),PORT=$(PORT)) exec $(PY) manage.py portal

test: setup-dev  ## run all tests on their own PostgreSQL and broker; TESTS=tests/loans for one room
	@$(WITH_OPENMP) exec $(PY) -m pytest $(TESTS) -q -n $(WORKERS) --dist loadscope

test-deep: setup-dev  ## an hour or two: 10,000 histories x 50 against a second engine, random walks of loans and of the portal on PostgreSQL, 200 threads of draws against cuts, the kit, planted corruptions
	@$(WITH_OPENMP) export DEEP=1; exec $(PY) -m pytest tests/loans/domain tests/loans/test_histories.py tests/loans/test_flood.py tests/credit/test_machine.py tests/credit/test_races.py tests/conformance tests/books tests/chaos -q -n $(WORKERS) --dist worksteal

lint: setup-dev  ## format check, lint, types, floors
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports

check: lint  ## lint, migrations, messages, then the tests
	@$(PY) manage.py makemigrations --check --dry-run
	@$(PY) manage.py messages --check
	@$(MAKE) --no-print-directory test

.PHONY: fuzz
fuzz: setup-dev  ## an hour: 20,000 generated requests against the API's schema; no 5xx, no undocumented status, no ignored log-in
	@$(WITH_OPENMP) export DEEP=1; exec $(PY) -m pytest tests/api/test_fuzz.py -q -s

bench: setup-dev  ## every bench, each figure beside its limit or peer; BENCH="--size large" for a release, BENCH="--only draw,night"
	@$(WITH_OPENMP) exec nice -n 10 $(PY) -m bench $(BENCH)

.PHONY: chaos crash drill load sbom
SEED ?= 7
SECONDS ?= 120
FAULTS ?= all
chaos: setup-dev  ## break the running portal by a seed and compare four books; SEED=7 SECONDS=120 FAULTS=all
	@$(WITH_OPENMP) exec $(PY) -m tests.chaos --seed $(SEED) --seconds $(SECONDS) --faults $(FAULTS) $(CHAOS)

drill: setup-dev  ## back up and restore a million postings, and recover to a point in time
	@$(WITH_OPENMP) exec $(PY) -m bench.drill $(DRILL)

load: setup-dev  ## ten minutes of people on the whole portal, with locust
	@$(WITH_OPENMP) exec $(PY) -m bench.load $(LOAD)

.PHONY: screens
screens: setup-dev  ## take the pictures of docs/screens anew: the borrower's and the shop owner's pages
	@$(WITH_OPENMP) SCREENS=docs/screens exec $(PY) -m pytest tests/journeys/test_screens.py tests/journeys/test_owner.py -q -k "pictures or two_members"

.PHONY: seeded
seeded: setup-dev  ## put 51 bugs into a copy, one at a time, and see which tests find them; SEEDED="--only lock"
	@$(WITH_OPENMP) exec $(PY) -m tests.seeded $(SEEDED)

sbom: setup-dev  ## write what the portal is made of as CycloneDX
	@$(VENV)/bin/cyclonedx-py requirements requirements.txt --of JSON -o var/sbom.json && echo "var/sbom.json is written"

crash: setup-dev  ## break every flow of money at every point, in four ways
	@$(WITH_OPENMP) export DEEP=1; exec $(PY) -m pytest tests/crash -q -n $(WORKERS) --dist worksteal

reset: setup  ## remove the sandbox's data and begin anew
	@$(PY) -m lendportal.embedded.reset

.PHONY: risk-report
risk-report: setup  ## judge the risk engine on the public sets; RISK_DATA_DIR names their folder
	@$(WITH_OPENMP) exec $(PY) manage.py risk_report

.PHONY: setup-cluster test-cluster
setup-cluster:
	@VENV=.venv.cluster ./lendportal/setup.sh cluster

test-cluster: setup-cluster  ## train on a Dask cluster, and ask pandas for a second opinion, in an environment of their own
	@$(subst $(PY),.venv.cluster/bin/python,$(WITH_OPENMP)) exec .venv.cluster/bin/python -m pytest -q -m cluster $$(grep -rlE 'mark\.cluster' tests --include='test_*.py')

.PHONY: setup-mutants mutants
setup-mutants:
	@VENV=.venv.mutants ./lendportal/setup.sh mutants

mutants: setup-mutants  ## change rules and money at random places and see whether a test notices; MUTANTS="--sample 200 --seed 7"
	@$(subst $(PY),.venv.mutants/bin/python,$(WITH_OPENMP)) exec .venv.mutants/bin/python -m tests.mutants $(MUTANTS)

psql: setup  ## a SQL prompt on the sandbox's database
	@PATH="$$($(PY) -m lendportal.embedded.postgres):$$PATH" exec $(PY) manage.py dbshell

shell: setup  ## a Python prompt with Django set up
	@exec $(PY) manage.py shell

messages: setup  ## add new messages to the rooms' files, compile, and list what is not translated
	@$(PY) manage.py messages --update --compile
	@$(PY) manage.py messages --check

pins:  ## compile requirements*.txt anew (needs uv)
	@for name in requirements requirements-dev requirements-cluster requirements-mutants; do \
	    uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --quiet \
	        --custom-compile-command "make pins" $$name.in -o $$name.txt || exit 2; done
