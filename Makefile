# Everything is installed into .venv on first use, and again only when pyproject.toml changes.
#
#   make train                 train a small CNN on the digits (BACKEND=GPU for OpenCL)
#   make train ARGS="--dataset fashion-mnist --epochs 1"
#   make test                  run the tests on both backends (ARGS="-k conv" for some of them)
#   make check                 what CI wants: ruff, mypy, layers, tests
#   make sanitize              look for races and invalid accesses in GPU kernels, in a simulator
#   make array-api SUITE=path  run the test suite of the array API standard, checked out in path
#   make docs                  build the docs into site/
#   make bench                 compare with PyTorch, JAX and tinygrad
#   make clean                 remove .venv and everything else that was made here
#
# The simulator of `make sanitize` is a device of every OpenCL program of its environment, so it has
# one of its own, .venv-sanitize.
#
# On Linux, PyPI's torch brings gigabytes of CUDA libraries. For the CPU one:
#   make bench PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"

PYTHON ?= python3
VENV ?= .venv
PIP_FLAGS ?=
ARGS ?=

RUN := $(VENV)/bin/python

# The extras of pyproject.toml that each job needs.
EXTRAS_train := progress,safetensors,plot
EXTRAS_train-GPU := opencl,$(EXTRAS_train)
EXTRAS_test := opencl,test
EXTRAS_dev := dev
EXTRAS_array-api := array-api
EXTRAS_sanitize := sanitize
EXTRAS_bench := bench
EXTRAS_docs := docs,opencl

TRAIN_JOB := train$(if $(filter GPU,$(BACKEND)),-GPU)
TRAIN_ARGS := --dataset digits --epochs 20 --lr 0.002 \
	--save runs/digits.safetensors --plot runs/digits.png

.DELETE_ON_ERROR:
.PHONY: help train test check array-api sanitize sanitize-here bench docs clean

help:
	@sed -n 's/^#   \(make .*\)/\1/p' Makefile

train: $(VENV)/installed-$(TRAIN_JOB)
	$(RUN) -m lazygrad.examples.cnn $(if $(ARGS),$(ARGS),$(TRAIN_ARGS))

test: $(VENV)/installed-test
	$(RUN) -m pytest -n auto --durations=12 $(ARGS)

check: $(VENV)/installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) tools/check_layers.py
	$(RUN) -m pytest -n auto --durations=12 $(ARGS)

sanitize:
	@$(MAKE) --no-print-directory VENV=$(VENV)-sanitize sanitize-here

sanitize-here: $(VENV)/installed-sanitize
	$(RUN) tools/sanitize.py $(ARGS)

array-api: $(VENV)/installed-array-api
	$(RUN) tools/array_api.py $(SUITE) $(ARGS)

docs: $(VENV)/installed-docs
	$(RUN) -m mkdocs build -f docs/mkdocs.yml

bench: $(VENV)/installed-bench
	$(RUN) tools/bench.py $(ARGS)

clean:
	rm -rf $(VENV) $(VENV)-sanitize runs build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find lazygrad backends tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp each: the folder alone would also be there after an interrupted installation.
$(VENV)/created:
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/installed-%: pyproject.toml $(VENV)/created
	@echo "installing lazygrad[$(EXTRAS_$*)] into $(VENV)"
	$(RUN) -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -e ".[$(EXTRAS_$*)]"
	@touch $@
