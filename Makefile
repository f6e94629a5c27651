# Everything a newcomer does: `make demo` and `make test`. The rest is for those who change it.

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
SERVICES := monitor analyzer forecaster planner executor console simulator
MEASURED := daedalus_monitor.watch daedalus_forecaster.telemetry daedalus_executor.rescales daedalus_console.telemetry daedalus_simulator.__main__
MEMBERS := shared $(addprefix services/,$(SERVICES)) deploy/local contract
STAMP := $(VENV)/.installed
PYTHON ?= python3

.PHONY: help setup demo demo-compare test check lint types contracts unit common isolated backtest golden integration e2e images manifests compose-test bench screenshots lock schemas clean

help:  ## Say what there is.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /make \1\t/' | expand -t 20

setup: $(STAMP)  ## Install everything into .venv.

$(STAMP): requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %s" % sys.version.split()[0])'
	@test -x $(BIN)/python || { echo "· making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@test -x $(UV) || { echo "· installing uv into $(VENV)"; $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@echo "· installing the pinned packages (hash-checked)"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation $(addprefix -e ./,$(MEMBERS))
	@echo "· compiling the planner's inner loops"
	@$(BIN)/python -c 'from daedalus_planner.domain import programme; programme.compiled()'
	@touch $@

demo: setup  ## Real Kafka, a real job (JOB=ysb on Flink) on a compressed workload, all services; a score card.
	@$(BIN)/daedalus demo $(if $(JOB),--job $(JOB))

demo-compare: setup  ## The demo under rules, horizon and the HPA rule in turn, RUNS=3 times each; a table.
	@$(BIN)/daedalus demo-compare

test: lint types contracts common isolated backtest integration e2e  ## All tests; those that need a missing server are skipped with a reason.

images: $(addprefix image-,$(SERVICES)) image-wordcount image-load  ## Build all images with docker, and print their sizes.
	@docker images --format '{{.Repository}}\t{{.Size}}' 'daedalus/*' | sort | expand -t 24

image-%:
	@case $* in \
	  wordcount) file=kstreams.Dockerfile ;; \
	  load) file=load.Dockerfile ;; \
	  *) file=Dockerfile ;; \
	esac; \
	echo "· building daedalus/$*"; \
	docker build --quiet $(BUILD_OPTIONS) -f deploy/images/$$file --build-arg SERVICE=$* -t daedalus/$* . > /dev/null

manifests: setup  ## Render the Kubernetes manifests and check them; no cluster is needed.
	@for overlay in demo production; do \
	  kubectl kustomize deploy/kubernetes/overlays/$$overlay > /dev/null || exit 1; \
	done
	$(BIN)/pytest -q tests/unit/deploy

compose-test: setup  ## The compose project on a real Docker engine; `make images` before.
	$(BIN)/pytest -q tests/e2e/test_compose.py --durations=10

check: lint types contracts unit  ## The quick part.

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy shared services deploy/local contract tests

contracts: setup
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest -q tests/unit tests/contract -n 2

# What `isolated` does not run; Parquet files are tested where the optional pyarrow is.
common: setup
	$(BIN)/pytest -q $(filter-out $(addprefix %/,$(SERVICES) __pycache__),$(wildcard tests/unit/*)) tests/unit/console/test_exporting.py tests/contract -n 2

isolated: setup  ## Each service alone, with its own dependencies only.
	@$(MAKE) --no-print-directory --jobs=2 --output-sync $(addprefix isolated-,$(SERVICES))

isolated-%: setup
	@tests/isolated.sh $*

backtest: setup  ## Do policies decide as recorded? DAEDALUS_TRACES=DIR plays traces of yours too.
	$(BIN)/pytest -q tests/backtest

golden: setup  ## Renew the record that `make backtest` compares with.
	PYTHONPATH=tests $(BIN)/python -m backtest.golden

integration: setup  ## Against real servers: Kafka, Flink, Prometheus.
	$(BIN)/pytest -q tests/integration --durations=15 -n 2 --dist loadscope --no-loadscope-reorder

e2e: setup  ## The whole loop on a real cluster.
	$(BIN)/pytest -q tests/e2e

bench: setup  ## Latency, throughput and memory of the services on a real broker.
	$(BIN)/python tests/benchmark/loop.py

screenshots: setup  ## Take the documentation's pictures of the page, from the demo; nine minutes.
	PYTHONPATH=tests $(BIN)/python -m harness.screenshots docs/console

lock:  ## Resolve the dependencies anew, and pin them without addresses.
	$(UV) lock --upgrade --quiet
	$(UV) export --quiet --all-packages --no-emit-workspace --no-header -o requirements.lock
	$(UV) export --quiet --only-group test --no-emit-workspace --no-header -o tests/requirements.lock
	$(UV) export --quiet --only-group build --no-emit-workspace --no-header -o deploy/images/build.lock
	$(UV) export --quiet --only-group load --no-emit-workspace --no-header -o deploy/images/load.lock
	@for service in $(SERVICES); do \
	  $(UV) export --quiet --package daedalus-$$service --no-dev --no-emit-workspace --no-header -o services/$$service/requirements.lock; \
	done

schemas: setup  ## Write docs/events, docs/settings.md and docs/metrics.md from the code.
	$(BIN)/python -m daedalus_shared docs/events
	$(BIN)/python -m daedalus_shared settings docs/settings.md $(addprefix daedalus_,$(SERVICES)) daedalus_console.web
	$(BIN)/python -m daedalus_shared metrics docs/metrics.md $(MEASURED)

clean:  ## Remove what was built; the cache of the engines stays.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
