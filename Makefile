# Two commands for a newcomer: `make demo` and `make test`. Both set up what they need.
PY := .venv/bin/python

.PHONY: help demo test check lint docs bench soak units mutants lock clean setup servers
help:
	@echo "make demo    the main job, end to end, on an embedded database"
	@echo "make test    set-up, checks and every test but the soak, against real database servers"
	@echo "make check   formatting, lint, types, import rules (changes nothing)"
	@echo "make lint    mend what the linter and the formatter can mend"
	@echo "make docs    write the generated pages of docs/reference anew"
	@echo "make bench   benchmarks, by hand on a quiet machine"
	@echo "make soak    the long-running tests"
	@echo "make units   start the units of deploy/ by a systemd of their own (root, minutes)"
	@echo "make mutants breaks each guard in a copy and sees that a test notices"
	@echo "make lock    renew requirements/*.lock"
	@echo "make clean   remove what the other targets made"

# ENGINE=postgres or ENGINE=mariadb plays it on a real server that is started for it.
ENGINE ?= sqlite
demo:
ifeq ($(ENGINE),sqlite)
	@sh scripts/setup.sh run
	@.venv/bin/synapsor demo
else
	@sh scripts/setup.sh dev
	@sh scripts/servers.sh
	@$(PY) scripts/demo_server.py $(ENGINE)
endif

test: setup servers
	@sh scripts/test.sh

check: setup
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports

lint: setup
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: setup
	$(PY) scripts/reference.py

bench: setup servers
	$(PY) -m bench
	$(PY) -m bench.planning

soak: setup servers
	$(PY) -m pytest -m soak --timeout 0
	EVERY_ENGINE=1 $(PY) -m pytest -m one_engine
	$(PY) -m pytest -m hypothesis --timeout 0

units: setup
	@sh scripts/units.sh

mutants: setup servers
	$(PY) scripts/mutants.py

lock:
	@sh scripts/lock.sh

setup:
	@sh scripts/setup.sh dev

servers:
	@sh scripts/servers.sh

clean:
	rm -rf .venv .servers .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage dist
	find server tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
