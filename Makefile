# Front door of the course. `make help` lists what there is. Needs Python 3.11-3.13, pip and make; all else goes into .venv.
# On Windows, which has no make, INSTRUCTORS.md lists the plain commands.
PYTHON ?= python3
PROFILE ?= quick
VENV ?= .venv
NOTEBOOKS ?= notebooks

PY := $(VENV)/bin/python
READY := $(VENV)/.ready

# Quiet and the same everywhere, whatever a user's Keras settings say.
export KERAS_BACKEND ?= tensorflow
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help venv lab reports test unit nbval pipeline lint format notebooks lock clean

help:  ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile

# Remade when the lock or pyproject.toml changes.
$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: install Python 3.11, 3.12 or 3.13, or name it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { echo "The course needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.12"; exit 1; }
	@echo "Installing the course into $(VENV): about 3 GB and some minutes, once."
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made: on Debian and Ubuntu, install python3-venv."; exit 1; }
	$(PY) -m pip install -qq --disable-pip-version-check -r requirements.lock
	$(PY) -m pip install -qq --disable-pip-version-check --no-deps --editable .
	@touch $@

venv: $(READY)  ## Install the course into .venv, if that is not done yet

lab: $(READY)  ## Open JupyterLab on the first notebook
	$(PY) -m jupyter lab notebooks/00_start_here.ipynb

reports: $(READY)  ## Run every notebook, write reports/quick/index.html (PROFILE=full: as specified, needs FER2013)
	$(PY) -m snakemake --workflow-profile profiles/local --config profile=$(PROFILE)

test: unit nbval pipeline  ## Unit tests, every notebook compared with its stored outputs, the whole pipeline

unit: $(READY)  ## Unit tests only
	$(PY) -m pytest tests --ignore tests/test_pipeline.py

# tests/conftest.py gives the notebooks an empty results folder and says what nbval does not compare.
nbval: $(READY)  ## Compare notebooks with their stored outputs (NOTEBOOKS=notebooks/01_dataset.ipynb: one of them)
	PYTHONPATH=tests $(PY) -m pytest -p conftest --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg \
	    --nbval-cell-timeout 300 --nbval-kernel-startup-timeout 120 --durations 10 $(NOTEBOOKS)

pipeline: $(READY)  ## Test the pipeline from an empty results folder
	$(PY) -m pytest tests/test_pipeline.py

lint: $(READY)  ## Check style, format and the form of the notebooks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) tools/notebooks.py check

format: $(READY)  ## Let ruff repair style and format
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

notebooks: $(READY)  ## Execute and store notebooks again (NOTEBOOKS=notebooks/01_dataset.ipynb: one of them)
	$(PY) tools/notebooks.py fix $(NOTEBOOKS)

lock: $(READY)  ## Write requirements.lock again from pyproject.toml
	$(PY) -m uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 --all-extras \
	    --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean:  ## Remove .venv, caches and quick reports; committed records stay
	rm -rf $(VENV) .snakemake .pytest_cache .ruff_cache notebooks/.ruff_cache *.egg-info reports/quick
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
