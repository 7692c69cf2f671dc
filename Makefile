# make run    set up, then replay the sample through the default pipeline, and list the others
# make live   set up, then show the sample, and this machine's microphone if asked to, on a page
# make test   set up, then run every test
# make check  format, lint and types: the same here and in CI
# make docs   build the pages of docs/ into build/site
# make layout draw the imports in docs/layout.md anew
# make wheel  build the wheel, install it into a clean environment and run it there
# make clean  forget everything that was set up

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt

.PHONY: run live test check format docs layout wheel clean
.DELETE_ON_ERROR:

run: $(VENV)/.run
	$(BIN)/stimmung run --source sample --pipeline default
	@echo; echo "This was the pipeline 'default'. Those that ship, to be taken by --pipeline:"
	@$(BIN)/stimmung pipelines

live: $(VENV)/.live
	$(BIN)/stimmung monitor --source sample --repeat --source browser

test: $(VENV)/.test
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: $(VENV)/.test .check/stimmung
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	MYPYPATH=.check $(BIN)/mypy --package stimmung

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.test
	$(BIN)/python -m sphinx -q -W docs build/site

layout: $(VENV)/.test
	$(BIN)/python tests/tree.py

wheel: $(VENV)/.test
	rm -rf build dist
	$(BIN)/python -m build --quiet --wheel
	rm -rf build/clean && $(PYTHON) -m venv build/clean
	build/clean/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt dist/*.whl
	cd / && $(CURDIR)/build/clean/bin/stimmung run --source sample --sink jsonl | grep -c '"kind":"state"'
	cd / && $(CURDIR)/build/clean/bin/stimmung plugins

# mypy knows no package_dir: these links give it the import names.
.check/stimmung: Makefile
	mkdir -p $@
	for part in engine plugins pretrain configs models samples; do ln -sfn ../../$$part $@/$$part; done
	touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: setup.cfg pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	touch $@

$(VENV)/.live: setup.cfg pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .[monitor]
	touch $@ $(VENV)/.run

$(VENV)/.test: setup.cfg pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .[deep,text,pretrain,monitor,test,dev,docs]
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .check build dist *.egg-info
