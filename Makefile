# Everything a newcomer needs: `make demo`, `make test`. Each sets up what it uses.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
SECONDS ?= 3600

# Generated code works with every protobuf from the one that generated it on, so it is
# made with the oldest that pyproject.toml admits.
PROTOC_VENV := .venv-protoc
PROTOC_READY := $(PROTOC_VENV)/ready
PROTOC_PACKAGE := grpcio-tools==1.71.2

# What is measured stands beside others, which are not for who develops.
BENCH_VENV := .venv-bench
BENCH_READY := $(BENCH_VENV)/ready

.PHONY: help demo test check protos protos-baseline interop cluster faults soak fuzz \
	bench bench-quick bench-smoke bench-docs simulate clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

$(PROTOC_READY): Makefile
	$(PYTHON) -m venv $(PROTOC_VENV)
	$(PROTOC_VENV)/bin/python -m pip install --quiet --only-binary :all: $(PROTOC_PACKAGE) setuptools
	touch $@

$(BENCH_READY): pyproject.toml benchmarks/peers.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --upgrade pip
	$(BENCH_VENV)/bin/python -m pip install --quiet --editable '.[cli,otel,prometheus,uvloop]' opentelemetry-sdk
	grep -v '^#' benchmarks/peers.txt | while read -r peer; do \
		$(BENCH_VENV)/bin/python -m pip install --quiet $$peer \
		|| echo "left out: $$peer"; done
	touch $@

demo: $(READY)  ## a tour: two providers, a consumer, what a call can do
	$(BIN)/python -m examples.tour

test: $(READY)  ## all tests
	$(BIN)/python -m pytest

check: $(READY) $(PROTOC_READY)  ## lint, types, direction of imports, generated code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	PROTOC=$(PROTOC_VENV)/bin/python $(BIN)/python protos/generate.py --check

protos: $(READY) $(PROTOC_READY)  ## generate facade/v1 from protos/
	PROTOC=$(PROTOC_VENV)/bin/python $(BIN)/python protos/generate.py

protos-baseline:  ## promise what protos/ says now, if it keeps what was promised (buf)
	PATH="$(CURDIR)/.tools/bin:$$PATH" buf breaking protos --against protos/baseline.binpb
	PATH="$(CURDIR)/.tools/bin:$$PATH" buf build protos --exclude-source-info -o protos/baseline.binpb

interop: $(READY)  ## other languages and gRPC tools against us; skips what is not installed
	$(BIN)/python -m pytest -m interop tests/interop

cluster: $(READY)  ## ZooKeeper and etcd, real ones; skips what is not installed
	$(BIN)/python -m pytest -m cluster tests/servers

faults: $(READY)  ## what breaks, and what comes of it: a line and a figure for each
	$(BIN)/python -m pytest -m faults tests/faults

soak: $(READY)  ## all kinds of calls, for SECONDS=3600: what they leave behind
	$(BIN)/python -m tests.faults.soak $(SECONDS)

fuzz: $(READY)  ## bytes that nobody should send, guided by what they reach, for SECONDS=3600
	$(BIN)/python -m pip install --quiet --only-binary :all: atheris
	$(BIN)/python -m tests.faults.fuzz $(SECONDS)

bench: $(BENCH_READY)  ## how fast it is, beside bare grpcio and others (10 minutes)
	$(BENCH_VENV)/bin/python -m benchmarks --record build/benchmarks.json

bench-quick: $(BENCH_READY)  ## its first lines, in a minute
	$(BENCH_VENV)/bin/python -m benchmarks --quick

bench-smoke: $(BENCH_READY)  ## whether all of it runs
	$(BENCH_VENV)/bin/python -m benchmarks --smoke

bench-docs: $(BENCH_READY)  ## measure anew what docs/performance.md shows (on a quiet machine)
	$(BENCH_VENV)/bin/python -m benchmarks --record benchmarks/record.json
	$(BENCH_VENV)/bin/python -m benchmarks.page

simulate: $(READY)  ## 1,000 consumers and providers on a virtual clock, for docs/balancing.md
	$(BIN)/python -m benchmarks.simulate --docs

clean:  ## what was set up
	rm -rf $(VENV) $(PROTOC_VENV) $(BENCH_VENV) build dist
