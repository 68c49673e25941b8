# Two commands on a fresh machine: `make leads` and `make test`. Everything runs in .venv, from the hashed lock.
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
SHARED ?= ../shared/data

.PHONY: leads test check bench evaluate sample lock clean

leads: $(READY)
	$(VENV)/bin/fraudleads nightly

test: $(READY)
	$(PY) -m pytest -n 2 --dist loadfile

check: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(READY)
	$(PY) -m benchmarks.night

evaluate: $(READY)
	$(PY) -m benchmarks.evaluate --shared $(SHARED) --out docs/evaluation.json

sample: $(READY)
	rm -rf data/sample/deliveries data/sample/truth
	$(VENV)/bin/fraudleads simulate --claims 20000 --seed 42 --out data/sample

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf var $(VENV)

$(READY): requirements.lock pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 2; }
	@python3 -m venv $(VENV) || { echo "python3 cannot make a virtual environment: install the package python3-venv"; exit 2; }
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
