# `make demo` and `make test` each make .venv when it is missing, install, and do their job.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Where to take PyTorch from. Empty: pip's own index, which gives Linux the CUDA build (gigabytes). Without a GPU, a
# smaller one: PyTorch's own index for the CPU, with  make TORCH_INDEX=URL demo
TORCH_INDEX ?=
# That index holds few other packages: what PyTorch itself needs comes with the rest, from pip's own index.
TORCH_FROM = $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX))

.PHONY: demo test check lint types imports system clean

demo: $(STAMP)
	$(BIN)/python -m examples.demo

test: $(STAMP)
	bash scripts/system_libraries.sh browser
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: lint types imports test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed ($(PYTHON) was not found); name yours with PYTHON=..."; exit 1; }
	bash scripts/system_libraries.sh
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) made no virtual environment. On Debian or Ubuntu, as root: apt-get install python3.11-venv"; exit 1; }
	$(PIP) $(TORCH_FROM) torch
	$(PIP) -e ".[dev]"
	touch $(STAMP)

clean:
	rm -rf $(VENV) runs *.egg-info
