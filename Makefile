# Two commands do everything: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
# Workers: they wait more than they reckon (for panes, programs, timers), so there are two to a core of a small machine.
JOBS ?= 4

.PHONY: demo test test-agents check format bench drill screenshots clean

demo: .venv/.run            ## set up and open the dashboard on a living demo city
	@$(BIN)/gcity-tui demo $(ARGS)

test: .venv/.test           ## set up and pass all tests
	@$(BIN)/python -m compileall -q gcity_tui # once, and not in each of the many processes that the tests start
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup -m "not agents" $(ARGS)
	@$(if $(ARGS),,$(BIN)/python -m pytest -n 0 -m agents -rs tests/agents/test_agents_smoke.py)

test-agents: .venv/.test    ## all of it on the real programs (npm), against a model stub on loopback; prints a table
	@sh tests/agents/install.sh $(AGENTS)
	@GCITY_SMOKE=$${GCITY_SMOKE:-86400} $(BIN)/python -m pytest -n 0 -m agents -rs tests/agents $(ARGS)

check: .venv/.dev           ## static checks: ruff, mypy strict, the floors
	@$(BIN)/ruff check gcity_tui tests bench
	@$(BIN)/ruff format --check gcity_tui tests bench
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: .venv/.dev          ## let ruff lay out the code
	@$(BIN)/ruff check --fix gcity_tui tests bench
	@$(BIN)/ruff format gcity_tui tests bench

bench: .venv/.test          ## the figures, as ratios against floors measured in the same run
	@$(BIN)/python -m bench $(ARGS)

drill: .venv/.test          ## kill things at random moments, the long form
	@GCITY_DRILLS=$${GCITY_DRILLS:-200} $(BIN)/python -m pytest -n 0 -m drill --timeout 3600 $(ARGS)

screenshots: .venv/.test    ## draw the pictures in screenshots/ anew
	@$(BIN)/python -m tests.scenes

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/bin/python:
	@sh .ci/need "$(PYTHON)"
	@$(PYTHON) -m venv .venv

.venv/.run: .venv/bin/python pyproject.toml
	@sh .ci/need "$(PYTHON)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/.test: .venv/bin/python pyproject.toml
	@sh .ci/need "$(PYTHON)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ .venv/.run

.venv/.dev: .venv/bin/python pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,dev]'
	@touch $@ .venv/.test .venv/.run
