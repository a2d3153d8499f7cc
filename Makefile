# Everything a developer or a new user runs; `.ci/run` and GitHub call the same targets.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
REPROBUILD := $(CURDIR)/$(BIN)/reprobuild

.PHONY: setup demo check test golden bench proof lock clean

setup: $(VENV)/.ready

$(VENV)/.ready: lockfiles/dev.txt lockfiles/requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement lockfiles/requirements.txt --requirement lockfiles/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: setup  ## lock, build, train and replay examples/digits, then replay it with another seed
	.ci/system bwrap
	PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh

check: setup  ## what passes anywhere in under a minute: lint, types, fast tests
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --quiet --check
	$(BIN)/mypy
	$(BIN)/pytest --quiet --numprocesses 2 --dist loadfile -m "not network and not sandbox and not engine and not root and not compiler and not emulation and not slow"

test: setup  ## everything this machine can run; with CI=true nothing may be left out
	.ci/system bwrap skopeo podman runc umoci dockerd docker-registry git gpg gcc qemu-x86_64-static
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --quiet --check
	$(BIN)/mypy
	PATH="$$PATH:/usr/sbin:/sbin" $(BIN)/pytest --numprocesses 2 --dist loadfile

golden: setup  ## write the golden files anew; read the diff before you commit it
	REPROBUILD_GOLDEN=write $(BIN)/pytest --quiet tests -k golden -m "not network"

bench: setup  ## ratios against docker build with pip, in one run
	.ci/system bwrap dockerd
	$(BIN)/python -m benchmarks

proof: setup  ## every case on every machine under both profiles, into docs/proof.md and the README; hours on two cores
	.ci/system bwrap qemu-x86_64-static
	PYTHONPATH=tests:reprobuild/runtime $(BIN)/python -m machines.proof $(PROOF)

lock: setup  ## lock our own dependencies anew
	$(BIN)/python .ci/lock.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
