# make demo   runs lifesigns on a PPO script that does not learn and writes demo-report.html
# make test   installs what the tests need and runs all of them

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test lint install-demo install-test docs clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The pinned torch goes in first: an unpinned one, pulled in by another package, may bring gigabytes of CUDA libraries.
$(VENV)/.torch: constraints.txt | $(BIN)/python
	$(PIP) install -c constraints.txt torch
	touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.torch
	$(PIP) install -c constraints.txt -e '.[examples]'
	touch $@

$(VENV)/.test: pyproject.toml $(VENV)/.torch
	$(PIP) install -c constraints.txt -e '.[examples,test,dev,benchmark]'
	touch $@

install-demo: $(VENV)/.demo
install-test: $(VENV)/.test

demo: install-demo
	$(BIN)/lifesigns check gallery/ppo-detached-ratio/broken.py --html demo-report.html -- \
		--total-timesteps 20000 || test $$? -eq 1
	@echo "Open demo-report.html in a browser."

lint: install-test
	$(BIN)/ruff check src tests gallery benchmarks
	$(BIN)/pyright

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

docs: install-test
	$(BIN)/python docs/make_rule_pages.py

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
