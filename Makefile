# The two commands a newcomer needs: `make demo` and `make test`. Only Python and make must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-slow lint clean

demo: $(VENV)/.synth
	@rm -rf demo-corpus
	$(BIN)/pytrace-mono synth examples/programs --out demo-corpus
	@echo; echo "A forward monologue, in full:"; echo
	@$(BIN)/pytrace-mono corpus show demo-corpus --direction forward --problem merge_intervals
	@echo; echo "A backward monologue, in full:"; echo
	@$(BIN)/pytrace-mono corpus show demo-corpus --direction backward --problem run_length
	@echo; echo "The corpus is in demo-corpus/: open demo-corpus/README.md, or another row with"
	@echo "  $(BIN)/pytrace-mono corpus show demo-corpus --direction backward --index 3"

# A file's tests stay together: those of the attack battery share what they attack.
test: $(VENV)/.dev lint
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow --timeout 900 --numprocesses 2 --dist loadfile --durations 15

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) demo-corpus build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.synth: $(VENV)/bin/python setup.cfg constraints.txt
	$(INSTALL) -e ".[synth]"
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python setup.cfg constraints.txt
	$(INSTALL) -e ".[all,dev]"
	@touch $@ $(VENV)/.synth
